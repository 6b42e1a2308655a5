/**
 * A tenant as a whole on a real Citus: from one shard, and back. Runs when CITUS_URL names a database with the citus
 * extension, whose tables of the test schema are dropped and created again.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { boundOfPart, copyRows, deleteBatch, fingerprintOfPart } from '../../src/data/statements.js';
import { bytesOf, contentsOf } from '../data/support.js';
import { rowsFor, schemaStatements } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import { account, relations } from '../support/schema.js';
import { createTables, dropTables } from './tables.js';

const url = process.env.CITUS_URL;
if (!url) console.warn('CITUS_URL is not set: moving a tenant on Citus is skipped.');
const d = account.parse('dddddddd-0000-4000-8000-000000000001');

describe.skipIf(!url)('on Citus', { timeout: 120_000 }, () => {
  let client: postgres.Sql;
  let db: any;
  let before: Record<string, string[]>;
  const place = { run: (text: string) => client.unsafe(text) as any };
  beforeAll(async () => {
    const admin = postgres(url!, { max: 1, onnotice: () => {} });
    await dropTables(admin);
    await createTables(admin, await schemaStatements());
    for (const statement of rowsFor.many.split(';\n').filter((it) => it.trim() !== '')) await admin.unsafe(statement);
    await admin.end();
    client = postgres(url!, { max: 2, onnotice: () => {} });
    db = withTenancy(drizzle({ client }), { relations });
    before = await contentsOf(place);
  }, 120_000);
  afterAll(async () => {
    if (!client) return;
    await dropTables(client);
    await client.end();
  });

  test('export, erase, import: every row is back, and no other was touched', async () => {
    const data = db.tenantData(a, { tenancy: account });
    const exported = await bytesOf(data.export());
    const record = await data.erase({ reason: 'test', batch: 2 });
    expect(record.proof.every((it: any) => it.rows === 0)).toBe(true);
    const { [a as any]: _, ...others } = before;
    expect(await contentsOf(place)).toEqual(others);
    await data.import([exported]);
    expect(await contentsOf(place)).toEqual(before);
    await client.unsafe(`update users set name = 'x'`);
    await data.import([exported], { into: 'merge' });
    expect((await contentsOf(place))[a as any]).toEqual(before[a as any]);
    await data.import([exported], { into: 'replace' });
    expect((await contentsOf(place))[a as any]).toEqual(before[a as any]);
    await client.unsafe(
      `update users set name = case id when 1 then 'ann' when 2 then 'ben' when 3 then 'cy' else 'dee' end`,
    );
    expect(await contentsOf(place)).toEqual(before);
  });

  test('a clone on another shard, compared with what it is of', async () => {
    const data = db.tenantData(a, { tenancy: account });
    await data.cloneTo(d);
    expect((await data.compare(db, { as: d })).isEqual).toBe(true);
    expect((await data.compare(db, { as: b })).isEqual).toBe(false);
    await db.tenantData(d, { tenancy: account }).erase({ reason: 'test' });
    expect(await contentsOf(place)).toEqual(before);
  });

  test('an export and an import that are stopped at each step go on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'data-test-'));
    const untilDone = async (run: (options: any) => Promise<unknown>) => {
      for (let runs = 0; ; runs++) {
        expect(runs).toBeLessThan(60);
        const stop = new AbortController();
        let fresh = 0;
        const onProgress = ({ kept = 0, rows }: any) =>
          void (kept < rows && ++fresh === 4 && stop.abort(new Error('stopped')));
        const done = await run({ signal: stop.signal, onProgress }).catch(
          (error: Error) => void expect(error.message).toBe('stopped'),
        );
        if (done) return;
      }
    };
    const data = db.tenantData(a, { tenancy: account });
    await untilDone((more) => data.exportTo(join(folder, 'a'), { ...more, partRows: 2 }));
    await untilDone((more) =>
      data.import(join(folder, 'a'), { ...more, as: d, journal: join(folder, 'journal'), batch: 2 }),
    );
    expect((await data.compare(db, { as: d })).isEqual).toBe(true);
    await db.tenantData(d, { tenancy: account }).erase({ reason: 'test' });
    expect(await contentsOf(place)).toEqual(before);
    await rm(folder, { recursive: true });
  });

  test('each statement asks one shard', async () => {
    const owned = {
      schema: 'public',
      name: 'users',
      column: 'accountId',
      key: ['accountId', 'id'],
      isSpread: true,
    } as any;
    const select = /^copy \((.*)\) to stdout$/s.exec(copyRows(owned, ['accountId', 'id'], String(a)))![1]!;
    const range = { key: [{ name: 'id', type: 'integer' } as any], after: ['1'], to: ['3'] };
    const parts = [
      boundOfPart(owned, String(a), range, 2),
      fingerprintOfPart(owned, ['accountId', 'id'], String(a), range, '7'),
    ];
    for (const text of [select, deleteBatch(owned, String(a), 5), ...parts]) {
      const plan = (await client.unsafe(`explain ${text}`)).map((it: any) => it['QUERY PLAN']).join('\n');
      expect(plan).toContain('Task Count: 1');
    }
  });
});
