/**
 * Which questions of a tenant pay for other tenants' rows. Nothing is said without evidence: a statement that the
 * server counted touches many more blocks than it has rows, and its plan reads an index, or the table, over everybody's
 * rows; or an index that does not begin with the tenant column has been read far, scan after scan.
 */
import { DatabaseStateError } from '../errors.js';
import { ident, plain, type TableName } from '../names.js';
import { tsColumn, tsString } from '../quotes.js';
import type { TenancyState } from '../state.js';
import type { Database } from './database.js';
import { readingsOf, type Reading } from './plan-readings.js';

/** One piece of advice, with what speaks for it. */
export interface Advice {
  readonly table: string;
  /** The index that is read over everybody's rows; null where it is the table itself. */
  readonly index: string | null;
  /** What the server counted, in words. */
  readonly evidence: string;
  /**
   * The statements that read it, the one that touches most blocks first. Empty where the server counts no statements.
   */
  readonly statements: readonly Costly[];
  readonly sql: readonly string[];
  /** What to change in the schema, so that the next migration keeps it. */
  readonly schema: string;
}

/** A statement as `pg_stat_statements` counts it. */
export interface Costly {
  readonly query: string;
  readonly calls: number;
  /** Blocks of 8 kB that a call touches on average. */
  readonly blocks: number;
  readonly rows: number;
}

export interface Advised {
  readonly advice: readonly Advice[];
  /** What could not be looked at, and what to do about it. */
  readonly notes: readonly string[];
}

interface Index {
  readonly table: string;
  readonly isPartitioned: boolean;
  /** The names of an index of a table with partitions on each of those. */
  readonly parts: readonly string[];
  readonly tenant: string;
  readonly name: string;
  readonly method: string;
  readonly leads: boolean;
  readonly isUnique: boolean;
  readonly isConstraint: boolean;
  readonly definition: string;
  readonly scans: number;
  /** Index entries that the scans returned. */
  readonly read: number;
}

/** A call that touches fewer blocks costs nobody anything. */
const fewBlocks = 50;
/** What a row may cost: the way down an index, and the row. */
const blocksOfRow = 10;
/** As many entries of an index are read by a page of some size. */
const fewEntries = 1_000;

/**
 * @param database that is asked; nothing of it is changed
 * @param state what the schema says
 */
export async function advise(database: Database, state: TenancyState): Promise<Advised> {
  const [server] = await database.query<{ version: number; citus: boolean; statements: boolean }>(
    `SELECT current_setting('server_version_num')::int AS version, EXISTS (SELECT FROM pg_extension
      WHERE extname = 'citus') AS citus,
       to_regclass('pg_stat_statements') IS NOT NULL AS statements`,
  );
  if (server!.citus)
    throw new DatabaseStateError(
      'Look at one shard at a time with EXPLAIN on Citus: each node counts its own indexes and statements, ' +
        'and this command asks one server.',
    );
  const tables = Object.values(state.tables).flatMap((it) =>
    it.kind === 'tenant' ? [{ schema: it.schema, name: it.name, column: it.column! }] : [],
  );
  const indexes = await readIndexes(database, tables);
  const read: Read[] = [...tables, ...(await readPartitions(database, tables))];
  const notes: string[] = [];
  const found = new Map<string, { reading: Reading; of: TableName & { column: string }; statements: Costly[] }>();
  if (!server!.statements) {
    notes.push(
      'Put pg_stat_statements into shared_preload_libraries and run CREATE EXTENSION pg_stat_statements ' +
        'to see statements: only the counts of indexes were looked at.',
    );
  } else {
    for (const statement of await readStatements(database)) {
      for (const { table, index } of await readings(database, statement, read, server!.version)) {
        const whole = indexes.find((it) => it.table === table && it.parts.includes(index ?? ''))?.name ?? index;
        const key = `${table}\0${whole ?? ''}`;
        if (!found.has(key))
          found.set(key, {
            reading: { table, index: whole },
            of: tables.find((it) => plain(it) === table)!,
            statements: [],
          });
        const { statements } = found.get(key)!;
        if (!statements.includes(statement)) statements.push(statement);
      }
    }
  }
  const advice: Advice[] = [];
  for (const { reading, of, statements } of found.values()) {
    const index = indexes.find((it) => it.name === reading.index && it.table === reading.table);
    // A table is read as a whole where it has such an index, too, and the planner had its reason: the tenant may be
    // most of it.
    if (!index && (reading.index !== null || indexes.some((it) => it.table === reading.table && it.leads))) continue;
    const [first] = statements;
    const evidence =
      `${first!.blocks.toLocaleString('en')} blocks for ${first!.rows.toLocaleString('en')} rows a call, ` +
      `in ${first!.calls.toLocaleString('en')} calls; the plan looks for the tenant in what it has read`;
    const isPartitioned = read.some((it) => it.of !== undefined && plain(it.of) === plain(of));
    advice.push(
      index ? adviceFor(index, evidence, statements) : adviceForTable(of, isPartitioned, evidence, statements),
    );
  }
  for (const index of indexes) {
    const each = index.scans > 0 ? Math.round(index.read / index.scans) : 0;
    if (index.leads || each < fewEntries || advice.some((it) => it.index === index.name)) continue;
    const evidence =
      `${each.toLocaleString('en')} entries read in each of ${index.scans.toLocaleString('en')} scans since ` +
      'statistics were reset; it is not known by whose statements';
    advice.push(adviceFor(index, evidence, []));
  }
  return { advice, notes };
}

