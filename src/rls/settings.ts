/** What the policies read: the settings that say whose rows a transaction may see, and the SQL that sets them. */
import { is, Placeholder } from 'drizzle-orm';
import { UnsupportedTenantOperationError } from '../errors.js';
import { soleSetting, tenantSetting } from './names.js';
import { declaredTenancies, driverValueOf, type AnyTenancy } from '../schema/tenancy.js';

/** Whose rows: what a handle's scope says of it. */
export interface Whose {
  readonly reach: { readonly kind: 'one'; readonly id: unknown } | { readonly kind: 'several' | 'all' | 'shared' };
  readonly tenancy: AnyTenancy | undefined;
}

/** A statement that sets them and gives no column. */
export interface SettingStatement {
  readonly text: string;
  readonly values: readonly string[];
}

/** The statements that set them. They mean something within a transaction only, and end with it. */
export interface Settings {
  /** Runs first: Citus passes what follows on to its workers. To others it is a setting that nobody reads. */
  readonly first: string;
  /**
   * Whose rows. Citus passes them on with the whole text in which they were sent, so that nothing else may stand there.
   */
  readonly tenant: readonly string[];
  /**
   * The same in one statement, for a statement that has a transaction of its own. It raises an error on Citus, which
   * would pass nothing on.
   */
  readonly statement?: SettingStatement;
  /** Whether they take on a role that sees every tenant's rows. */
  readonly isAcross?: boolean;
}

/**
 * @param scope whose rows
 * @param role sees every tenant's rows, for scopes of more than one tenant
 * @param values the placeholders' values, where the tenant is among them: a statement that was prepared for any tenant
 * @returns undefined where no tenant is bound, so that the policies show no tenant's row: for the reference tables,
 * and as long as nothing told of which of two tenancies an id is
 */
export function settingsOf(
  scope: Whose,
  role?: string,
  values?: Readonly<Record<string, unknown>>,
): Settings | undefined {
  const { reach, tenancy } = scope;
  if (reach.kind === 'several' || reach.kind === 'all') return role === undefined ? undefined : acrossSettings(role);
  if (reach.kind !== 'one' || !tenancy) return undefined;
  const id = is(reach.id, Placeholder)
    ? tenancy.parse(values?.[(reach.id as unknown as { name: string }).name])
    : reach.id;
  const value = driverValueOf(id, tenancy);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') {
    throw new UnsupportedTenantOperationError(
      `Let the column of the tenancy "${tenancy.name}" encode its ids as text or numbers: ` +
        'row-level security compares what a setting says, which is text.',
    );
  }
  const literal = literalOf(String(value));
  const names = namesOf(tenancy.name);
  return {
    first,
    tenant: names.map((name) => `set local ${name} = ${literal}`),
    statement: { text: statementOf(names), values: [String(value)] },
  };
}

const statements = new WeakMap<readonly string[], string>();

/** The text that sets each of them to the only parameter. */
function statementOf(names: readonly string[]): string {
  let text = statements.get(names);
  if (!text) statements.set(names, (text = setting(names.map((name) => `pg_catalog.set_config('${name}', $1, true)`))));
  return text;
}

/** No rows and no columns: there is no answer to read. Nothing is null, so that all of it is called, in this order. */
const setting = (calls: readonly string[]) =>
  `select where pg_catalog.concat(('${onCitus} ' || pg_catalog.current_setting('citus.version', ` +
  `true))::pg_catalog.int4, ${calls.join(', ')}) is null`;

/** What the error of the statement says on Citus, whatever the language of the server. */
const onCitus = 'drizzle-tenant: citus';

/** Whether an error is that of a statement of settings on Citus. */
export const isOnCitus = (error: any): boolean => error?.code === '22P02' && String(error.message).includes(onCitus);

/**
 * The settings of a statement in a transaction where other statements have others: they say everything, so that it
 * does not matter what ran before, or which savepoint was rolled back.
 */
export function settingsWithin(scope: Whose, role?: string, values?: Readonly<Record<string, unknown>>): Settings {
  const own = settingsOf(scope, role, values);
  const kept = own && !own.isAcross && scope.tenancy ? namesOf(scope.tenancy.name) : [];
  const others = declaredTenancies().flatMap(({ name }) => namesOf(name).filter((it) => !kept.includes(it)));
  return {
    first,
    tenant: [...[...new Set(others)].map((name) => `set local ${name} = ''`), ...(own?.tenant ?? [])],
    isAcross: own?.isAcross ?? false,
  };
}

/**
 * Without BYPASSRLS the role would see nothing, and nobody would notice: with `row_security` off, PostgreSQL says so.
 */
const acrossSettings = (role: string): Settings => ({
  first,
  tenant: [`set local role ${roleOf(role)}`, 'set local row_security = off'],
  statement: { text: acrossStatement, values: [role] },
  isAcross: true,
});
const acrossStatement = setting([
  "pg_catalog.set_config('role', $1, true)",
  "pg_catalog.set_config('row_security', 'off', true)",
]);

/** Takes back what `acrossSettings` set. @param role what `current_setting('role')` said before */
export const backTo = (role: string): readonly string[] => [
  'set local row_security = on',
  `set local role ${role === 'none' ? 'none' : roleOf(role)}`,
];

/** A role's name as a string, which SET ROLE takes, too, and which no search of quotes ends. */
const roleOf = (role: string) => literalOf(role);

const names = new Map<string, readonly string[]>();

/** The settings of a tenancy: declared once, asked for with each statement. */
function namesOf(tenancy: string): readonly string[] {
  let found = names.get(tenancy);
  if (!found) names.set(tenancy, (found = [...new Set([soleSetting, tenantSetting(tenancy, false)])]));
  return found;
}

const first = "set local citus.propagate_set_commands = 'local'";

/**
 * Text as a literal that reads the same whatever `standard_conforming_strings`, `backslash_quote` and the encoding of
 * the client say: letters, digits, - and _ stand for themselves, and everything else is an escape made of them.
 */
export function literalOf(text: string): string {
  if (/^[A-Za-z0-9_-]*$/.test(text)) return `E'${text}'`;
  const escaped = text.replaceAll(/[^A-Za-z0-9_-]/gu, (character) => {
    const hex = character.codePointAt(0)!.toString(16);
    return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
  });
  return `E'${escaped}'`;
}
