/** What `tenancy` in `drizzle.config.ts` may say, and what it means when it says nothing. */
import { TenantConfigError } from './errors.js';
import { ruleNames, type RuleName } from './faults.js';

/** How strictly a rule is taken: it stops the command, it is printed, or it is not looked at. */
export type RuleLevel = 'error' | 'warn' | 'off';

export interface CitusOptions {
  /** Into how many shards the tables of a tenancy are split. Citus's own default is 32. */
  shardCount?: number;
  /** What differs for one tenancy, by its name. */
  tenancies?: Record<
    string,
    {
      shardCount?: number;
      /** Puts the rows of equal ids of two tenancies on one node. Without it, each tenancy is a group of its own. */
      colocateWith?: string;
    }
  >;
}

/** The `tenancy` part of a config made by `defineTenantConfig`. */
export interface TenancyOptions {
  /** Distribute over Citus; false for plain PostgreSQL only. */
  citus: false | CitusOptions;
  /** Write a row-level security policy for each tenant table. */
  rls?: boolean;
  /**
   * With `rls: true`, the roles that migrations create, where they are not there, and grant the tables to: the
   * application's, whom the policies hold, and an administrator's with BYPASSRLS.
   */
  roles?: { application: string; administrator?: string };
  /**
   * `'write-only'` while an application with data becomes multi-tenant: tenant columns are added without NOT NULL,
   * and keys and distribution wait until the mode is taken out again.
   */
  mode?: 'write-only';
  /**
   * The unique keys that hold within each tenant once their table becomes a tenant table, such as `users(email)`, or
   * `*(slug)` in every table. generate asks for each, and stops where it cannot ask.
   */
  uniquePerTenant?: readonly string[];
  /**
   * Whether a foreign key of a tenant table gets an index on its referencing side, where none begins with it; true
   * without it. Where false, check warns of each key without one.
   */
  foreignKeyIndexes?: boolean;
  /**
   * Whether migrations leave what would hold a table with rows for long to `npx drizzle-tenant apply`, which does it
   * while the application reads and writes; false without it.
   */
  online?: boolean;
  /**
   * Settings that no running program sets any more, such as `['app.tenant_id']` once all know of a second tenancy. The
   * next migration then takes them out of the policies.
   */
  retiredSettings?: readonly string[];
  /** How strictly each rule is taken; what is left out has the rule's own default. */
  rules?: Partial<Record<RuleName, RuleLevel>>;
}

/** The options with their defaults filled in. */
export interface Options {
  readonly citus: boolean;
  readonly shardCount: number;
  readonly tenancies: Readonly<Record<string, { readonly shardCount?: number; readonly colocateWith?: string }>>;
  readonly rls: boolean;
  readonly roles?: { readonly application: string; readonly administrator?: string };
  readonly writeOnly: boolean;
  readonly uniquePerTenant: readonly string[];
  readonly foreignKeyIndexes: boolean;
  readonly online: boolean;
  readonly retiredSettings: readonly string[];
  readonly rules: Readonly<Partial<Record<RuleName, RuleLevel>>>;
}