const readIndexes = (database: Database, tables: readonly (TableName & { column: string })[]) =>
  database.query<Index>(
    `SELECT w.label AS "table", w."column" AS tenant, c.relname AS name, am.amname AS method,
      t.relkind = 'p' AS "isPartitioned",
      ARRAY(SELECT p.relname::text FROM pg_partition_tree(c.oid) l JOIN pg_class p ON p.oid = l.relid
        WHERE l.isleaf AND c.relkind = 'I') AS parts,
      coalesce(a.attname = w."column", false) AS leads,
       i.indisunique AS "isUnique", EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid
         AND k.contype IN ('p', 'u', 'x')) AS "isConstraint",
       pg_get_indexdef(c.oid) AS definition, coalesce(s.idx_scan, 0)::float8 AS scans, coalesce(s.idx_tup_read,
         0)::float8 AS read
     FROM json_to_recordset($1::text::json) AS w(schema text, name text, label text, "column" text)
     JOIN pg_namespace n ON n.nspname = w.schema JOIN pg_class t ON t.relnamespace = n.oid AND t.relname = w.name
     JOIN pg_index i ON i.indrelid = t.oid AND i.indisvalid JOIN pg_class c ON c.oid = i.indexrelid
       JOIN pg_am am ON am.oid = c.relam
     LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
     LEFT JOIN LATERAL (SELECT sum(s.idx_scan) AS idx_scan, sum(s.idx_tup_read) AS idx_tup_read
       FROM pg_stat_user_indexes s WHERE s.indexrelid = c.oid
         OR c.relkind = 'I' AND s.indexrelid IN (SELECT relid FROM pg_partition_tree(c.oid))) s ON true
     ORDER BY 1, 3`,
    [JSON.stringify(tables.map((it) => ({ ...it, label: plain(it) })))],
  );

/** A table whose column tells the tenant; `of` is the table of which it is a partition. */
type Read = TableName & { readonly column: string; readonly of?: TableName };

/** Plans name the partitions of a table, and not the table. */
const readPartitions = async (database: Database, tables: readonly Read[]): Promise<Read[]> =>
  (
    await database.query<TableName & { n: number }>(
      `SELECT w.n, n.nspname AS schema, c.relname AS name
       FROM json_to_recordset($1::text::json) AS w(schema text, name text, n int)
       JOIN pg_namespace k ON k.nspname = w.schema
       JOIN pg_class t ON t.relnamespace = k.oid AND t.relname = w.name AND t.relkind = 'p'
       CROSS JOIN LATERAL pg_partition_tree(t.oid) l
       JOIN pg_class c ON c.oid = l.relid AND l.isleaf JOIN pg_namespace n ON n.oid = c.relnamespace`,
      [JSON.stringify(tables.map((it, n) => ({ ...it, n })))],
    )
  ).map(({ n, ...it }) => ({ ...it, column: tables[n]!.column, of: tables[n]! }));

/** The dearest first. One statement is counted once for each user who runs it. */
const readStatements = (database: Database) =>
  database.query<Costly>(
    `SELECT query, sum(calls)::float8 AS calls, round((sum(shared_blks_hit + shared_blks_read) /
      sum(calls))::numeric)::float8 AS blocks,
       round((sum(rows) / sum(calls))::numeric, 1)::float8 AS rows
     FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND query ~* '^\\s*(with|select|update|delete)\\M'
     GROUP BY query
     HAVING sum(calls) > 0 AND sum(shared_blks_hit + shared_blks_read) / sum(calls) > ${fewBlocks} + ${blocksOfRow}
       * sum(rows) / sum(calls)
     ORDER BY sum(shared_blks_hit + shared_blks_read) DESC LIMIT 200`,
  );

/**
 * What the plan of a statement reads over everybody's rows. Nothing where there is none: a table of a session that has
 * ended.
 */
