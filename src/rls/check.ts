/** The start-up check of `rls: true`: whether the policies hold for the role that the handles log in as. */
import { is, Subquery } from 'drizzle-orm';
import { classOf, declaredTables, nameOf, namesOf } from '../schema/classify.js';
import { answerTo, checkedDatabase, withReplicasOf } from './checked.js';
import {
  RowLevelSecurityError,
  UnsupportedTenantOperationError,
  type RowLevelSecurityProblem,
} from '../schema/index.js';
import { confines, ident, openingPolicy, type Policy, type TenantOf } from './policies.js';
import { soleSetting, tenantSetting } from './names.js';
import { declaredTenancies } from '../schema/tenancy.js';

/** What `withTenancy` returned, or a layer's database. */
export interface Checkable {
  readonly forTenant: unknown;
  readonly acrossTenants: unknown;
}

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
  readonly earlier: TenantOf['earlier'];
  readonly everybody: boolean;
  /** Not in the relations: it may be a table of another database. */
  readonly isOptional: boolean;
}

/** What the server says of a table. */
interface Found {
  readonly name: string;
  readonly schema: string | null;
  readonly table: string;
  /** What was not asked for: a view over a table, or a partition of it, by the name of that table. */
  readonly isOther: boolean;
  readonly parent: string | null;
  readonly kind: string | null;
  readonly enabled: boolean | null;
  readonly forced: boolean | null;
  readonly owns: boolean | null;
  readonly owner: string | null;
  readonly invoker: boolean | null;
  /** Whether policies do not hold its owner back, be it as an owner of a table: members of one are owners, too. */
  readonly ownerBypasses: boolean | null;
  readonly policies: string | null;
  readonly types: readonly string[] | null;
  readonly citus: boolean;
  readonly role: string;
  readonly superuser: boolean;
  readonly bypass: boolean;
  /** What the server says of the role that `across` names, as JSON; null where there is none. */
  readonly across: string | null;
  /** Whether the role may read it, and use its schema. */
  readonly reads: boolean | null;
  readonly entersSchema: boolean | null;
}

/** The policies of the relation `c` that apply to the role, as text. */
const policiesOf = `(select pg_catalog.json_agg(pg_catalog.json_build_object('name', p.polname, 'permissive',
  p.polpermissive, 'command', p.polcmd,
      'using', pg_catalog.pg_get_expr(p.polqual, p.polrelid), 'check', pg_catalog.pg_get_expr(p.polwithcheck,
        p.polrelid)))::text
    from pg_catalog.pg_policy p
    where p.polrelid = c.oid
      and (0 = any(p.polroles) or exists (select from pg_catalog.unnest(p.polroles) r where r <> 0
        and pg_catalog.pg_has_role(r, 'USAGE'))))`;

/** Whether the view `c` reads as whoever asks. */
const invokerOf =
  'coalesce((select option_value::boolean from pg_catalog.pg_options_to_table(c.reloptions) ' +
  "where option_name = 'security_invoker'), false)";

