/**
 * Row-level security: policies for each tenant table, as a second lock behind the scoped handle. FORCE makes them hold
 * for the table's owner, who applications often log in as.
 *
 * Permissive policies add up: one of the schema's own would open what ours closes. On PostgreSQL ours is restrictive,
 * so that it holds whatever else is there. Citus drops AS RESTRICTIVE on the shards, where ours would then be one more
 * permissive policy. So for Citus each policy of the schema's own is written with the tenant condition in it, and ours
 * is there only where the schema has none.
 *
 * A table with rows of everybody, which is not on Citus, has one for each command: those rows are read, and not
 * written.
 */
import { nameBefore, renamedColumn, type Migrated, type TableChange } from '../changes.js';
import { MigrationFolderError } from '../errors.js';
import { accessName, ident, keyOf, literal, policyName, quoted, writeNames, type TableName } from '../names.js';
import { unquote } from '../quotes.js';
import type { Entities, Row } from '../snapshot.js';
import type { TableState, TenancyState } from '../state.js';

/** A policy as SQL has it. */
export interface PolicyRow {
  readonly name: string;
  readonly as: 'PERMISSIVE' | 'RESTRICTIVE';
  readonly for: string;
  readonly roles: readonly string[];
  readonly using?: string | null;
  readonly withCheck?: string | null;
}

/** Whether a table's own policies are written by us, with the tenant condition in each. */
export const isManaged = (table: TableState | undefined, state: TenancyState): boolean =>
  Boolean(table?.rls && !table.rls.as && state.citus);

/** @returns the policies of a table with `rls`, but for those of the schema's own that drizzle-kit writes */
export function ourPolicies(table: TableState, own: readonly Row[], state: TenancyState): PolicyRow[] {
  const test = predicate(table);
  const ours = (name: string, as: PolicyRow['as']): PolicyRow => ({
    name,
    as,
    for: 'ALL',
    roles: ['public'],
    using: test,
    withCheck: test,
  });
  const isOpened = own.some((it) => it.as !== 'RESTRICTIVE');
  // Written by a version that knew one policy.
  if (table.rls!.as) return [ours(policyName, table.rls!.as)];
  if (table.everybody && !state.citus)
    return [
      ...forEverybody(table),
      ...(isOpened ? [] : [{ ...ours(accessName, 'PERMISSIVE'), using: orEverybody(table) }]),
    ];
  if (!state.citus) return [ours(policyName, 'RESTRICTIVE'), ...(isOpened ? [] : [ours(accessName, 'PERMISSIVE')])];
  const narrowed = own.map(
    (it): PolicyRow => ({ ...(it as any), using: both(test, it.using), withCheck: both(test, it.withCheck) }),
  );
  return [...(isOpened ? [] : [ours(policyName, 'PERMISSIVE')]), ...narrowed];
}

const orEverybody = (table: TableState) => `(${predicate(table)}) OR ${ident(table.column!)} IS NULL`;

/** Restrictive, each for one command: what one of them lets through, another may hold back. */
function forEverybody(table: TableState): PolicyRow[] {
  const [own, read] = [predicate(table), orEverybody(table)];
  const policy = (name: string, command: string, using?: string, withCheck?: string): PolicyRow => ({
    name,
    as: 'RESTRICTIVE',
    for: command,
    roles: ['public'],
    using,
    withCheck,
  });
  return [
    policy(policyName, 'SELECT', read),
    policy(writeNames.INSERT, 'INSERT', undefined, own),
    policy(writeNames.UPDATE, 'UPDATE', own, own),
    policy(writeNames.DELETE, 'DELETE', own),
  ];
}

/** A condition that the schema left out stays out: PostgreSQL then takes the other, or lets nothing through. */
const both = (test: string, condition: string | null | undefined) =>
  condition ? `(${test}) AND (${condition})` : condition;

/** The policies of the schema's own. */
export const ownPolicies = (entities: Entities, table: TableName): Row[] => entities.of('policies', table);

export function createPolicy(table: TableName, policy: PolicyRow): string {
  const roles = policy.roles
    .map((it) => (/^(?:current_user|current_role|session_user|public)$/.test(it) ? it : ident(it)))
    .join(', ');
  return (
    `CREATE POLICY ${ident(policy.name)} ON ${quoted(table)}${policy.as === 'RESTRICTIVE' ? ' AS RESTRICTIVE' : ''}` +
    `${policy.for === 'ALL' ? '' : ` FOR ${policy.for}`}${roles === 'public' || roles === '' ? '' : ` TO ${roles}`}` +
    `${policy.using ? ` USING (${policy.using})` : ''}${policy.withCheck ? ` WITH CHECK (${policy.withCheck})` : ''};`
  );
}

export const enable = (table: TableName): string[] => [
  `ALTER TABLE ${quoted(table)} ENABLE ROW LEVEL SECURITY;`,
  `ALTER TABLE ${quoted(table)} FORCE ROW LEVEL SECURITY;`,
];

/** What a migration does to policies, and drizzle-kit's statements without those that it replaces. */
export interface PolicyChanges {
  /** Policies that go, or are replaced. They come first: a column that a policy names cannot be dropped or retyped. */
  readonly drop: string[];
  /** Policies that are new. They come last, when the rows are where they belong. */
  readonly create: string[];
  readonly rest: string[];
}

