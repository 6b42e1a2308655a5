/** Databases with many tenants: made by the library's own migrations, and filled by the server itself. */
import postgres from 'postgres';
import { History, type Schema } from '../../kit/support.js';

/** One client that says nothing of notices. */
export const connect = (url: string, options: postgres.Options<{}> = {}) =>
  postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 60, ...options });

export const withDatabase = (url: string, name: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href;

/** Schemas that follow each other in one database, each by a migration from the one before. */
export class Migrations {
  readonly #history = new History();
  readonly #client: postgres.Sql;
  readonly #citus: false | { shardCount: number };

  constructor(client: postgres.Sql, citus: false | { shardCount: number } = false) {
    this.#client = client;
    this.#citus = citus;
  }

  async to(schema: Schema): Promise<void> {
    const statements = await this.#history.next({ schema, tenancy: { citus: this.#citus } });
    await this.#client.begin(async (tx) => {
      await tx.unsafe(`set local maintenance_work_mem = '256MB'`);
      for (const statement of statements) await tx.unsafe(statement);
    });
  }
}

/** Numbers as ids: short to write in SQL and in TypeScript. */
export const id = (n: string) => `lpad(to_hex(${n}), 32, '0')::uuid`;
export const idOf = (n: number) => `00000000-0000-0000-0000-${n.toString(16).padStart(12, '0')}`;

/**
 * @returns what turns a count into numbers below `each` in no order, in which neighbours are far from each other: the
 *   inverse of the golden section of `each`
 */
function scattering(each: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let distance = Math.max(1, Math.floor(each * 0.618));
  while (divisor(distance, each) !== 1) distance--;
  for (let it = 1; it < each; it++) if ((it * distance) % each === 1) return it;
  return 1;
}

/** So many tenants are filled at once: the B-trees of their keys stay in memory meanwhile. */
const group = 500;

/**
 * `each` projects and `each` tasks for every tenant. A third of the projects have three tasks.
 *
 * Tenants take turns, and a tenant's rows lie in no order of time, as after updates: a row costs a block, whether its
 * tenant is alone or not. Otherwise one tenant alone would have all it asks for in one block, and no other could.
 *
 * The rows come from the accounts that are there: on Citus each shard makes its own, and nothing is sent.
 */
export async function fill(client: postgres.Sql, tenants: number, each: number): Promise<void> {
  await client.unsafe(`insert into accounts select ${id('t')}, 'account ' || t from generate_series(1, ${tenants}) t`);
  await client.unsafe('analyze accounts');
  for (let from = 1; from <= tenants; from += group) {
    const numbers = `(select id as account_id, turn, 1 + ((turn + 13 * substr(name,
      9)::bigint) * ${scattering(each)}) % ${each} as n
      from accounts, generate_series(1, ${each}) turn
      where id between '${idOf(from)}' and '${idOf(from + group - 1)}') numbers`;
    await client.unsafe(`insert into projects
      select account_id, ${id('n')}, 'project ' || n, (array['open', 'closed', 'paused', 'open'])[1 + n % 4],
        timestamp '2026-01-01' + n * interval '1 hour'
      from ${numbers} order by turn, account_id`);
    await client.unsafe(`insert into tasks
      select account_id, ${id('n')}, ${id(`2 + 3 * (n % ${Math.max(1, Math.floor(each / 3))})`)}, 'task ' || n
      from ${numbers} order by turn, account_id`);
  }
  await client.unsafe('vacuum analyze');
}