/** The tables and views that are asked for, then partitions, and other views over them, that the role may use. */
const question = `
with recursive asked as (
  select w.name, w.schema, w."table", w."column",
    case when w.schema is null then pg_catalog.to_regclass(pg_catalog.quote_ident(w."table"))::oid
    else (select t.oid from pg_catalog.pg_class t join pg_catalog.pg_namespace n on n.oid = t.relnamespace
      where n.nspname = w.schema and t.relname = w."table") end as oid
  from pg_catalog.json_to_recordset($1::text::json) as w(name text, schema text, "table" text, "column" text)
), readers as (
  select oid, null::pg_catalog.oid as below from asked where oid is not null
  union
  select rule.ev_class, readers.oid from readers
    join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and d.refobjid = readers.oid
    join pg_catalog.pg_rewrite rule on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and rule.oid = d.objid
), partitions as (
  select name as parent, "column", oid from asked where oid is not null
  union
  select partitions.parent, partitions."column", i.inhrelid from partitions
    join pg_catalog.pg_inherits i on i.inhparent = partitions.oid
), used as (
  select c.oid from readers join pg_catalog.pg_class c on c.oid = readers.oid
  where c.relkind = 'v' and pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
  union
  -- What a view reads, it reads as its owner.
  select readers.below from used join readers on readers.oid = used.oid join pg_catalog.pg_class c on c.oid = used.oid
  where c.relkind = 'v' and readers.below is not null
    and (not ${invokerOf} or pg_catalog.has_any_column_privilege(readers.below, 'SELECT'))
), others as (
  select null as parent, null as "column", c.oid from used join pg_catalog.pg_class c on c.oid = used.oid
    where c.relkind in ('v', 'm')
  union all
  select p.parent, p."column", p.oid from partitions p
  where pg_catalog.has_any_column_privilege(p.oid, 'SELECT, INSERT, UPDATE')
    or pg_catalog.has_table_privilege(p.oid, 'DELETE')
), w as (
  select name, oid, schema, "table", "column", false as "isOther", null as parent from asked
  union all
  select case when pg_catalog.pg_table_is_visible(c.oid) then c.relname::text else n.nspname || '.' || c.relname
    end, c.oid, case when pg_catalog.pg_table_is_visible(c.oid) then null else n.nspname::text end, c.relname::text,
      o."column", true, o.parent
  from others o join pg_catalog.pg_class c on c.oid = o.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where not exists (select from asked where asked.oid = c.oid)
)
select w.name, w.schema, w."table", w."isOther", w.parent, c.relkind::text as kind, c.relrowsecurity as enabled,
  c.relforcerowsecurity as forced,
  pg_catalog.pg_has_role(c.relowner, 'USAGE') as owns, o.rolname::text as owner, ${invokerOf} as invoker,
  o.rolsuper or o.rolbypassrls or exists (select from w as t join pg_catalog.pg_class b on b.oid = t.oid
    where b.relkind in ('r', 'p') and not b.relforcerowsecurity and pg_catalog.pg_has_role(o.oid, b.relowner,
      'USAGE')) as "ownerBypasses",
  ${policiesOf} as policies,
  (select pg_catalog.json_build_array(pg_catalog.format_type(a.atttypid, a.atttypmod),
    pg_catalog.format_type(case when y.typbasetype = 0 then y.oid else y.typbasetype end, -1))
    from pg_catalog.pg_attribute a join pg_catalog.pg_type y on y.oid = a.atttypid where a.attrelid = c.oid
      and a.attname = w."column") as types,
  exists (select from pg_catalog.pg_extension where extname = 'citus') as citus,
  pg_catalog.has_any_column_privilege(c.oid, 'SELECT') as reads, pg_catalog.has_schema_privilege(c.relnamespace,
    'USAGE') as "entersSchema",
  r.rolname::text as role, r.rolsuper as superuser, r.rolbypassrls as bypass,
  -- Since PostgreSQL 16, a member may be one that must not SET ROLE.
  (select pg_catalog.json_build_object('bypass', a.rolsuper or a.rolbypassrls, 'member',
    pg_catalog.pg_has_role(a.oid, 'MEMBER'), 'set', case
      when pg_catalog.current_setting('server_version_num')::int >= 160000 then pg_catalog.pg_has_role(a.oid, 'SET')
      else pg_catalog.pg_has_role(a.oid, 'MEMBER') end)::text
    from pg_catalog.pg_roles a where a.rolname = $2::text) as across
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
    const own = tenantSetting(found.tenancy.name, false);
    const settings = [soleSetting, own];
    const others = declaredTenancies().map((it) => tenantSetting(it.name, false));
    wanted.set(name!, {
      name: name!,
      schema: schema ?? null,
      table: original,
      column: found.name,
      settings,
      earlier: { unless: others.filter((it) => it !== own) },
      everybody: found.everybody,
      isOptional,
    });
  };
  for (const { table } of Object.values(relations)) add(table, false);
  for (const table of declaredTables()) add(table, true);
  return [...wanted.values()];
}

const quotedOf = ({ schema, table }: { schema: string | null; table: string }) =>
  [schema, table]
    .filter((part) => part !== null)
    .map(ident)
    .join('.');

function problemOfView(found: Found): Omit<RowLevelSecurityProblem, 'table'> | undefined {
  if (found.kind === 'm')
    return {
      reason: 'is a materialized view, which has no policies',
      remedy: `name it in { except: ['${found.name}'] } where the handle's filter is enough`,
    };
  if (found.invoker || !found.ownerBypasses) return undefined;
  return {
    reason: `is a view that reads as its owner "${found.owner}", whom policies do not hold back`,
    remedy:
      `ALTER VIEW ${quotedOf(found)} SET (security_invoker = true), in the schema pgView(...).with({ ` +
      'securityInvoker: true })',
  };
}

