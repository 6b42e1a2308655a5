/** What a database holds: to see what a program changed, and to put it back. */
import { a, tenantTables } from './rows.js';

/** Runs SQL text, several statements if need be: the least that each driver can do. */
export type RunText = (text: string) => Promise<readonly Record<string, unknown>[]>;

const fingerprint = (side: '=' | '<>') =>
  `select ${[...tenantTables, ['countries', undefined] as const]
    .map(([table, tenant]) => {
      const where = tenant ? `where t."${tenant}"::text ${side} '${a}'` : side === '=' ? '' : 'where false';
      return `(select coalesce(json_agg(t order by t::text)::text, '') from ${table} t ${where}) as "${table}"`;
    })
    .join(', ')}`;

/** Every row of every other tenant, bit by bit. */
export const othersOf = (run: RunText) => run(fingerprint('<>')).then((rows) => rows[0]!);
/** Every row of account a, and of the reference tables. */
export const ownOf = (run: RunText) => run(fingerprint('=')).then((rows) => rows[0]!);

const all = [...tenantTables.map(([table]) => table), 'countries'];
const columnsOf = (table: string) => (table === 'tasks' ? '"accountId", id, "projectId", "parentId", "assigneeId", title, done, points, touched' : '*');
const into = (table: string) => (table === 'tasks' ? `tasks (${columnsOf(table)})` : table);

/** Keeps a copy of every row. */
export const keep = (run: RunText) =>
  run(`create schema kept; ${all.map((table) => `create table kept.${table.replace('.', '_')} as select ${columnsOf(table)} from ${table}`).join('; ')}`);

/** Puts the kept rows back. */
export const putBack = (run: RunText) =>
  run(
    `set local session_replication_role = replica; ${all.map((table) => `delete from ${table}`).join('; ')}; ` +
      `${all.map((table) => `insert into ${into(table)} select * from kept.${table.replace('.', '_')}`).join('; ')}; ` +
      'refresh materialized view project_sizes',
  );
