/** A history that a team writes, step by step and from scratch. */
import postgres from 'postgres';
import { inTransaction } from '../../../src/kit/live/apply.js';
import type { Database as Connection } from '../../../src/kit/live/database.js';
import type { TenancyOptions } from '../../../src/kit/index.js';
import type { Hint } from 'drizzle-kit/api-postgres';
import { finish, leftBy } from '../online.js';
import { History } from '../support.js';

export interface TeamStep {
  name: string;
  hints?: Hint[];
  tenancy?: TenancyOptions;
  /** Changes the generated statements, as a person does. */
  edit?: (statements: string[]) => string[];
  /** Run before the migration. */
  rows?: string[];
  /** Run after it. */
  after?: string[];
  /** Tables that go, or get rows. */
  loses?: string[];
  renames?: Record<string, string>;
  /** How many steps plan finds after it, which apply then does. */
  left?: number;
}
export interface Team {
  name: string;
  schemaAt: (n: number) => Record<string, any>;
  steps: TeamStep[];
}

const cat = {
  columns:
    'SELECT c.oid::regclass::text t, a.attname n, format_type(a.atttypid, a.atttypmod) ty, a.attnotnull nn, ' +
    'a.attidentity id, a.attgenerated g, pg_get_expr(d.adbin, d.adrelid) df, (SELECT collname ' +
    'FROM pg_collation WHERE oid=a.attcollation) co FROM pg_class c JOIN pg_attribute a ON a.attrelid=c.oid ' +
    'AND attnum>0 AND NOT attisdropped LEFT JOIN pg_attrdef d ON d.adrelid=c.oid AND d.adnum=a.attnum ' +
    "WHERE c.relkind IN ('r','p','v','m') AND OURS ORDER BY 1,2",
  constraints:
    'SELECT conrelid::regclass::text t, contype ty, convalidated v, condeferrable d, ' +
    'pg_get_constraintdef(x.oid) df FROM pg_constraint x JOIN pg_class c ON c.oid=conrelid ' +
    "WHERE contype<>'n' AND OURS ORDER BY 1,2,3,4,5",
  indexes:
    'SELECT i.indrelid::regclass::text t, indisvalid v, indisunique u, indisreplident r, ' +
    `regexp_replace(pg_get_indexdef(c.oid), 'INDEX ("[^"]*"|\\S+) ON', 'INDEX ON') df FROM pg_index i ` +
    "JOIN pg_class c ON c.oid=i.indexrelid WHERE NOT (i.indrelid::regclass::text ~ 'ledger_2026') AND OURS " +
    'ORDER BY 1,2',
  policies:
    'SELECT polrelid::regclass::text t, polname n, polpermissive p, polcmd::text cmd, ' +
    'polroles::regrole[]::text r, pg_get_expr(polqual,polrelid) q, pg_get_expr(polwithcheck,polrelid) w ' +
    'FROM pg_policy JOIN pg_class c ON c.oid=polrelid WHERE OURS ORDER BY 1,2',
  tables:
    'SELECT c.oid::regclass::text t, relkind k, relrowsecurity r, relforcerowsecurity f, relreplident i, ' +
    "relpersistence p, relispartition ip FROM pg_class c WHERE relkind IN ('r','p','v','m','S') AND OURS " +
    'ORDER BY 1',
  views:
    'SELECT c.oid::regclass::text t, pg_get_viewdef(c.oid) df, reloptions::text o FROM pg_class c ' +
    "WHERE relkind IN ('v','m') AND OURS ORDER BY 1",
  enums:
    "SELECT t.oid::regtype::text t, string_agg(enumlabel, ',' ORDER BY enumsortorder) v FROM pg_enum e " +
    'JOIN pg_type t ON t.oid=e.enumtypid GROUP BY 1 ORDER BY 1',
  sequences:
    'SELECT c.oid::regclass::text t, seqtypid::regtype::text ty, seqstart::text s, seqincrement::text i, ' +
    "seqmax::text m, seqcache::text ca, seqcycle cy, (SELECT refobjid::regclass::text||'.'||refobjsubid " +
    "FROM pg_depend d WHERE d.objid=c.oid AND d.classid='pg_class'::regclass AND deptype IN ('a','i') " +
    'AND false) o FROM pg_sequence s JOIN pg_class c ON c.oid=s.seqrelid WHERE OURS ORDER BY 1',
  triggers:
    'SELECT tgrelid::regclass::text t, tgname n, pg_get_triggerdef(g.oid) df FROM pg_trigger g ' +
    'JOIN pg_class c ON c.oid=tgrelid WHERE NOT tgisinternal AND OURS ORDER BY 1,2',
};
const ours =
  'c.relnamespace NOT IN (SELECT oid FROM pg_namespace ' +
  "WHERE nspname ~ '^(pg_|information_schema|citus|columnar|drizzle)' ) AND c.relname !~ '^citus_' " +
  "AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = c.oid AND e.deptype = 'e') " +
  'AND NOT c.relispartition';