function problemOf(it: Wanted, found: Found): Omit<RowLevelSecurityProblem, 'table'> | undefined {
  const quoted = quotedOf(it);
  // A table that is not in the relations may be another program's, which this role has nothing to do with.
  if (found.kind !== null && !it.isOptional && !found.superuser && !found.bypass) {
    if (!found.entersSchema)
      return {
        reason: `is in a schema that the role "${found.role}" may not use`,
        remedy: `GRANT USAGE ON SCHEMA ${ident(it.schema ?? 'public')} TO ${ident(found.role)}`,
      };
    if (!found.reads)
      return {
        reason: `is not granted to the role "${found.role}"`,
        remedy: `GRANT SELECT, INSERT, UPDATE, DELETE ON ${quoted} TO ${ident(found.role)}`,
      };
  }
  switch (found.kind) {
    case null:
      return it.isOptional
        ? undefined
        : { reason: 'is not there', remedy: 'run the migrations, with the schema of the table in the search_path' };
    case 'm':
    case 'v':
      return problemOfView(found);
  }
  return problemOfLocks(found, { ...it, types: found.types ?? [] }, found, quoted);
}

const asDeclared = 'set rls: true in the tenancy of drizzle.config.ts, then generate and migrate';

function problemOfLocks(
  locks: Locks,
  tenant: TenantOf,
  { owns, role }: Found,
  quoted: string,
): Omit<RowLevelSecurityProblem, 'table'> | undefined {
  if (!locks.enabled) return { reason: 'has no row-level security', remedy: asDeclared };
  if (owns && !locks.forced) {
    return {
      reason: `belongs to the role "${role}", whom policies do not hold back`,
      remedy: `ALTER TABLE ${quoted} FORCE ROW LEVEL SECURITY`,
    };
  }
  const policies = JSON.parse(locks.policies ?? '[]') as Policy[];
  if (!policies.some((policy) => confines(policy, tenant)))
    return { reason: `has no policy on ${tenant.settings.join(' or ')}`, remedy: asDeclared };
  if (openingPolicy(policies, tenant))
    return {
      reason: 'has another policy that lets rows through',
      remedy: 'drop that policy, or make it AS RESTRICTIVE',
    };
  return undefined;
}

/** The role that `across` names is taken on by SET ROLE, for statements of several tenants. */
function problemOfAcross({ across, role }: Found, name: string): RowLevelSecurityProblem | undefined {
  const said: { readonly bypass: boolean; readonly member: boolean; readonly set: boolean } | null = JSON.parse(
    across ?? 'null',
  );
  if (!said)
    return {
      reason: `there is no role "${name}", which across names`,
      remedy: `CREATE ROLE ${ident(name)} BYPASSRLS; GRANT ${ident(name)} TO ${ident(role)}`,
    };
  if (!said.set)
    return {
      reason: `the role "${role}" may not SET ROLE to "${name}", which across names`,
      remedy: `GRANT ${ident(name)} TO ${ident(role)}${said.member ? ' WITH SET TRUE' : ''}`,
    };
  if (said.bypass) return undefined;
  return {
    reason: `the role "${name}", which across names, is held back by policies`,
    remedy: `ALTER ROLE ${ident(name)} BYPASSRLS`,
  };
}

