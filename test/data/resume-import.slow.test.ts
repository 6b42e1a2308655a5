/**
 * An import with a journal that is stopped at each batch, or cut off around a COMMIT, goes on: no row is lost, none
 * comes twice.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { bytesOf } from './support.js';
import { firm, hard, relations, textOf, type Hard } from './hard.js';

const one = firm.parse(1) as any;
let here: Hard;
let there: Hard;
let pool: pg.Pool;
let folder: string;
let exported: Buffer;
let one_: string[];
let others: Record<string, string[]>;
beforeAll(async () => {
  [here, there] = [await hard([1]), await hard([2])];
  pool = new pg.Pool({ connectionString: there.url, max: 2 });
  folder = await mkdtemp(join(tmpdir(), 'data-test-'));
  exported = await bytesOf(here.db.tenantData(one).export());
  one_ = (await textOf(here))['1']!;
  others = await textOf(there);
});
const journal = () => join(folder, 'journal');
afterEach(async () => {
  await there.db.tenantData(one).erase({ reason: 'test', allowEmpty: true });
  await rm(journal(), { force: true });
});
afterAll(async () => {
  await pool?.end();
  await Promise.all([here?.close(), there?.close()]);
  await rm(folder, { recursive: true, force: true });
});

const data = (db: any = there.db) => db.tenantData(one);
const options = () => ({ journal: journal(), batch: 2 });
/** Runs until so many batches are there. */
const begin = async (batches: number, more = {}) => {
  const stop = new AbortController();
  let seen = 0;
  await expect(
    data().import([exported], {
      ...options(),
      signal: stop.signal,
      onProgress: ({ kept }: any) =>
        void (kept === undefined && ++seen === batches && stop.abort(new Error('stopped'))),
      ...more,
    }),
  ).rejects.toThrow('stopped');
};
const lines = async () => (await readFile(journal(), 'utf8')).trimEnd().split('\n');
const isWhole = async () => expect(await textOf(there)).toEqual({ ...others, '1': one_ });

test.each(['postgres.js', 'node-postgres'])('%s: stopped at each batch', async (driver) => {
  const db = driver === 'postgres.js' ? there.db : withTenancy(nodePostgres({ client: pool }), { relations });
  for (let runs = 0; ; runs++) {
    expect(runs).toBeLessThan(80);
    const stop = new AbortController();
    const count = async () => (await textOf(there))['1']?.length ?? 0;
    const before = await count();
    const told: any[] = [];
    const onProgress = (it: any) => {
      told.push(it);
      if (it.kept === undefined && told.filter((its) => its.kept === undefined && its.rows > 0).length === 3)
        stop.abort(new Error('stopped'));
    };
    const done = await data(db)
      .import([exported], { ...options(), signal: stop.signal, onProgress })
      .catch((error: Error) => void expect(error.message).toBe('stopped'));
    expect((await textOf(there))['2']).toEqual(others['2']);
    if (done) break;
    expect(await count()).toBeGreaterThanOrEqual(before);
  }
  await isWhole();
  expect(existsSync(journal())).toBe(false);
  expect(
    await there.run(`insert into desks ("firmId", label) values (2, 'new') returning id > 900 as is_beyond`),
  ).toMatchObject([{ is_beyond: true }]);
  await there.run(`delete from desks where label = 'new'`);
});

describe('cut off around a COMMIT', () => {
  test('that was done: the batch is not written twice', async () => {
    await begin(9);
    const all = await lines();
    while (all.at(-1)!.includes('"done"') === false) all.pop();
    await writeFile(journal(), `${all.slice(0, -1).join('\n')}\n{"table":"publ`);
    await data().import([exported], options());
    await isWhole();
  });

  test('that was not done: the batch is written', async () => {
    await begin(9);
    const all = await lines();
    const [{ xid }] = (await there.run(`select pg_current_xact_id()::text as xid`)) as any;
    const rolledBack = await there.client
      .begin(async (sql) => {
        const [{ xid }] = (await sql`select pg_current_xact_id()::text as xid`) as any;
        throw Object.assign(new Error('back'), { xid });
      })
      .catch((error) => error.xid);
    expect(Number(rolledBack)).toBeGreaterThan(Number(xid));
    const { table, done } = JSON.parse(all.at(-1)!);
    await writeFile(journal(), `${[...all, JSON.stringify({ table, to: done + 2, xid: rolledBack })].join('\n')}\n`);
    await data().import([exported], options());
    await isWhole();
  });

  test('of which nothing is known any more, or which the rows belie: refused, and nothing is written', async () => {
    await begin(9);
    const all = await lines();
    const now = await textOf(there);
    const { table, done } = JSON.parse(all.at(-1)!);
    const refused = async (last: object) => {
      await writeFile(journal(), `${[...all, JSON.stringify(last)].join('\n')}\n`);
      await expect(data().import([exported], options())).rejects.toMatchObject({
        _tag: 'TenantDataError',
        message: expect.stringMatching(/^Erase the tenant/),
      });
      expect(await textOf(there)).toEqual(now);
    };
    await refused({ table, done: done + 2 });
    await refused({ table, to: done + 2, xid: '3' });
  });
});

test('who writes to the tenant meanwhile is noticed', async () => {
  await begin(9);
  await there.run(`insert into events values (1, 'mine', 1)`);
  await expect(data().import([exported], options())).rejects.toMatchObject({
    _tag: 'TenantDataError',
    message: expect.stringContaining('"public.events"'),
  });
});

test('a journal is of one import; a merge goes on too, and replacing is refused', async () => {
  await begin(3);
  const other = await bytesOf(here.db.tenantData(one).export({ masks: { people: { name: 'x' } } }));
  await expect(data().import([other], options())).rejects.toMatchObject({
    _tag: 'UnsupportedTenantOperationError',
    message: expect.stringContaining('another import'),
  });
  await expect(data().import([exported], { ...options(), into: 'merge' })).rejects.toMatchObject({
    _tag: 'UnsupportedTenantOperationError',
  });
  await expect(data().import([exported], { ...options(), into: 'replace' })).rejects.toMatchObject({
    _tag: 'UnsupportedTenantOperationError',
  });
  await data().import([exported], options());
  await isWhole();
  // A tenant that has rows already, and no journal that says how.
  await expect(data().import([exported], options())).rejects.toMatchObject({ _tag: 'TenantExistsError' });
});

test('triggers are not verified in batches: said so, before anything is written', async () => {
  await there.run(
    'create function nothing() returns trigger language plpgsql as $$ begin return new; end $$; ' +
      'create trigger nothing before insert on desks for each row execute function nothing()',
  );
  await expect(data().import([exported], options())).rejects.toMatchObject({
    _tag: 'UnsupportedTenantOperationError',
    message: expect.stringContaining('"public.desks"'),
  });
  expect(await textOf(there)).toEqual(others);
  for (const triggers of ['run', 'skip'] as const) {
    await rm(journal(), { force: true });
    await data().import([exported], { ...options(), triggers });
    await isWhole();
    await data().erase({ reason: 'test' });
  }
  await there.run('drop trigger nothing on desks');
});
