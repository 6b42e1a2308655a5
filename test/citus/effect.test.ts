/**
 * The Effect service on a real Citus: what an interruption leaves on the workers, and what errors are called that come
 * from them. Runs when CITUS_URL names a database with the citus extension.
 */
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { check, integer, text, uuid } from 'drizzle-orm/pg-core';
import { Effect, Fiber, Stream } from 'effect';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { referenceTable, tenancy, tenantTable } from '../../src/index.js';
import { TenantDb } from '../../src/effect/index.js';

const url = process.env['CITUS_URL']!;

// Names that end in a number, as those of shards do.
const account = tenancy('account', uuid);
const countries = referenceTable('countries_6', { code: text().primaryKey(), name: text().notNull() });
const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
const projects = tenantTable(
  'projects_2',
  {
    accountId: account.id().references(() => accounts.id),
    id: integer().primaryKey(),
    name: text().notNull().unique('name_3'),
    budget: integer().notNull().default(0),
    country: text().references(() => countries.code),
  },
  (t) => [check('budget_4', sql`${t.budget} >= 0`)],
);
const tasks = tenantTable('tasks_5', {
  accountId: account.id(),
  id: integer().primaryKey(),
  projectId: integer()
    .notNull()
    .references(() => projects.id),
});
class Db extends TenantDb.Service<Db>()('citus/Db', { tenancy: account }) {}
const a = account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');