/** A partition is read by way of its parent, under the parent's policies, or by its own name. */
function problemOfPartition(found: Found, it: Wanted): Omit<RowLevelSecurityProblem, 'table'> | undefined {
  const quoted = quotedOf(found);
  const isClosed = found.enabled && (!found.owns || found.forced);
  if (!isClosed) {
    return {
      reason: `is a partition of "${it.name}" that can be read past its policies`,
      remedy: `ALTER TABLE ${quoted} ENABLE ROW LEVEL SECURITY; ALTER TABLE ${quoted} FORCE ROW LEVEL SECURITY`,
    };
  }
  const policies = JSON.parse(found.policies ?? '[]') as Policy[];
  const opening = openingPolicy(policies, { ...it, types: found.types ?? [] });
  return (
    opening && {
      reason: `is a partition of "${it.name}" whose policy "${opening.name}" lets rows through`,
      remedy: `DROP POLICY ${ident(opening.name)} ON ${quoted}`,
    }
  );
}

/** Row-level security of a table or of one of its shards. */
type Locks = Pick<Found, 'enabled' | 'forced' | 'policies'>;

/** What a node of Citus says of the shards that it holds. */
interface Node {
  readonly nodeid: number;
  readonly success: boolean;
  readonly result: string;
}

interface Shard extends Locks {
  readonly schema: string;
  readonly table: string;
}

/**
 * Run on each node. Policies act on the shards, and Citus does not carry all of them there: AS RESTRICTIVE is lost.
 * The role asks by itself, so that what is found applies to it.
 */
const shardQuestion = `select coalesce(pg_catalog.json_agg(pg_catalog.row_to_json(distinct_locks)), '[]')::text from (
  select distinct n.nspname as schema, t.relname as "table", c.relrowsecurity as enabled, c.relforcerowsecurity as
    forced, ${policiesOf} as policies
  from pg_catalog.pg_dist_shard s
  join pg_catalog.pg_dist_placement m on m.shardid = s.shardid and m.groupid = (select groupid
    from pg_catalog.pg_dist_local_group)
  join pg_catalog.pg_class t on t.oid = s.logicalrelid join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  -- A schema that the role may not use hides its shards from it, and names them with an error.
  join pg_catalog.pg_class c on c.oid = case when pg_catalog.has_schema_privilege(n.oid,
    'USAGE') then pg_catalog.to_regclass(pg_catalog.shard_name(s.logicalrelid, s.shardid)) end
) distinct_locks`;

function problemsOfShards(
  rows: readonly Found[],
  nodes: readonly Node[],
  wanted: readonly Wanted[],
): RowLevelSecurityProblem[] {
  const problems = new Map<string, RowLevelSecurityProblem>();
  const lost = nodes.filter((it) => !it.success);
  if (lost.length > 0) {
    const which = lost.map((it) => it.nodeid).join(', ');
    problems.set('', {
      reason: `the nodes ${which} of Citus do not tell the policies of their shards: ${lost[0]!.result}`,
      remedy: 'start them, and let the role log in there',
    });
  }
  const shards = nodes.flatMap((it) => (it.success ? (JSON.parse(it.result || '[]') as Shard[]) : []));
  for (const row of rows) {
    const it = wanted.find((table) => table.name === (row.parent ?? row.name));
    if (!it || (row.kind !== 'r' && row.kind !== 'p')) continue;
    // A table of the search_path has no schema here; shards have one, and a name that is given twice is looked at
    // twice.
    for (const shard of shards.filter(
      (found) => found.table === row.table && (row.schema === null || row.schema === found.schema),
    )) {
      const problem = row.parent
        ? problemOfPartition({ ...row, ...lockOf(shard) }, it)
        : problemOfLocks(shard, { ...it, types: row.types ?? [] }, row, quotedOf(row));
      if (!problem || problems.has(row.name)) continue;
      problems.set(row.name, {
        table: row.name,
        reason: `${problem.reason}, on its shards`,
        remedy: 'run "npx drizzle-tenant plan": Citus makes a restrictive policy permissive there',
      });
    }
  }
  return [...problems.values()];
}

const lockOf = ({ enabled, forced, policies }: Locks): Locks => ({ enabled, forced, policies });

