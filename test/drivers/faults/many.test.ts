/**
 * Fifty tenants on a pool of four connections, with statements that are cancelled, killed or given up, and transactions
 * that fail: each answer is its tenant's, each write that was answered is there, and nobody leaves anything on a
 * connection: neither for other tenants, nor for the application's own statements.
 */
import { sql } from 'drizzle-orm';
import { drizzle as onNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle as onPostgresJs } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { beforeAll, expect, test } from 'vitest';
import { getColumns, withTenancy } from '../../../src/index.js';
import { admin, asRole, createAdmin } from '../../support/rls.js';
import { account, faultyDatabase, notes, numbers, relations } from './faults.js';

const database = faultyDatabase();
beforeAll(() =>
  database.admin.unsafe(
    `${createAdmin}; grant usage on schema public to ${admin}; grant all on all tables in schema public to ${admin}`,
  ),
);

const seeds = Array.from(
  { length: Number(process.env.MANY_SEEDS ?? 1) },
  (_, i) => Number(process.env.MANY_FROM ?? 1) + i,
);
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What faults may say. Anything else is wrong. */
const expected = /^(CONNECTION_|57014|57P01|25P02|ECONN|EPIPE)|read timeout|onnection terminated|not queryable|stopped/;
const explains = (error: any) =>
  [error, error?.cause].some((it) => expected.test(String(it?.code)) || expected.test(String(it?.message)));

const drivers = {
  'node-postgres': (url: string, name: string) => {
    const clients: any[] = [];
    const pool = new pg.Pool({ connectionString: url, max: 4, application_name: name });
    pool.on('error', () => {});
    pool.on('connect', (client) => clients.push(client));
    return {
      orm: onNodePostgres({ client: pool }),
      own: async (text: string) => (await pool.query(text)).rows,
      giveUpAfter: (milliseconds: number) => {
        for (const it of clients) it.connectionParameters.query_timeout = milliseconds;
      },
      close: () => pool.end(),
    };
  },
  'postgres.js': (url: string, name: string) => {
    const client = postgres(url, {
      max: 4,
      onnotice: () => {},
      backoff: 0,
      fetch_types: false,
      connection: { application_name: name },
    } as any);
    return {
      orm: onPostgresJs({ client }),
      own: (text: string) => client.unsafe(text) as unknown as Promise<any[]>,
      giveUpAfter: () => {},
      close: () => client.end({ timeout: 1 }),
    };
  },
};
const left = `select current_user, current_setting('role') as role, current_setting('row_security') as security,
  coalesce(current_setting('app.tenant_id', true), '') ||
  coalesce(current_setting('app.account_id', true), '') as tenant`;

const kinds = (['node-postgres', 'postgres.js'] as const).flatMap((driver) =>
  [true, false].flatMap((rls) => seeds.map((seed) => ({ driver, rls, seed }))),
);
test.each(kinds)('$driver, rls: $rls, seed $seed', async ({ driver, rls, seed }) => {
  await database.admin.unsafe(
    `delete from notes; insert into notes (account, id) select n, 1 from generate_series(1, 50) n`,
  );
  const random = numbers(seed);
  const name = `many_${driver}_${rls}_${seed}`;
  const url = rls ? asRole(database.url) : database.url;
  const { orm, own, giveUpAfter, close } = drivers[driver](url, name);
  const db = withTenancy(orm as any, { relations, rls, ...(rls && { across: { role: admin } }) }) as any;
  const plain = (await own(left))[0];
  const wrong: unknown[] = [];
  const [kept, undone] = [new Set<string>(), new Set<string>()];
  const isOf = (tenant: number, rows: any[]) => {
    const isSeen = (it: any) => !rls || it.id === 1 || it.seen === String(tenant);
    if (rows.length === 0 || !rows.every((it) => it.account === tenant && isSeen(it))) wrong.push([tenant, rows]);
  };
  const isOfAll = (rows: any[]) =>
    new Set(rows.map((it) => it.account)).size === 50 || wrong.push(['all', rows.length]);
  let next = 100;
  const step = async () => {
    const [one, two, id] = [1 + random(50), 1 + random(50), next++];
    const [tdb, across] = [db.forTenant(account.parse(one)), db.acrossTenants({ reason: 'test' })];
    const key = `${one}/${id}`;
    const steps = [
      async () => isOf(one, await tdb.select().from(notes)),
      async () =>
        isOf(one, await tdb.select({ ...getColumns(notes), hash: sql`md5(repeat('x', 2000000))` }).from(notes)),
      async () => {
        isOf(one, await tdb.insert(notes).values({ id }).returning());
        kept.add(key);
      },
      async () => {
        const isToFail = random(2) === 0;
        const rows = tdb.transaction(async (tx: any) => {
          await tx.insert(notes).values({ id });
          const inner = tx.transaction(async (it: any) => {
            await it.insert(notes).values({ id: id + 100_000 });
            throw new Error('stopped');
          });
          await inner.catch(() => {});
          if (isToFail) throw new Error('stopped');
          return tx.select().from(notes);
        });
        if (isToFail) undone.add(key);
        undone.add(`${one}/${id + 100_000}`);
        isOf(one, await rows);
        kept.add(key);
      },
      async () => {
        const [all, a, b] = await db.transaction(async (tx: any) => [
          await tx.acrossTenants({ reason: 'test' }).select().from(notes),
          ...(await Promise.all([
            tx.forTenant(account.parse(one)).insert(notes).values({ id }).returning(),
            tx.forTenant(account.parse(two)).select().from(notes),
          ])),
        ]);
        isOfAll(all);
        isOf(one, a);
        isOf(two, b);
        kept.add(key);
      },
      async () => isOfAll(await across.select().from(notes)),
      async () => {
        for await (const it of tdb.select().from(notes).stream({ chunkSize: 1 })) {
          isOf(one, [it]);
          break;
        }
      },
      async () => {
        const [found] = await own(left);
        if (JSON.stringify(found) !== JSON.stringify(plain)) wrong.push(found);
      },
      async () =>
        database.admin.unsafe(`select ${random(2) === 0 ? 'pg_cancel_backend' : 'pg_terminate_backend'}(pid)
          from pg_stat_activity where application_name = '${name}' and state <> 'idle' limit 1`),
      async () => {
        giveUpAfter(3 + random(20));
        await wait(random(20));
        giveUpAfter(0);
      },
    ];
    const at = random(steps.length);
    await steps[at]!().catch((error) => explains(error) || wrong.push([at, error]));
  };
  const lane = async () => {
    for (let i = 0; i < 40; i++) await step();
  };
  const lanes = Promise.all(Array.from({ length: 8 }, lane)).then(() => 'answered');
  expect(await Promise.race([lanes, wait(30_000)])).toBe('answered');
  giveUpAfter(0);
  await close();
  const rows = new Set((await database.admin`select account, id from notes`).map((it) => `${it.account}/${it.id}`));
  expect({
    wrong,
    lost: [...kept].filter((it) => !rows.has(it)),
    notUndone: [...undone].filter((it) => rows.has(it)),
  }).toEqual({ wrong: [], lost: [], notUndone: [] });
});