describe.skipIf(!url)('the Effect service on Citus', { timeout: 60_000 }, () => {
  let client: postgres.Sql;
  const drop = () => client.unsafe('drop table if exists tasks_5, projects_2, accounts, countries_6 cascade');
  beforeAll(async () => {
    client = postgres(url, { max: 1, onnotice: () => {} });
    await drop();
    const statements = await generateMigration(
      await generateDrizzleJson({}),
      await generateDrizzleJson({ countries, accounts, projects, tasks }),
    );
    const isTable = (statement: string) => statement.startsWith('CREATE TABLE');
    for (const statement of statements.filter(isTable)) await client.unsafe(statement);
    await client`select create_reference_table('countries_6')`;
    await client`select create_distributed_table('accounts', 'id', shard_count => 4)`;
    for (const table of ['projects_2', 'tasks_5'])
      await client`select create_distributed_table(${table}::regclass, 'accountId', colocate_with => 'accounts')`;
    for (const statement of statements.filter((it) => !isTable(it))) await client.unsafe(statement);
    await client`insert into accounts values (${String(a)})`;
    await client`insert into countries_6 values ('CL', 'Chile'), ('GH', 'Ghana')`;
    await client`insert into projects_2 ("accountId", id, name) select ${String(a)}, i, 'project ' || i
      from generate_series(1, 1000) i`;
    await client`insert into tasks_5 values (${String(a)}, 1, 1)`;
  }, 60_000);
  afterAll(async () => {
    await drop();
    await client?.end();
  });

  // It would run for minutes, and writes nothing to disk.
  const endless = sql`select count(*) from ${projects} x, ${projects} y, ${projects} z where x.id + y.id * z.id > ${3}`;
  const onWorkers = async () => {
    const rows = await client`select result::int as running from run_command_on_workers($$
      select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()
        and query like '%projects_2%' and datname = current_database()
    $$)`;
    return rows.reduce((sum, row) => sum + row['running'], 0);
  };
  const bounded = { statement_timeout: 30_000 };
  const drivers = {
    'postgres.js': () => ({
      layer: Db.layer({ url, maxConnections: 1, connection: { connection: bounded } }),
      close: async () => {},
    }),
    'node-postgres': () => {
      const pool = new pg.Pool({ connectionString: url, max: 1, ...bounded });
      return { layer: Db.layerFrom(drizzle({ client: pool })), close: () => pool.end() };
    },
  };

  // A worker that has not begun to answer does not hear the coordinator: that is between 5 and 50 ms after the start.
  it.each(Object.entries(drivers))(
    'leaves nothing on the workers of an interrupted fiber, with %s',
    async (_name, open) => {
      const { layer, close } = open();
      const program = Effect.gen(function* () {
        const db = yield* Db;
        const left: number[] = [];
        for (const wait of [400, 2, 4, 6, 8, 10, 12, 14, 17, 20, 25, 30, 40, 60]) {
          const fiber = yield* Effect.forkChild(db.execute(endless), { startImmediately: true });
          yield* Effect.sleep(wait);
          if (wait === 400) expect(yield* Effect.promise(onWorkers)).toBe(1);
          yield* Fiber.interrupt(fiber);
          left.push(yield* Effect.promise(onWorkers));
        }
        const inside = yield* Effect.forkChild(
          db.transaction((tx) => Effect.andThen(tx.update(projects).set({ budget: 1 }), tx.execute(endless))),
        );
        yield* Effect.sleep(30);
        yield* Fiber.interrupt(inside);
        left.push(yield* Effect.promise(onWorkers));
        return { left, changed: yield* db.$count(projects, eq(projects.budget, 1)) };
      });
      const { left, changed } = await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(layer)));
      expect(left).toEqual(Array(15).fill(0));
      expect(changed).toBe(0);
      await close();
    },
  );

  it('calls constraints and tables by their names in the schema', async () => {
    const program = Effect.gen(function* () {
      const db = yield* Db;
      const failures = yield* Effect.all([
        Effect.flip(db.insert(projects).values({ id: 1, name: 'new' })),
        Effect.flip(db.insert(projects).values({ id: 1001, name: 'project 1' })),
        Effect.flip(db.transaction((tx) => tx.insert(projects).values({ id: 1001, name: 'project 1' }))),
        Effect.flip(db.insert(tasks).values({ id: 2, projectId: 5000 })),
        Effect.flip(db.delete(projects).where(eq(projects.id, 1))),
        Effect.flip(db.update(projects).set({ budget: -1 }).where(eq(projects.id, 1))),
        Effect.flip(db.update(projects).set({ name: sql`null` }).where(eq(projects.id, 1))),
      ]);
      return failures.map(({ reason }) => reason);
    });
    const reasons = await Effect.runPromise(
      Db.forTenant(a, program).pipe(Effect.provide(Db.layer({ url, maxConnections: 1 }))),
    );
    expect(reasons).toMatchObject([
      { _tag: 'UniqueViolation', constraint: 'projects_2_pkey' },
      { _tag: 'UniqueViolation', constraint: 'name_3' },
      { _tag: 'UniqueViolation', constraint: 'name_3' },
      {
        _tag: 'ForeignKeyViolation',
        constraint: 'tasks_5_accountId_projectId_projects_2_accountId_id_fkey',
        table: 'tasks_5',
      },
      {
        _tag: 'ForeignKeyViolation',
        constraint: 'tasks_5_accountId_projectId_projects_2_accountId_id_fkey',
        table: 'projects_2',
      },
      { _tag: 'CheckViolation', constraint: 'budget_4', table: 'projects_2' },
      { _tag: 'NotNullViolation', column: 'name', table: 'projects_2' },
    ]);
    for (const reason of reasons) expect(reason.message).not.toMatch(/_1\d{5}/);
  });

  it.each(Object.entries(drivers))(
    'mixes reference and tenant tables in one transaction, with %s',
    async (_name, open) => {
      const { layer, close } = open();
      const program = Effect.gen(function* () {
        const db = yield* Db;
        const shared = yield* Db.Shared;
        yield* shared.insert(countries).values({ code: 'JP', name: 'Japan' });
        const mixed = db.transaction((tx) =>
          Effect.gen(function* () {
            const [found] = yield* tx.select().from(countries).where(eq(countries.code, 'JP')).for('share');
            yield* tx.insert(projects).values({ id: 2000, name: 'mixed', country: found!.code });
            yield* Effect.exit(
              tx.transaction((nested) =>
                Effect.andThen(nested.insert(tasks).values({ id: 2000, projectId: 2000 }), Effect.fail('undo')),
              ),
            );
            yield* tx.insert(tasks).values({ id: 2001, projectId: 2000 });
            return yield* tx
              .select({ task: tasks.id, country: countries.name })
              .from(tasks)
              .innerJoin(projects, eq(projects.id, tasks.projectId))
              .innerJoin(countries, eq(countries.code, projects.country));
          }),
        );
        const rows = yield* mixed;
        const taken = yield* Effect.flip(mixed);
        const written = [
          yield* db.$count(tasks, eq(tasks.projectId, 2000)),
          yield* db.$count(projects, eq(projects.id, 2000)),
        ];
        yield* db.transaction((tx) =>
          Effect.andThen(tx.delete(tasks).where(eq(tasks.id, 2001)), tx.delete(projects).where(eq(projects.id, 2000))),
        );
        yield* shared.delete(countries).where(eq(countries.code, 'JP'));
        return { rows, taken: taken.reason._tag, written };
      });
      expect(await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(layer)))).toEqual({
        rows: [{ task: 2001, country: 'Japan' }],
        taken: 'UniqueViolation',
        written: [1, 1],
      });
      await close();
    },
  );

  it('streams through a cursor', async () => {
    const ids = Stream.unwrap(
      Effect.map(Db, (db) =>
        db.select({ id: projects.id }).from(projects).orderBy(projects.id).stream({ chunkSize: 100 }),
      ),
    );
    const program = Effect.all([Stream.runCount(ids), Stream.runCollect(Stream.take(ids, 3))]);
    expect(
      await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(Db.layer({ url, maxConnections: 1 })))),
    ).toEqual([1000, [{ id: 1 }, { id: 2 }, { id: 3 }]]);
  });
});
