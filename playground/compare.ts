/**
 * Runs a query for each tenant twice: through its handle over the tables that hold all tenants' rows, and, as
 * plain Drizzle, over a database that holds its rows only. The two have to give the same.
 */
import { isDeepStrictEqual } from 'node:util';
import { getTableName } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { getColumns } from '../src/index.js';
import { withoutTenants } from './alone.js';
import type { Query } from './catalogue.js';
import { connect, connectPlain, type AccountDatabase, type Database } from './database.js';
import type { Databases } from './databases.js';
import { tables } from './schema.js';
import { seed, tenants, type Tenant } from './seed.js';

/** A statement as it went to the server. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/** What one tenant saw. */
export interface Sight {
  readonly tenant: Tenant;
  readonly result: unknown;
  /** What went wrong, where there is no result. */
  readonly error: string | undefined;
  /** Whether the tenant alone saw the same. */
  readonly isolated: boolean;
  readonly sent: readonly Statement[];
  readonly written: readonly Statement[];
}

export interface Stage {
  /** The application's database. */
  readonly db: Database;
  /** How many statements its handles have sent. */
  readonly count: () => number;
  /** Runs a query for every tenant, on both sides. */
  run(query: Query): Promise<Sight[]>;
  /** The tables in which what a tenant has now is not what it has in its own database. */
  differences(): Promise<string[]>;
}

interface Side {
  readonly handle: AccountDatabase;
  readonly rows: (table: keyof typeof tables) => Promise<unknown[]>;
  readonly log: Statement[];
}

/** Fills the databases and sets up both sides. */
export async function prepareStage(databases: Databases): Promise<Stage> {
  const shared = await databases.create();
  const log: Statement[] = [];
  const db = connect(shared, loggerTo(log));
  await seed(db, tenants);
  const seeded = log.length;

  const sides: { tenant: Tenant; together: Side; alone: Side }[] = [];
  for (const tenant of tenants) {
    const plain = await aloneWith(databases, tenant);
    const together = { handle: db.forTenant(tenant.id), log, rows: rowsIn(shared, tenant) };
    sides.push({ tenant, together, alone: plain });
  }

  return {
    db,
    count: () => log.length - seeded,
    async run(query) {
      const sights: Sight[] = [];
      for (const { tenant, together, alone } of sides) {
        const sent = await record(query, together);
        const written = await record(query, alone);
        const error = sent.error ?? written.error;
        const isolated = !error && isDeepStrictEqual(comparable(sent), comparable(written));
        sights.push({
          tenant,
          isolated,
          error,
          result: sent.result,
          sent: sent.statements,
          written: written.statements,
        });
      }
      return sights;
    },
    async differences() {
      const found: string[] = [];
      for (const { tenant, together, alone } of sides) {
        for (const table of Object.keys(tables) as (keyof typeof tables)[]) {
          const [all, own] = await Promise.all([together.rows(table), alone.rows(table)]);
          if (!isDeepStrictEqual(all, own)) found.push(`${table} of ${tenant.name}`);
        }
      }
      return found;
    },
  };
}

/** Plain Drizzle on a new database with the rows of one tenant. */
async function aloneWith(databases: Databases, tenant: Tenant): Promise<Side> {
  const client = await databases.createAnother();
  await seed(connect(client), [tenant]);
  await withoutTenants(client, tenant);
  const log: Statement[] = [];
  // The tables are the same objects at run time, so a program for a handle is one for plain Drizzle too.
  const handle = connectPlain(client, loggerTo(log)) as unknown as AccountDatabase;
  return { handle, log, rows: rowsIn(client, tenant) };
}

const loggerTo = (log: Statement[]) => ({
  logQuery: (sql: string, params: unknown[]) => void log.push({ sql, params }),
});

async function record(query: Query, { handle, log }: Side) {
  const before = log.length;
  let result: unknown;
  let error: string | undefined;
  try {
    result = plainValue(await query.run(handle));
  } catch (thrown) {
    const { cause = thrown } = thrown as { cause?: unknown };
    error = (cause as Error).message;
  }
  return { result, error, statements: log.slice(before) };
}

/** Drivers return arrays with properties of their own, which say nothing about the rows. */
const plainValue = (value: unknown) => (Array.isArray(value) ? Array.from(value) : value);

/** Without ORDER BY, as in RETURNING, rows come as they like. */
function comparable({ result, statements }: Awaited<ReturnType<typeof record>>): unknown {
  const isOrdered = statements.at(-1)?.sql.includes(' order by ');
  return Array.isArray(result) && !isOrdered ? result.map((row) => JSON.stringify(row)).sort() : result;
}

/** The rows of a tenant, read past the library, by SQL that names the tenant. */
function rowsIn(client: Sql, tenant: Tenant) {
  return (name: keyof typeof tables): Promise<unknown[]> => {
    const table = tables[name];
    const columns = getColumns(table) as Record<string, { name: string }>;
    const column = name === 'accounts' ? columns.id! : columns.accountId;
    const text = `select row_to_json(t) as row from "${getTableName(table as any)}" t`;
    const where = column ? ` where "${column.name}" = '${tenant.id}'` : '';
    return client
      .unsafe(`${text}${where} order by row_to_json(t)::text`)
      .then((rows) => Array.from(rows, (it) => it.row));
  };
}
