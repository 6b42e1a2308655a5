/** The start-up check of `rls: true`: whether the policies hold for the role that the handles log in as. */
import { is, Subquery } from 'drizzle-orm';
import { classOf, declaredTables, nameOf, namesOf } from '../schema/classify.js';
import { RowLevelSecurityError, UnsupportedTenantOperationError, type RowLevelSecurityProblem } from '../schema/index.js';
import { soleSetting, tenantSetting } from '../schema/rls.js';
import type { TenancyDatabase } from './database.types.js';

/** Options of {@link assertRowLevelSecurity}. */
export interface RowLevelSecurityOptions {
  /** Tables and views that the policies need not confine, by name: materialized views, which have none. */
  readonly except?: readonly string[] | undefined;
}

/** What the check knows of a table, and is to ask the server. */
interface Wanted {
  readonly name: string;
  readonly schema: string | null;
  readonly table: string;
  readonly column: string;
  readonly settings: readonly string[];
  /** Not in the relations: it may be a table of another database. */
  readonly isOptional: boolean;
}

interface Policy {
  readonly permissive: boolean;
  readonly command: string;
  readonly using: string | null;
  readonly check: string | null;
}

/** What the server says of a table. */
interface Found {
  readonly name: string;
  readonly schema: string | null;
  readonly table: string;
  /** A view that was not asked for. */
  readonly isOther: boolean;
  readonly kind: string | null;
  readonly enabled: boolean | null;
  readonly forced: boolean | null;
  readonly owns: boolean | null;
  readonly owner: string | null;
  readonly invoker: boolean | null;
  readonly ownerBypasses: boolean | null;
  readonly policies: string | null;
  readonly role: string;
  readonly superuser: boolean;
  readonly bypass: boolean;
}

/** The tables and views that are asked for, then the other views over them that the role may read. */
const question = `
with recursive asked as (
  select w.name, w.schema, w."table",
    case when w.schema is null then pg_catalog.to_regclass(pg_catalog.quote_ident(w."table"))::oid
    else (select t.oid from pg_catalog.pg_class t join pg_catalog.pg_namespace n on n.oid = t.relnamespace
      where n.nspname = w.schema and t.relname = w."table") end as oid
  from pg_catalog.json_to_recordset($1::text::json) as w(name text, schema text, "table" text)
), readers as (
  select oid from asked where oid is not null
  union
  select rule.ev_class from readers
    join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = readers.oid
    join pg_catalog.pg_rewrite rule on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and rule.oid = d.objid
), w as (
  select name, oid, schema, "table", false as "isOther" from asked
  union all
  select case when pg_catalog.pg_table_is_visible(c.oid) then c.relname::text else n.nspname || '.' || c.relname end, c.oid, case when pg_catalog.pg_table_is_visible(c.oid) then null else n.nspname::text end, c.relname::text, true
  from readers join pg_catalog.pg_class c on c.oid = readers.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'v' and pg_catalog.has_any_column_privilege(c.oid, 'SELECT') and not exists (select from asked where asked.oid = c.oid)
)
select w.name, w.schema, w."table", w."isOther", c.relkind::text as kind, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
  pg_catalog.pg_has_role(c.relowner, 'USAGE') as owns, o.rolname::text as owner, o.rolsuper or o.rolbypassrls as "ownerBypasses",
  coalesce((select option_value::boolean from pg_catalog.pg_options_to_table(c.reloptions) where option_name = 'security_invoker'), false) as invoker,
  (select pg_catalog.json_agg(pg_catalog.json_build_object('permissive', p.polpermissive, 'command', p.polcmd,
      'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)))::text
    from pg_catalog.pg_policy p
    where p.polrelid = c.oid
      and (0 = any(p.polroles) or exists (select from pg_catalog.unnest(p.polroles) r where r <> 0 and pg_catalog.pg_has_role(r, 'USAGE')))) as policies,
  r.rolname::text as role, r.rolsuper as superuser, r.rolbypassrls as bypass
from pg_catalog.pg_roles r
  cross join w
  left join pg_catalog.pg_class c on c.oid = w.oid
  left join pg_catalog.pg_roles o on o.oid = c.relowner
where r.rolname = current_user`;

/** The tenant tables that a database has to have, and those that it may have. */
function wantedOf(relations: Record<string, any>): Wanted[] {
  const wanted = new Map<string, Wanted>();
  const add = (table: object, isOptional: boolean) => {
    const found = is(table, Subquery) ? undefined : classOf(table);
    const name = found && nameOf(table);
    if (found?.kind !== 'tenant' || wanted.has(name!)) return;
    const [schema, original] = namesOf(table);
    const settings = [soleSetting, tenantSetting(found.tenancy.name, false)];
    wanted.set(name!, { name: name!, schema: schema ?? null, table: original, column: found.name, settings, isOptional });
  };
  for (const { table } of Object.values(relations)) add(table, false);
  for (const table of declaredTables()) add(table, true);
  return [...wanted.values()];
}

