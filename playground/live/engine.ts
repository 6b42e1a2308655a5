/**
 * Runs a program for each of three tenants, twice: through its handle over the tables that hold all tenants' rows, and,
 * as plain Drizzle, over tables with this tenant's rows only. Nothing that it writes stays. Runs in a browser's worker,
 * and in Node.js where the page is built.
 */
import type { PGlite } from '@electric-sql/pglite';
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
  /** How many statements, and how many rows of the result, are left out. */
  readonly more: number;
  readonly left: number;
}

export interface Engine {
  run(program: Program): Promise<Sight[]>;
}

interface Recorded {
  readonly log: readonly Statement[];
  readonly result: unknown;
  readonly error: unknown;
}

/** What a page can show. */
const limits = { statements: 20, rows: 200, characters: 500 };

class Undo extends Error {}

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

  /** @param open runs a body in a transaction, with the handle and the database of the program */
  async function record(
    schema: string,
    open: (body: (handle: AccountDatabase, db: Database) => Promise<never>) => Promise<unknown>,
    program: Program,
  ): Promise<Recorded> {
    await within(schema);
    log = [];
    let result: unknown;
    let error: unknown;
    try {
      await open(async (handle, db) => {
        result = await program(handle, db);
        throw new Undo();
      });
    } catch (thrown) {
      if (!(thrown instanceof Undo)) error = thrown;
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
        // What is asked of `db` is not this tenant's alone, so that there is nothing to compare it with.
        let isOwn = true;
        const noted = (target: object) =>
          new Proxy(target, {
            get(_, key) {
              isOwn = false;
              const value = Reflect.get(target, key);
              return typeof value === 'function' ? value.bind(target) : value;
            },
          }) as Database;
        const together = await record(
          'together',
          (body) => db.transaction((tx) => body(tx.forTenant(tenant.id) as AccountDatabase, noted(tx))),
          program,
        );
        const alone = await record(
          schemaOf(tenant),
          (body) => plain.transaction((tx) => body(tx as AccountDatabase, plainDatabase(tx as AccountDatabase))),
          program,
        );
        const sent: Sent[] = [];
        for (const [i, statement] of together.log.slice(0, limits.statements).entries()) {
          const written = alone.log[i] ?? statement;
          sent.push({
            written: markAdded(written, written),
            words: markAdded(statement, written),
            params: statement.params.map(nameOf),
            plan: tenant === tenants[0] ? await explain(statement) : undefined,
          });
        }
        const isComparable = isOwn && together.error === undefined && alone.error === undefined;
        const isolated = isComparable ? isSame(together, alone) : undefined;
        sights.push({
          tenant: tenant.name,
          result: shown(asData(together.result)),
          error: together.error === undefined ? undefined : problemOf(together.error),
          isolated,
          sent,
          more: together.log.length - sent.length,
          left: Array.isArray(rowsOf(together.result)) ? Math.max(0, rowsOf(together.result).length - limits.rows) : 0,
        });
      }
      return sights;
    },
  };
}

/** What plain Drizzle has in place of `db`: nothing to choose. */
const plainDatabase = (plain: AccountDatabase): Database =>
  ({
    shared: plain,
    forTenant: () => plain,
    forTenants: () => plain,
    acrossTenants: () => plain,
    transaction: (body: any) => plain.transaction((tx) => body(plainDatabase(tx as AccountDatabase))),
  }) as unknown as Database;

const rowsOf = (value: any) => (Array.isArray(value?.rows) ? value.rows : value);

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
function asData(value: any, depth = 0): unknown {
  if (depth > 30) throw new Error('Give rows, or values: this result holds itself.');
  if (Array.isArray(value)) return value.map((it) => asData(it, depth + 1));
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (Array.isArray(value.rows)) return asData(value.rows, depth + 1);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return undefined;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, asData(it, depth + 1)]));
}

/** As much of it as fits into a page. */
function shown(value: unknown): unknown {
  if (typeof value === 'string' && value.length > limits.characters) return `${value.slice(0, limits.characters)}…`;
  if (Array.isArray(value)) return value.slice(0, limits.rows).map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, shown(it)]));
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
