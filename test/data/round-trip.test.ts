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

  test.each(['csv', 'ndjson'] as const)(
    'a folder of %s, imported under another id: the tenant column alone changes',
    async (format) => {
      const path = join(folder, format);
      const manifest = await place.db
        .tenantData(a, { tenancy: account })
        .exportTo(path, { format, gzip: format === 'csv' });
      expect((await readdir(path)).length).toBe(manifest.tables.length + 1);
      await place.db.tenantData(a, { tenancy: account }).import(path, { as: d });
      const after = await contentsOf(place);
      expect(after[d as any]).toEqual(before[a as any]!.map((it) => it.replaceAll(String(a), String(d))));
      await place.db.tenantData(d, { tenancy: account }).erase({ reason: 'test' });
      expect(await contentsOf(place)).toEqual(before);
    },
  );

  test('a clone, with masks', async () => {
    await place.db.tenantData(a, { tenancy: account }).cloneTo(d, {
      masks: {
        users: { email: (value, row) => value && `user${row.id}@example.com` },
        projects: { name: (value) => `${value}!` },
      },
    });
    const rows = await place.run(`select email, id from users where "accountId" = '${d}' order by id`);
    expect(rows.map((it) => it.email)).toEqual(['user1@example.com', 'user2@example.com', null, 'user4@example.com']);
    expect(
      (await place.run(`select name from projects where "accountId" = '${d}' order by id`)).map((it) => it.name),
    ).toEqual(['north!', 'south!', 'east!']);
    await place.db.tenantData(d, { tenancy: account }).erase({ reason: 'test' });
    expect(await contentsOf(place)).toEqual(before);
  });

  test('compared with an export: equal, then not, in whatever order the rows come', async () => {
    const data = place.db.tenantData(a, { tenancy: account });
    const exported = await bytesOf(data.export());
    const path = join(folder, 'compared');
    await data.exportTo(path, { format: 'csv' });
    for (const source of [[exported], path]) {
      const { isEqual, tables, at } = await data.compareWithExport(source);
      expect(isEqual).toBe(true);
      expect(tables.some((it) => it.table === 'public.tasks' && it.rows > 0 && it.rows === it.exportRows)).toBe(true);
      expect(Date.parse(at)).toBeGreaterThan(Date.now() - 600_000);
    }
    // Written again, a row lies elsewhere; changed and changed back, it is the same.
    await place.run(`update tasks set title = title || '!' where "accountId" = '${a}' and id = 1`);
    const changed = await data.compareWithExport(path);
    expect(changed.tables.filter((it) => !it.isEqual)).toEqual([
      { table: 'public.tasks', rows: expect.any(Number), exportRows: expect.any(Number), isEqual: false },
    ]);
    await place.run(`update tasks set title = left(title, -1) where "accountId" = '${a}' and id = 1`);
    expect((await data.compareWithExport([exported])).isEqual).toBe(true);
    // Another tenant's rows are other rows, but for the tenant's id.
    expect((await place.db.tenantData(b, { tenancy: account }).compareWithExport(path)).isEqual).toBe(false);
    await expect(data.compareWithExport([exported.subarray(0, exported.length - 20)])).rejects.toMatchObject({
      _tag: 'DamagedExportError',
    });
    await expect(place.db.tenantData(d, { tenancy: account }).compareWithExport(path)).resolves.toMatchObject({
      isEqual: false,
    });
  });

  test('a transaction of several handles refuses it: it opens one of its own', async () => {
    const { db } = place;
    const refusal = {
      _tag: 'UnsupportedTenantOperationError',
      message: expect.stringContaining('outside of a transaction'),
    };
    await expect(db.transaction(async (tx: any) => tx.tenantData(a))).rejects.toMatchObject(refusal);
    await expect(
      db.transaction((tx: any) => tx.transaction(async (inner: any) => inner.tenantData(a))),
    ).rejects.toMatchObject(refusal);
  });

  test('count says how many rows there are, in tables and views', async () => {
    const { total, tables } = await place.db.tenantData(b, { tenancy: account }).count();
    expect(tables.filter((it) => it.isDeclared).reduce((sum, it) => sum + it.rows, 0)).toBe(before[b as any]!.length);
    expect(tables.find((it) => it.table === 'public.project_sizes')).toMatchObject({ isDeclared: false });
    expect(total).toBeGreaterThan(before[b as any]!.length);
  });
});
