/** A tenant leaves and comes back: on each driver, in each format, under its own id and under another. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dropDatabases } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import { account } from '../support/schema.js';
import { bytesOf, contentsOf, places, type Place } from './support.js';

const d = account.parse('dddddddd-0000-4000-8000-000000000001');
afterAll(dropDatabases);

describe.each(Object.keys(places))('%s', (driver) => {
  let place: Place;
  let before: Record<string, string[]>;
  let folder: string;
  beforeAll(async () => {
    place = await places[driver]!();
    before = await contentsOf(place);
    folder = await mkdtemp(join(tmpdir(), 'data-test-'));
  });
  afterAll(async () => {
    await place?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('export, erase, import: every row is back, and no other was touched', async () => {
    const data = place.db.tenantData(a, { tenancy: account });
    const exported = await bytesOf(data.export());
    const record = await data.erase({ reason: 'test' });
    expect(record.proof.every((it) => it.rows === 0)).toBe(true);
    const { [a as any]: _, ...others } = before;
    expect(await contentsOf(place)).toEqual(others);
    const imported = await data.import([exported]);
    expect(imported.tables.reduce((sum, it) => sum + it.rows, 0)).toBe(before[a as any]!.length);
    expect(await contentsOf(place)).toEqual(before);
  });

  test.each(['csv', 'ndjson'] as const)('a folder of %s, imported under another id: the tenant column alone changes', async (format) => {
    const path = join(folder, format);
    const manifest = await place.db.tenantData(a, { tenancy: account }).exportTo(path, { format, gzip: format === 'csv' });
    expect((await readdir(path)).length).toBe(manifest.tables.length + 1);
    await place.db.tenantData(a, { tenancy: account }).import(path, { as: d });
    const after = await contentsOf(place);
    expect(after[d as any]).toEqual(before[a as any]!.map((it) => it.replaceAll(String(a), String(d))));
    await place.db.tenantData(d, { tenancy: account }).erase({ reason: 'test' });
    expect(await contentsOf(place)).toEqual(before);
  });

  test('a clone, with masks', async () => {
    await place.db.tenantData(a, { tenancy: account }).cloneTo(d, { masks: { users: { email: (value, row) => value && `user${row.id}@example.com` }, projects: { name: (value) => `${value}!` } } });
    const rows = await place.run(`select email, id from users where "accountId" = '${d}' order by id`);
    expect(rows.map((it) => it.email)).toEqual(['user1@example.com', 'user2@example.com', null, 'user4@example.com']);
    expect((await place.run(`select name from projects where "accountId" = '${d}' order by id`)).map((it) => it.name)).toEqual(['north!', 'south!', 'east!']);
    await place.db.tenantData(d, { tenancy: account }).erase({ reason: 'test' });
    expect(await contentsOf(place)).toEqual(before);
  });

  test('a transaction of several handles refuses it: it opens one of its own', async () => {
    const { db } = place;
    const refusal = { _tag: 'UnsupportedTenantOperationError', message: expect.stringContaining('outside of a transaction') };
    await expect(db.transaction(async (tx: any) => tx.tenantData(a))).rejects.toMatchObject(refusal);
    await expect(db.transaction((tx: any) => tx.transaction(async (inner: any) => inner.tenantData(a)))).rejects.toMatchObject(refusal);
  });

  test('count says how many rows there are, in tables and views', async () => {
    const { total, tables } = await place.db.tenantData(b, { tenancy: account }).count();
    expect(tables.filter((it) => it.isDeclared).reduce((sum, it) => sum + it.rows, 0)).toBe(before[b as any]!.length);
    expect(tables.find((it) => it.table === 'public.project_sizes')).toMatchObject({ isDeclared: false });
    expect(total).toBeGreaterThan(before[b as any]!.length);
  });
});
