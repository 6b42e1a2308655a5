/**
 * Under row-level security, as a role that policies hold back: COPY cannot write then, and each step names its tenant.
 */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { asRole, rlsStatements } from '../support/rls.js';
import { a, b } from '../support/rows.js';
import { account, relations } from '../support/schema.js';
import { bytesOf, contentsOf } from './support.js';

const d = account.parse('dddddddd-0000-4000-8000-000000000001');
let admin: postgres.Sql;
let client: postgres.Sql;
let db: any;
beforeAll(async () => {
  const { url } = await freshDatabase('many');
  admin = postgres(url, { max: 1, onnotice: () => {} });
  await admin.unsafe(rlsStatements().join(';\n'));
  await admin.unsafe('drop materialized view project_sizes');
  client = postgres(asRole(url), { max: 2, onnotice: () => {} });
  db = withTenancy(drizzle({ client }), { relations, rls: true });
});
afterAll(async () => {
  await Promise.all([admin?.end(), client?.end()]);
  await dropDatabases();
});
const place = { run: (text: string) => admin.unsafe(text) as any };

test('export, clone, erase, import, compare', async () => {
  const before = await contentsOf(place);
  const data = db.tenantData(a, { tenancy: account });
  const exported = await bytesOf(data.export());
  await data.cloneTo(d);
  expect((await data.compare(db, { as: d })).isEqual).toBe(true);
  expect((await data.compare(db, { as: b })).isEqual).toBe(false);
  await db.tenantData(d, { tenancy: account }).erase({ reason: 'test', batch: 2 });
  expect(await contentsOf(place)).toEqual(before);
  await data.erase({ reason: 'test' });
  const { [a as any]: _, ...others } = before;
  expect(await contentsOf(place)).toEqual(others);
  await data.import([exported]);
  expect(await contentsOf(place)).toEqual(before);
  await data.import([exported], { into: 'merge' });
  await data.import([exported], { into: 'replace' });
  expect(await contentsOf(place)).toEqual(before);
});

test('shared rows that others use are not taken for unused because policies hide who uses them', async () => {
  const before = await contentsOf(place);
  await admin.unsafe(`alter table projects drop constraint "projects_countryId_countries_id_fkey",
    add constraint "projects_countryId_countries_id_fkey" foreign key ("countryId") references countries on delete
      cascade`);
  const erased = db.tenantData(a, { tenancy: account }).erase({ reason: 'test', shared: ['countries'] });
  await expect(erased).rejects.toMatchObject({
    _tag: 'UnsupportedTenantOperationError',
    message: expect.stringContaining('BYPASSRLS'),
  });
  expect(await contentsOf(place)).toEqual(before);
});