/** @throws TenantConfigError that names the option and what it may be */
export function readOptions(given: unknown): Options {
  if (typeof given !== 'object' || given === null) {
    throw new TenantConfigError('Give defineTenantConfig a "tenancy", as in tenancy: { citus: { shardCount: 32 } }.');
  }
  const {
    citus,
    rls = false,
    roles,
    mode,
    uniquePerTenant = [],
    foreignKeyIndexes = true,
    online = false,
    retiredSettings = [],
    rules = {},
    ...unknown
  } = given as TenancyOptions;
  const surplus = Object.keys(unknown);
  if (surplus.length > 0) {
    throw new TenantConfigError(
      `Take ${surplus.map((it) => `tenancy.${it}`).join(', ')} out of the config: the options are citus, ` +
        'rls, roles, mode, uniquePerTenant, foreignKeyIndexes, online, retiredSettings and rules.',
    );
  }
  if (citus !== false && (typeof citus !== 'object' || citus === null)) {
    throw new TenantConfigError('Set tenancy.citus to false, or to an object such as { shardCount: 32 }.');
  }
  if (typeof rls !== 'boolean') throw new TenantConfigError('Set tenancy.rls to true or false.');
  checkRoles(roles, rls);
  if (typeof foreignKeyIndexes !== 'boolean')
    throw new TenantConfigError('Set tenancy.foreignKeyIndexes to true or false.');
  if (typeof online !== 'boolean') throw new TenantConfigError('Set tenancy.online to true or false.');
  if (mode !== undefined && mode !== 'write-only')
    throw new TenantConfigError(`Set tenancy.mode to 'write-only', or leave it out.`);
  if (!Array.isArray(uniquePerTenant) || uniquePerTenant.some((it) => typeof it !== 'string')) {
    throw new TenantConfigError(`Set tenancy.uniquePerTenant to a list such as ['users(email)'].`);
  }
  if (!Array.isArray(retiredSettings) || retiredSettings.some((it) => !/^app\.[a-z0-9_]+$/.test(it))) {
    throw new TenantConfigError(`Set tenancy.retiredSettings to a list such as ['app.tenant_id'].`);
  }
  for (const [rule, level] of Object.entries(rules)) {
    if (!(ruleNames as readonly string[]).includes(rule)) {
      throw new TenantConfigError(`Take "${rule}" out of tenancy.rules: the rules are ${ruleNames.join(', ')}.`);
    }
    if (!['error', 'warn', 'off'].includes(level as string)) {
      throw new TenantConfigError(`Set tenancy.rules["${rule}"] to 'error', 'warn' or 'off'.`);
    }
  }
  const { shardCount = 32, tenancies = {} } = citus === false ? {} : (citus as CitusOptions);
  checkShardCount('tenancy.citus.shardCount', shardCount);
  for (const [name, { shardCount, colocateWith }] of Object.entries(tenancies)) {
    const at = `tenancy.citus.tenancies["${name}"]`;
    if (shardCount !== undefined) checkShardCount(`${at}.shardCount`, shardCount);
    if (colocateWith === undefined) continue;
    if (shardCount !== undefined)
      throw new TenantConfigError(`Leave shardCount out of ${at}: co-located tenancies have one shard count.`);
    if (colocateWith === name || tenancies[colocateWith]?.colocateWith !== undefined) {
      throw new TenantConfigError(`Set ${at}.colocateWith to a tenancy that is not co-located itself.`);
    }
  }
  return {
    citus: citus !== false,
    shardCount,
    tenancies,
    rls,
    ...(roles && {
      roles: {
        application: roles.application,
        ...(roles.administrator !== undefined && { administrator: roles.administrator }),
      },
    }),
    writeOnly: mode === 'write-only',
    uniquePerTenant,
    foreignKeyIndexes,
    online,
    retiredSettings,
    rules,
  };
}

function checkRoles(roles: unknown, rls: boolean): void {
  if (roles === undefined) return;
  const { application, administrator, ...unknown } = (
    typeof roles === 'object' && roles !== null ? roles : {}
  ) as Record<string, unknown>;
  const isName = (it: unknown) =>
    typeof it === 'string' && it !== '' && Buffer.byteLength(it) <= 63 && !/^(?:pg_|public$|none$)/.test(it);
  if (
    !isName(application) ||
    (administrator !== undefined && !isName(administrator)) ||
    application === administrator ||
    Object.keys(unknown).length > 0
  ) {
    throw new TenantConfigError(
      "Set tenancy.roles to two names such as { application: 'app', administrator: 'app_admin' }.",
    );
  }
  if (!rls)
    throw new TenantConfigError(
      'Set tenancy.rls to true, or take tenancy.roles out: without policies the two roles would see the same rows.',
    );
}

function checkShardCount(at: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 64000) {
    throw new TenantConfigError(`Set ${at} to a whole number from 1 to 64000.`);
  }
}

const foreignKeyIndexesKey = Symbol.for('drizzle-tenant:foreign-key-indexes');

/** Tells the tables of this process, whichever copy of drizzle-tenant declares them, whether to index foreign keys. */
export function setForeignKeyIndexes(on: boolean): void {
  (globalThis as Record<symbol, unknown>)[foreignKeyIndexesKey] = on;
}

export const foreignKeyIndexesAreOff = (): boolean =>
  (globalThis as Record<symbol, unknown>)[foreignKeyIndexesKey] === false;

/** What the command line reads back from a config. */
export interface ReadConfig {
  readonly options: Options;
  readonly schema: string | string[];
  readonly out: string;
  readonly config: Record<string, any>;
}

/** Under which a config carries what {@link ReadConfig} holds. */
export const readKey = Symbol.for('drizzle-tenant:config');

/** What `defineTenantConfig` read, or undefined for another config. */
export const readConfig = (config: unknown): ReadConfig | undefined =>
  typeof config === 'object' && config !== null ? (config as Record<symbol, ReadConfig>)[readKey] : undefined;
