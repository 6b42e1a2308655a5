/** What a database holds: to see what a program changed, and to put it back. */
import { a, tenantTables } from './rows.js';

/** Runs SQL text, several statements if need be: the least that each driver can do. */
export type RunText = (text: string) => Promise<readonly Record<string, unknown>[]>;

/** A digest of every row, table by table: of account a and the reference tables, and of everybody else. */
export interface State {
  readonly own: Readonly<Record<string, unknown>>;
  readonly others: Readonly<Record<string, unknown>>;
}

const digest = (table: string, where: string) =>
  `(select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from ${table} t ${where})`;
const digests = (side: '=' | '<>') =>
  `json_build_object(${[
    ...tenantTables.map(
      ([table, tenant]) => `'${table}', ${digest(table, `where t."${tenant}"::text ${side} '${a}'`)}`,
    ),
    ...(side === '=' ? [`'countries', ${digest('countries', '')}`] : []),
  ].join(', ')})`;
const stateQuery = `select ${digests('=')}::text as own, ${digests('<>')}::text as others`;

export async function stateOf(run: RunText): Promise<State> {
  const [row] = await run(stateQuery);
  return { own: JSON.parse(row!.own as string), others: JSON.parse(row!.others as string) };
}

const all = [...tenantTables.map(([table]) => table), 'countries'];
// What PostgreSQL generates cannot be written back.
const taskColumns = '"accountId", id, "projectId", "parentId", "assigneeId", title, done, points, touched';
const columnsOf = (table: string) => (table === 'tasks' ? taskColumns : '*');
const into = (table: string) => (table === 'tasks' ? `tasks (${taskColumns})` : table);
const kept = (table: string) => `kept.${table.replace('.', '_')}`;

/** Keeps a copy of every row. */
export const keep = (run: RunText) => {
  const copies = all.map((table) => `create table ${kept(table)} as select ${columnsOf(table)} from ${table}`);
  return run(`create schema kept; ${copies.join('; ')}`);
};

/** Puts the kept rows back. */
export const putBack = (run: RunText) =>
  run(
    `set local session_replication_role = replica; ${all.map((table) => `delete from ${table}`).join('; ')}; ` +
      `${all.map((table) => `insert into ${into(table)} select * from ${kept(table)}`).join('; ')}; ` +
      'refresh materialized view project_sizes',
  );