export async function catalog(sql: postgres.Sql, onCitus: boolean) {
  const found: Record<string, unknown> = {};
  for (const [name, query] of Object.entries(cat))
    found[name] = (await sql.unsafe(query.replaceAll('OURS', ours))).map((it) =>
      JSON.stringify(it).replaceAll('offers_id_seq', 'listings_id_seq'),
    );
  if (onCitus) {
    found['places'] = (
      await sql`SELECT table_name::text t, citus_table_type k, distribution_column c, shard_count::int n
        FROM citus_tables JOIN pg_class c ON c.oid = table_name WHERE NOT c.relispartition ORDER BY 1`
    ).map((it) => JSON.stringify(it));
    // Without the shards' numbers, all shards of a table say the same.
    found['shards'] = await shards(sql);
  }
  return found;
}

const shardCatalog = `SELECT json_build_object(
 'columns', (SELECT
   json_agg(a.attname||' '||format_type(a.atttypid,a.atttypmod)||' '||a.attnotnull||' '||
     coalesce(pg_get_expr(d.adbin,d.adrelid),'') ORDER BY a.attname)
   FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid=a.attrelid AND d.adnum=a.attnum
   WHERE a.attrelid='%1$s'::regclass AND attnum>0 AND NOT attisdropped),
 'cons', (SELECT json_agg(regexp_replace(pg_get_constraintdef(oid),'_\\d{6,}','','g')
   ORDER BY pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid='%1$s'::regclass AND contype<>'n'),
 'idx', (SELECT json_agg(regexp_replace(regexp_replace(pg_get_indexdef(indexrelid), 'INDEX ("[^"]*"|\\S+) ON',
   'INDEX ON')||' '||indisvalid,'_\\d{6,}','','g') ORDER BY regexp_replace(pg_get_indexdef(indexrelid),
     'INDEX ("[^"]*"|\\S+) ON', 'INDEX ON')) FROM pg_index WHERE indrelid='%1$s'::regclass),
 'pol', (SELECT
   json_agg(polname||' '||polpermissive||' '||polcmd::text||' '||coalesce(pg_get_expr(polqual,polrelid),'')||' '||
     coalesce(pg_get_expr(polwithcheck,polrelid),'') ORDER BY polname)
   FROM pg_policy WHERE polrelid='%1$s'::regclass),
 'rls', (SELECT relrowsecurity||' '||relforcerowsecurity||' '||relreplident::text FROM pg_class
   WHERE oid='%1$s'::regclass))::text`;

async function shards(sql: postgres.Sql) {
  const said: string[] = [];
  for (const {
    t,
  } of await sql`SELECT logicalrelid::text t FROM pg_dist_partition JOIN pg_class c ON c.oid = logicalrelid
    WHERE NOT c.relispartition ORDER BY 1`) {
    const rows = await sql.unsafe(
      `SELECT DISTINCT result FROM run_command_on_shards('${String(t).replaceAll("'", "''")}', $x$${shardCatalog}$x$)`,
    );
    said.push(`${t}: ${rows.length} ${rows.map((it) => it['result']).join(' | ')}`);
  }
  return said;
}

const tables = async (sql: postgres.Sql) => {
  const found = await sql.unsafe(
    `SELECT c.oid::regclass::text t FROM pg_class c WHERE relkind IN ('r','p') AND NOT relispartition AND ${ours}`,
  );
  const counts: Record<string, number> = {};
  for (const { t } of found) counts[t] = Number((await sql.unsafe(`SELECT count(*) n FROM ${t}`))[0]!['n']);
  return counts;
};

