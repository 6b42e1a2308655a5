/**
 * Runs a program for each of three tenants, twice: through its handle over the tables that hold all tenants' rows, and,
 * as plain Drizzle, over tables with this tenant's rows only. Nothing that it writes stays. Runs in a browser's worker,
 * and in Node.js where the page is built.
 */
import type { PGlite } from '@electric-sql/pglite';
import { TransactionRollbackError } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/pglite';
import type { Sql } from 'postgres';
import { withTenancy } from '../../src/index.js';
import { markAdded, type Word } from '../added.js';
import { withoutTenants } from '../alone.js';
import { planOf, withValues, type Plan } from '../app/plan.js';
import type { Statement } from '../compare.js';
import type { AccountDatabase, Database } from '../database.js';
import { plainRelations, relations } from '../relations.js';
import { seed, tenants, type Tenant } from '../seed.js';

export type Program = (tdb: AccountDatabase, db: Database) => unknown;

export interface Sent {
  readonly written: readonly Word[];
  readonly words: readonly Word[];
  readonly params: readonly string[];
  readonly plan: Plan | undefined;
}

export interface Sight {
  readonly tenant: string;
  readonly result: unknown;
  /** What the library, or PostgreSQL, said instead of a result. */
  readonly error: { readonly tag: string | undefined; readonly message: string } | undefined;
  /** Whether plain Drizzle finds the same where this tenant is alone; undefined where it cannot be asked. */
  readonly isolated: boolean | undefined;
  readonly sent: readonly Sent[];
}

export interface Engine {
  run(program: Program): Promise<Sight[]>;
}

interface Recorded {
  readonly log: readonly Statement[];
  readonly result: unknown;
  readonly error: unknown;
}

const schemaOf = ({ name }: Tenant) => `alone_${name.toLowerCase()}`;

/** @param ddl the statements that make the tables of the sample application */
export async function openEngine(client: PGlite, ddl: readonly string[]): Promise<Engine> {
  let log: Statement[] = [];
  const logger = { logQuery: (sql: string, params: unknown[]) => void log.push({ sql, params }) };
  const db = withTenancy(drizzle({ client, logger }), { relations }) as unknown as Database;
  const plain = drizzle({ client, logger, relations: plainRelations }) as unknown as AccountDatabase;
  // What is shared with the playground on a server asks as postgres.js does.
  const asked = async (text: TemplateStringsArray) => (await client.query(text.join(''))).rows;
  const sql = Object.assign(asked, { unsafe: (text: string) => client.exec(text) }) as unknown as Sql;

  const within = (schema: string) => client.exec(`set search_path to ${schema}`);
  for (const [schema, some] of [
    ['together', tenants],
    ...tenants.map((it) => [schemaOf(it), [it]] as const),
  ] as const) {
    await client.exec(`create schema ${schema}; set search_path to ${schema}; ${ddl.join(';\n')}`);
    await seed(db, some);
    if (schema !== 'together') await withoutTenants(sql, some[0]!);
  }

  async function record(schema: string, handle: AccountDatabase, program: Program): Promise<Recorded> {
    await within(schema);
    log = [];
    let result: unknown;
    let error: unknown;
    try {
      await (handle as any).transaction(async (tx: any) => {
        result = await program(tx, db);
        tx.rollback();
      });
    } catch (thrown) {
      if (!(thrown instanceof TransactionRollbackError)) error = thrown;
    }
    return { log: log.filter(({ sql }) => !/^(savepoint|release|rollback|begin|commit)\b/i.test(sql)), result, error };
  }

  async function explain(statement: Statement): Promise<Plan | undefined> {
    await within('together');
    try {
      const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(`explain (format json) ${withValues(statement)}`);
      return planOf(rows[0]!['QUERY PLAN'], 'together', undefined);
    } catch {
      return undefined; // The rows that it needs were written by a statement before it, and are gone.
    }
  }

  return {
    async run(program) {
      const sights: Sight[] = [];
      for (const tenant of tenants) {
        const together = await record('together', db.forTenant(tenant.id) as AccountDatabase, program);
        const alone = await record(schemaOf(tenant), plain, program);
        const sent: Sent[] = [];
        for (const [i, statement] of together.log.entries()) {
          const written = alone.log[i] ?? statement;
          sent.push({
            written: markAdded(written, written),
            words: markAdded(statement, written),
            params: statement.params.map(nameOf),
            plan: tenant === tenants[0] ? await explain(statement) : undefined,
          });
        }
        const isComparable = together.error === undefined && alone.error === undefined;
        const isolated = isComparable ? isSame(together, alone) : undefined;
        sights.push({
          tenant: tenant.name,
          result: asData(together.result),
          error: together.error === undefined ? undefined : problemOf(together.error),
          isolated,
          sent,
        });
      }
      return sights;
    },
  };
}

/** Without ORDER BY, as in RETURNING, rows come as they like. */
function isSame(together: Recorded, alone: Recorded): boolean {
  const isOrdered = together.log.at(-1)?.sql.includes(' order by ');
  const [x, y] = [together, alone].map(({ result }) => {
    const data = asData(result);
    return JSON.stringify(Array.isArray(data) && !isOrdered ? data.map((row) => JSON.stringify(row)).sort() : data);
  });
  return x === y;
}

/** Rows, as a message between a worker and a page can carry them. */
function asData(value: any): unknown {
  if (Array.isArray(value)) return value.map(asData);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (Array.isArray(value.rows)) return asData(value.rows);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return undefined;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, asData(it)]));
}

function problemOf(error: any): Sight['error'] {
  const cause = error?._tag === undefined && error?.cause?.message ? error.cause : error;
  return { tag: cause?._tag, message: String(cause?.message ?? cause) };
}

/** A parameter's value; a tenant's id by the tenant's name. */
const nameOf = (value: unknown): string => {
  const tenant = tenants.find((it) => (it.id as unknown) === value);
  return tenant ? `${tenant.name}'s id` : JSON.stringify(value);
};
