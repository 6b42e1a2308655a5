/**
 * Row-level security: a policy for each tenant table, as a second lock behind the scoped handle. FORCE makes it hold
 * for the table's owner, who applications often log in as.
 */
import { renamedColumn, type Migrated, type TableChange } from './changes.js';
import { ident, literal, quoted, type TableName } from './names.js';
import type { Entities } from './snapshot.js';
import type { TableState } from './state.js';

export const policyName = 'tenant_isolation';

/** Policies that go, or are replaced. They come first: a column that a policy names cannot be dropped or retyped. */
export function dropPolicies(changes: readonly TableChange[], { after }: Migrated): string[] {
  return changes.flatMap(({ table, was, is }) => {
    if (!was?.rls || (is?.rls && !differs(was, is, after, table))) return [];
    const drop = `DROP POLICY ${ident(policyName)} ON ${quoted(table)};`;
    if (is?.rls) return [drop];
    // Switched on by the schema itself, with withRLS or a policy of its own, it has to stay on.
    const row = after.list('tables').find((it) => it.schema === table.schema && it.name === table.name);
    return [
      drop,
      `ALTER TABLE ${quoted(table)} NO FORCE ROW LEVEL SECURITY;`,
      ...(row?.isRlsEnabled ? [] : [`ALTER TABLE ${quoted(table)} DISABLE ROW LEVEL SECURITY;`]),
    ];
  });
}

/** Policies that are new. They come last, when the rows are where they belong. */
export function createPolicies(changes: readonly TableChange[], { after }: Migrated): string[] {
  return changes.flatMap(({ table, was, is }) => {
    if (!is?.rls || (was?.rls && !differs(was, is, after, table))) return [];
    return [createPolicy(is), ...(was?.rls ? [] : enable(table))];
  });
}

/** The policy of a table that has `rls` in its state. */
export function createPolicy(table: TableState): string {
  const test = predicate(table);
  const as = table.rls!.as === 'RESTRICTIVE' ? ' AS RESTRICTIVE' : '';
  return `CREATE POLICY ${ident(policyName)} ON ${quoted(table)}${as} USING (${test}) WITH CHECK (${test});`;
}

export const enable = (table: TableName): string[] => [
  `ALTER TABLE ${quoted(table)} ENABLE ROW LEVEL SECURITY;`,
  `ALTER TABLE ${quoted(table)} FORCE ROW LEVEL SECURITY;`,
];

/** PostgreSQL keeps a policy up to date when a column is renamed, so that alone is no difference. */
const differs = (was: TableState, is: TableState, after: Entities, table: TableName) =>
  was.type !== is.type ||
  was.rls!.setting !== is.rls!.setting ||
  was.rls!.as !== is.rls!.as ||
  renamedColumn(after, table, was.column!) !== is.column;

/** A setting that is not set, or is empty, matches no row. */
const predicate = (table: TableState) =>
  `${ident(table.column!)} = nullif(current_setting(${literal(table.rls!.setting)}, true), '')::${table.type}`;

/**
 * Lets the table's owner see all rows while they are moved: under FORCE, an owner who is no superuser would fill in
 * and copy nothing, without an error.
 */
export const lift = (changes: readonly TableChange[]): string[] =>
  changes.filter((it) => it.was?.rls).map((it) => `ALTER TABLE ${quoted(it.table)} NO FORCE ROW LEVEL SECURITY;`);

/** The other half of {@link lift}. */
export const restore = (changes: readonly TableChange[]): string[] =>
  changes.filter((it) => it.was?.rls && it.is?.rls).map((it) => `ALTER TABLE ${quoted(it.table)} FORCE ROW LEVEL SECURITY;`);