const diff = (a: Record<string, any>, b: Record<string, any>) => {
  const said: string[] = [];
  for (const kind of Object.keys(a)) {
    for (const it of a[kind]) if (!b[kind].includes(it)) said.push(`${kind} only step by step: ${it}`);
    for (const it of b[kind]) if (!a[kind].includes(it)) said.push(`${kind} only from scratch: ${it}`);
  }
  return said;
};

export async function walk(
  team: Team,
  url: string,
  fresh: () => Promise<string>,
  onCitus: boolean,
  tenancy: TenancyOptions,
) {
  const sql = postgres(url, { max: 1, onnotice: () => {}, prepare: false });
  const database: Connection = {
    query: (query, values = []) => sql.unsafe(query, values as any[]) as any,
    close: async () => {},
  };
  const history = new History();
  const problems: string[] = [];
  const seen = new Set<string>();
  let current = tenancy;
  for (const [n, step] of team.steps.entries()) {
    const tell = (text: string) => {
      if (seen.has(text)) return;
      seen.add(text);
      problems.push(`[${team.name} ${n} ${step.name}] ${text}`);
    };
    current = { ...current, ...step.tenancy } as TenancyOptions;
    if (onCitus && (step.tenancy as any)?.citus === false) current = { ...current, citus: (tenancy as any).citus };
    if (!onCitus) current = { ...current, citus: false };
    try {
      for (const it of step.rows ?? []) await sql.unsafe(it);
    } catch (error) {
      tell(`rows: ${(error as Error).message}`);
    }
    const before = await tables(sql);
    let statements: string[];
    const schema = team.schemaAt(n);
    try {
      statements = await history.next({ schema, hints: step.hints, tenancy: current });
    } catch (error) {
      const { message, stack, _tag } = error as Error & { _tag?: string };
      tell(`generate: ${message}${_tag || message.includes('hints') ? '' : stack}`);
      break;
    }
    const written = step.edit ? step.edit(statements) : statements;
    try {
      await inTransaction(database, written);
    } catch (error) {
      tell(`migrate: ${(error as Error).message} ${(error as any).detail ?? ''}\n${written.join('\n')}`);
      break;
    }
    try {
      if (history.left) await finish(database, history, history.left);
      const left = await leftBy(database, history, history.left);
      if (left.length > 0) {
        if (left.length !== step.left) tell(`plan: ${JSON.stringify(left.map((it) => it.what))}`);
        await finish(database, history, history.left);
      }
    } catch (error) {
      tell(`plan: ${(error as Error).stack}`);
    }
    const again = (await history.next({ schema, tenancy: current })).filter(
      (it) => !it.startsWith('-- drizzle-tenant'),
    );
    if (again.length > 0) tell(`again: ${again.join('\n')}`);
    const after = await tables(sql);
    for (const [t, count] of Object.entries(before)) {
      const now = after[step.renames?.[t] ?? t];
      if (now !== count && !step.loses?.includes(t)) tell(`rows of ${t}: ${count}, then ${now}`);
    }
    try {
      for (const it of step.after ?? []) await sql.unsafe(it);
    } catch (error) {
      tell(`after: ${(error as Error).message} ${(error as any).detail ?? ''}`);
    }
    if (n % Number(process.env['EVERY'] ?? 1) !== 0 && n < team.steps.length - 1) continue;
    const scratch = await fresh();
    const other = postgres(scratch, { max: 1, onnotice: () => {}, prepare: false });
    try {
      const short = new History();
      let all = await short.next({ schema: team.schemaAt(n), tenancy: current });
      if (team.steps[0]!.edit) all = team.steps[0]!.edit(all);
      const db2: Connection = { query: (q, v = []) => other.unsafe(q, v as any[]) as any, close: async () => {} };
      await inTransaction(
        db2,
        all.filter((it) => !it.startsWith('CREATE ROLE')),
      );
      if (short.left) await finish(db2, short, short.left);
      const l = await leftBy(db2, short, short.left);
      if (l.length > 0) tell(`plan from scratch: ${JSON.stringify(l.map((it) => it.what))}`);
      for (const it of diff(await catalog(sql, onCitus), await catalog(other, onCitus))) tell(it);
    } catch (error) {
      tell(`from scratch: ${(error as Error).message}`);
    }
    await other.end();
  }
  await sql.end();
  return problems;
}