const nodesQuestion = 'select nodeid, success, result from pg_catalog.run_command_on_all_nodes($1::text)';

/** The check, however the database runs its queries. */
export function checkOf(db: object, { except = [] }: RowLevelSecurityOptions = {}) {
  const database = checkedDatabase(db);
  if (!database)
    throw new UnsupportedTenantOperationError('Pass assertRowLevelSecurity() what withTenancy() returned.');
  const { session, relations, isBound, across } = database;
  const wanted = wantedOf(relations);
  if (wanted.length === 0)
    throw new UnsupportedTenantOperationError(
      'Declare a table with tenantTable() before row-level security is checked: there is none.',
    );
  return {
    /** Asks the server, as the database runs its queries. @returns what `judge` takes */
    ask: () =>
      session
        .prepareQuery({ sql: question, params: [JSON.stringify(wanted), across ?? null] }, 'objects', false)
        .execute(),
    /** On Citus, asks each node for its shards. @returns what `judge` takes besides */
    askNodes: () => session.prepareQuery({ sql: nodesQuestion, params: [shardQuestion] }, 'objects', false).execute(),
    hasNodes: (rows: readonly Found[]) => rows[0]!.citus,
    judge(rows: readonly Found[], nodes: readonly Node[] = []): void {
      const byName = new Map(rows.flatMap((row) => (row.isOther ? [] : [[row.name, row] as const])));
      const { role, superuser, bypass } = rows[0]!;
      const problems: RowLevelSecurityProblem[] = [
        ...(isBound
          ? []
          : [
              {
                reason: 'the handles do not tell the policies their tenant',
                remedy: 'pass rls: true to withTenancy()',
              },
            ]),
        ...(superuser
          ? [
              {
                reason: `the role "${role}" is a superuser`,
                remedy: 'log in as a role that is not, whom the tables are granted to',
              },
            ]
          : []),
        ...(!superuser && bypass
          ? [{ reason: `the role ${ident(role)} has BYPASSRLS`, remedy: `ALTER ROLE ${ident(role)} NOBYPASSRLS` }]
          : []),
        ...(across === undefined ? [] : [problemOfAcross(rows[0]!, across)].filter((it) => it !== undefined)),
        ...wanted.flatMap((it) => {
          const problem = except.includes(it.name) ? undefined : problemOf(it, byName.get(it.name)!);
          return problem ? [{ table: it.name, ...problem }] : [];
        }),
        ...rows.flatMap((row) => {
          if (!row.isOther || except.includes(row.name)) return [];
          const parent = wanted.find((it) => it.name === row.parent);
          const problem = parent ? problemOfPartition(row, parent) : problemOfView(row);
          return problem ? [{ table: row.name, ...problem }] : [];
        }),
        ...problemsOfShards(rows, nodes, wanted).filter((it) => it.table === undefined || !except.includes(it.table)),
      ];
      if (problems.length > 0) throw new RowLevelSecurityError(role, problems);
    },
  };
}

/**
 * Says at start-up whether row-level security holds: that the role is held back by policies, and may take on the role
 * that `across` names, that each tenant table has them, and that no view over one, and no partition of one, that the
 * role may use goes past them. One statement, and on Citus a second, for the shards on each node. Each replica of
 * `withReplicas` is asked, too: it has a login of its own.
 *
 * @param db what `withTenancy(..., { relations, rls: true })` returned
 * @param options `except` names what only the handles' filter is to confine
 * @throws RowLevelSecurityError with each table, what is wrong, and the remedy; the driver's own error where the server
 * cannot be asked
 * @example
 * const db = withTenancy(drizzle({ client: postgres(url) }), { relations, rls: true });
 * await assertRowLevelSecurity(db);
 */
export async function assertRowLevelSecurity(db: Checkable, options?: RowLevelSecurityOptions): Promise<void> {
  for (const it of withReplicasOf(db)) {
    const { ask, askNodes, hasNodes, judge } = checkOf(it, options);
    const rows: Found[] = await answerTo(ask());
    judge(rows, hasNodes(rows) ? await answerTo<Node[]>(askNodes()) : []);
  }
}