/** A policy that lets through the rows of the tenant in the setting, and no others, whatever the statement. */
const confines = ({ command, using, check }: Policy, { column, settings }: Wanted) =>
  command === '*' &&
  [using, check ?? using].every(
    (expression) =>
      settings.some((setting) => expression?.includes(`current_setting('${setting}'`)) &&
      // Outside of the setting's name, which is like it.
      expression!.replaceAll(/current_setting\('[^']*'/g, '').includes(column),
  );

const quotedOf = ({ schema, table }: { schema: string | null; table: string }) =>
  [schema, table].filter((part) => part !== null).map((part) => `"${part}"`).join('.');

function problemOfView(found: Found, loose: ReadonlySet<string>): Omit<RowLevelSecurityProblem, 'table'> | undefined {
  if (found.invoker || !(found.ownerBypasses || loose.has(found.owner!))) return undefined;
  return {
    reason: `is a view that reads as its owner "${found.owner}", whom policies do not hold back`,
    remedy: `ALTER VIEW ${quotedOf(found)} SET (security_invoker = true)`,
  };
}

function problemOf(it: Wanted, found: Found, loose: ReadonlySet<string>): Omit<RowLevelSecurityProblem, 'table'> | undefined {
  const { name } = it;
  const quoted = quotedOf(it);
  switch (found.kind) {
    case null:
      return it.isOptional ? undefined : { reason: 'is not there', remedy: 'run the migrations, with the schema of the table in the search_path' };
    case 'm':
      return { reason: 'is a materialized view, which has no policies', remedy: `name it in { except: ['${name}'] } where the handle's filter is enough` };
    case 'v':
      return problemOfView(found, loose);
  }
  if (!found.enabled) return { reason: 'has no row-level security', remedy: 'set rls: true in the tenancy of drizzle.config.ts, then generate and migrate' };
  if (found.owns && !found.forced) {
    return { reason: `belongs to the role "${found.role}", whom policies do not hold back`, remedy: `ALTER TABLE ${quoted} FORCE ROW LEVEL SECURITY` };
  }
  const policies = JSON.parse(found.policies ?? '[]') as Policy[];
  const own = policies.filter((policy) => confines(policy, it));
  if (own.length === 0) {
    return { reason: `has no policy on ${it.settings.join(' or ')}`, remedy: 'set rls: true in the tenancy of drizzle.config.ts, then generate and migrate' };
  }
  if (own.every((policy) => policy.permissive) && policies.some((policy) => policy.permissive && !own.includes(policy))) {
    return { reason: 'has another policy that lets rows through', remedy: 'drop that policy, or make it AS RESTRICTIVE' };
  }
  return undefined;
}

const databases = new WeakMap<object, { readonly session: any; readonly relations: Record<string, any>; readonly isBound: boolean }>();

/** Lets the check ask on behalf of what `withTenancy` returned. */
export const checkable = <T extends object>(database: T, on: { session: any; relations: Record<string, any>; isBound: boolean }): T => {
  databases.set(database, on);
  return database;
};

/** The check, however the database runs its queries. */
export function checkOf(db: object, { except = [] }: RowLevelSecurityOptions = {}) {
  const database = databases.get(db);
  if (!database) throw new UnsupportedTenantOperationError('Pass assertRowLevelSecurity() what withTenancy() returned.');
  const { session, relations, isBound } = database;
  const wanted = wantedOf(relations);
  if (wanted.length === 0) throw new UnsupportedTenantOperationError('Declare a table with tenantTable() before row-level security is checked: there is none.');
  return {
    /** Asks the server, as the database runs its queries. @returns what `judge` takes */
    ask: () => session.prepareQuery({ sql: question, params: [JSON.stringify(wanted)] }, 'objects', false).execute(),
    judge(rows: readonly Found[]): void {
      const byName = new Map(rows.flatMap((row) => (row.isOther ? [] : [[row.name, row] as const])));
      const { role, superuser, bypass } = rows[0]!;
      const loose = new Set(rows.filter((row) => row.kind !== 'v' && row.kind !== 'm' && row.kind !== null && !row.forced).map((row) => row.owner!));
      const problems: RowLevelSecurityProblem[] = [
        ...(isBound ? [] : [{ reason: 'the handles do not tell the policies their tenant', remedy: 'pass rls: true to withTenancy()' }]),
        ...(superuser ? [{ reason: `the role "${role}" is a superuser`, remedy: 'log in as a role that is not, whom the tables are granted to' }] : []),
        ...(!superuser && bypass ? [{ reason: `the role "${role}" has BYPASSRLS`, remedy: `ALTER ROLE "${role}" NOBYPASSRLS` }] : []),
        ...wanted.flatMap((it) => {
          const problem = except.includes(it.name) ? undefined : problemOf(it, byName.get(it.name)!, loose);
          return problem ? [{ table: it.name, ...problem }] : [];
        }),
        ...rows.flatMap((row) => {
          const problem = row.isOther && !except.includes(row.name) ? problemOfView(row, loose) : undefined;
          return problem ? [{ table: row.name, ...problem }] : [];
        }),
      ];
      if (problems.length > 0) throw new RowLevelSecurityError(role, problems);
    },
  };
}

/**
 * Says at start-up whether row-level security holds: that the role is held back by policies, that each tenant
 * table has them, and that no view over one that the role may read goes past them. One statement.
 *
 * @param db what `withTenancy(..., { relations, rls: true })` returned
 * @param options `except` names what only the handles' filter is to confine
 * @throws RowLevelSecurityError with each table, what is wrong, and the remedy
 * @example
 * const db = withTenancy(drizzle({ client: postgres(url) }), { relations, rls: true });
 * await assertRowLevelSecurity(db);
 */
export async function assertRowLevelSecurity(db: TenancyDatabase<any, any>, options?: RowLevelSecurityOptions): Promise<void> {
  const { ask, judge } = checkOf(db, options);
  judge(await ask());
}