/** @throws MigrationFolderError where drizzle-kit writes a policy in a way that is not known */
export function changePolicies(
  drizzle: readonly string[],
  changes: readonly TableChange[],
  migrated: Migrated,
): PolicyChanges {
  const { before, after, prev, next } = migrated;
  const drop: string[] = [];
  const create: string[] = [];
  let rest = [...drizzle];
  for (const { table, was, is } of changes) {
    const oldName = nameBefore(table, after);
    const managed = isManaged(was, prev) || isManaged(is, next);
    const ownBefore = oldName ? ownPolicies(before, oldName) : [];
    const ownAfter = ownPolicies(after, table);
    const policiesOf = (state: TableState | undefined, own: Row[], of: TenancyState) => [
      ...(state?.rls ? ourPolicies(state, own, of) : []),
      ...(managed && !isManaged(state, of) ? (own as unknown as PolicyRow[]) : []),
    ];
    // PostgreSQL keeps a policy up to date when a column is renamed.
    const present = policiesOf(
      was && { ...was, column: was.column && renamedColumn(after, table, was.column) },
      ownBefore,
      prev,
    );
    const wanted = policiesOf(is, ownAfter, next);
    const replaced = managed ? takePolicies(rest, [table, ...(oldName ? [oldName] : [])]) : undefined;
    rest = replaced?.rest ?? rest;
    const text = (it: PolicyRow) => createPolicy(table, it);
    // PostgreSQL changes no column's type under a policy that reads it.
    const isRetyped =
      managed &&
      drizzle.some(
        (it) => it.startsWith(`ALTER TABLE ${quoted(table)} ALTER COLUMN `) && it.includes(' SET DATA TYPE '),
      );
    const isKept = (it: PolicyRow, others: readonly PolicyRow[]) =>
      !isRetyped && others.some((other) => text(other) === text(it)) && !replaced?.names.has(it.name);
    drop.push(
      ...present.filter((it) => !isKept(it, wanted)).map((it) => `DROP POLICY ${ident(it.name)} ON ${quoted(table)};`),
    );
    create.push(...wanted.filter((it) => !isKept(it, present)).map(text));
    if (is?.rls && !was?.rls) create.push(...enable(table));
    // Switched on by the schema itself, with withRLS or a policy of its own, it has to stay on.
    if (was?.rls && !is?.rls) {
      const row = after.list('tables').find((it) => keyOf(it as any) === keyOf(table));
      drop.push(
        `ALTER TABLE ${quoted(table)} NO FORCE ROW LEVEL SECURITY;`,
        ...(row?.isRlsEnabled || ownAfter.length > 0
          ? []
          : [`ALTER TABLE ${quoted(table)} DISABLE ROW LEVEL SECURITY;`]),
      );
    }
  }
  return { drop, create, rest };
}

const policyStatement = /^\s*(?:CREATE|ALTER|DROP)\s+POLICY\b/i;
const knownStatement = /^(?:CREATE|ALTER|DROP) POLICY ("(?:[^"]|"")*") ON ((?:"(?:[^"]|"")*"\.)?"(?:[^"]|"")*")/;

/** Takes drizzle-kit's statements about the policies of a table away. */
function takePolicies(drizzle: readonly string[], names: readonly TableName[]): { rest: string[]; names: Set<string> } {
  const tables = names.map(quoted);
  const taken = new Set<string>();
  const rest = drizzle.filter((statement) => {
    if (!policyStatement.test(statement)) return true;
    const found = knownStatement.exec(statement);
    if (!found)
      throw new MigrationFolderError(
        `Report the version of drizzle-kit: drizzle-tenant does not understand its statement "${statement}".`,
      );
    if (!tables.includes(found[2]!)) return true;
    taken.add(unquote(found[1]!));
    return false;
  });
  return { rest, names: taken };
}

const read = (setting: string) => `current_setting(${literal(setting)}, true)`;
/** A setting that is not set, or is empty, matches no row. */
const valueOf = (setting: string) => `nullif(${read(setting)}, '')`;

/**
 * The tenant column is what the setting says. Where an earlier setting is accepted, it counts only where the table's
 * own is not set, nor that of another tenancy: a handle of that one sets `app.tenant_id` too, to an id that means
 * something else.
 */
export function predicate(table: TableState): string {
  const { setting, also } = table.rls!;
  if (!also) return `${ident(table.column!)} = ${valueOf(setting)}::${table.type}`;
  const earlier = valueOf(also.setting);
  const guarded =
    also.unless.length === 0
      ? earlier
      : `CASE WHEN concat(${also.unless.map(read).join(', ')}) = '' THEN ${earlier} END`;
  return `${ident(table.column!)} = coalesce(${valueOf(setting)}, ${guarded})::${table.type}`;
}

/**
 * Lets the table's owner see all rows while they are moved: under FORCE, an owner who is no superuser would fill in
 * and copy nothing, without an error.
 */
export const lift = (changes: readonly TableChange[]): string[] =>
  changes.filter((it) => it.was?.rls).map((it) => `ALTER TABLE ${quoted(it.table)} NO FORCE ROW LEVEL SECURITY;`);

/** The other half of {@link lift}. */
export const restore = (changes: readonly TableChange[]): string[] =>
  changes
    .filter((it) => it.was?.rls && it.is?.rls)
    .map((it) => `ALTER TABLE ${quoted(it.table)} FORCE ROW LEVEL SECURITY;`);