async function readings(
  database: Database,
  { query }: Costly,
  tables: readonly Read[],
  version: number,
): Promise<readonly Reading[]> {
  // A limit that the planner does not know is taken for a tenth of all rows.
  const text = query.replaceAll(/\blimit \$\d+/gi, 'limit 20');
  try {
    const [row] = await (version < 160_000
      ? explainPrepared(database, text)
      : database.query(`EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) ${text}`));
    const plan = row!['QUERY PLAN'];
    return readingsOf((typeof plan === 'string' ? JSON.parse(plan) : plan)[0].Plan, tables);
  } catch {
    return [];
  }
}

/** The plan for any values before PostgreSQL 16, where EXPLAIN has no word for it: that of a prepared statement. */
async function explainPrepared(database: Database, text: string): Promise<Record<string, any>[]> {
  await database.query('SET plan_cache_mode = force_generic_plan');
  // No number may be left out, and that of a limit was.
  const numbers = [...new Set(text.match(/\$\d+/g))];
  const numbered = text.replaceAll(/\$\d+/g, (it) => `$${numbers.indexOf(it) + 1}`);
  await database.query(`PREPARE drizzle_tenant_advise AS ${numbered}`);
  try {
    const [prepared] = await database.query<{ count: number }>(
      `SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = 'drizzle_tenant_advise'`,
    );
    const values = Array.from({ length: prepared!.count }, () => 'NULL').join(', ');
    return await database.query(
      `EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE drizzle_tenant_advise${values && `(${values})`}`,
    );
  } finally {
    await database.query('DEALLOCATE drizzle_tenant_advise');
  }
}

function adviceFor(index: Index, evidence: string, statements: readonly Costly[]): Advice {
  const { table, name, method, tenant, isUnique, isConstraint, definition, isPartitioned } = index;
  const create = `CREATE INDEX ${concurrently(isPartitioned)}${ident(`${name.slice(0, 52)}_by_tenant`)} `;
  const common = { table, index: name, evidence, statements };
  if (isUnique || isConstraint) {
    return {
      ...common,
      sql: [],
      schema:
        `Leave unscoped() out, so that ${name} begins with ${tenant}; where it has to stay ` +
        'unique over all tenants, add index() on its columns beside it.',
    };
  }
  const inner = /^CREATE INDEX .*? (USING \w+ )\((.*)$/s.exec(definition);
  if (method === 'btree') {
    const sql = inner
      ? [
          `${create}ON ${tableOf(definition)} ${inner[1]}(${ident(tenant)}, ${inner[2]}`,
          `DROP INDEX ${concurrently(isPartitioned)}${schemaOf(definition)}${ident(name)}`,
        ]
      : [];
    return {
      ...common,
      sql,
      schema:
        `Leave unscoped() out, and generate: the migration makes ${name} begin with ${tenant}. ` +
        (isPartitioned ? waits : '"npx drizzle-tenant indexes" builds it without blocking writes.'),
    };
  }
  const extension = method === 'gin' || method === 'gist' ? `btree_${method}` : undefined;
  if (!extension || !inner)
    return {
      ...common,
      sql: [],
      schema:
        `An index of the method ${method} cannot begin with ${tenant}: where one tenant needs it, ` +
        `make it partial, or partition the table by ${tenant}.`,
    };
  return {
    ...common,
    sql: [
      `CREATE EXTENSION IF NOT EXISTS ${extension}`,
      `${create}ON ${tableOf(definition)} ${inner[1]}(${ident(tenant)}, ${inner[2]}`,
    ],
    schema:
      `With the extension ${extension}, write index(${tsString(name)}).using('${method}', ` +
      `${tsColumn(tenant)}, ...).${isPartitioned ? ` ${waits}` : ''}`,
  };
}

const concurrently = (isPartitioned: boolean) => (isPartitioned ? '' : 'CONCURRENTLY ');
const waits = 'Writes wait while it is built: PostgreSQL builds no index of a table with partitions concurrently.';

const adviceForTable = (
  table: TableName & { column: string },
  isPartitioned: boolean,
  evidence: string,
  statements: readonly Costly[],
): Advice => ({
  table: plain(table),
  index: null,
  evidence: `${evidence}; the whole table is read, and no index begins with ${table.column}`,
  statements,
  sql: [
    `CREATE INDEX ${concurrently(isPartitioned)}ON ${ident(table.schema)}.${ident(table.name)} ` +
      `(${ident(table.column)})`,
  ],
  schema:
    `Add index() on the columns that the statement looks for: it begins with ${table.column} by itself.` +
    `${isPartitioned ? ` ${waits}` : ''}`,
});

const onOf = (definition: string) => / ON (?:ONLY )?(.*?) USING /s.exec(definition)?.[1] ?? '';
const tableOf = (definition: string) => onOf(definition);
const schemaOf = (definition: string) => /^((?:"(?:[^"]|"")*"|[^".]+)\.)/.exec(onOf(definition))?.[1] ?? '';
