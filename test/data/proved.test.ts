/**
 * The fixed forms of `src/data/statements.ts` do not go through the gate. Here each of them that reads or changes rows
 * of a tenant table passes the library's own prover, which knows nothing of how it was made, and a form that is new
 * fails until it is here.
 */
import { bigint, integer, text } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import type { Column, ForeignKey } from '../../src/data/catalog.js';
import * as forms from '../../src/data/statements.js';
import { referenceTable, tenancy, tenantTable } from '../../src/index.js';
import { proveScoped } from '../../src/testing/index.js';

const shop = tenancy('shop', () => bigint({ mode: 'number' }));
const lands = referenceTable('lands', { code: text().primaryKey(), within: text() });
const regions = referenceTable('regions', {
  id: integer().primaryKey(),
  landCode: text('land_code').references(() => lands.code),
});
const shops = tenantTable('shops', {
  id: shop.id().primaryKey(),
  regionId: integer('region_id').references(() => regions.id),
});
const bills = tenantTable('bills', {
  shopId: shop.id('shop_id'),
  id: integer().primaryKey(),
  before: integer(),
  land: text().references(() => lands.code),
  note: text(),
});
/** The stage is a table of the connection, and has no tenant column that anybody declared. */
const stage = referenceTable('drizzle_tenant_stage_0', {
  shop_id: bigint({ mode: 'number' }),
  id: integer(),
  before: integer(),
  land: text(),
  code: text(),
  within: text(),
});
const tables = { lands, regions, shops, bills, stage };
const tenant = '1';

const column = (name: string, type = 'integer'): Column => ({
  name,
  type,
  isNullable: true,
  hasDefault: false,
  isGenerated: false,
  sequence: null,
});
const key = (name: string, columns: string[], to: number, toColumns: string[]): ForeignKey => ({
  name,
  columns,
  to,
  toColumns,
  isDeferrable: false,
  onDelete: 'a',
});
const sequence = { schema: 'public', name: 'bills_id_seq', isDescending: false, last: '2147483647' };
const own: any = {
  oid: 1,
  schema: 'public',
  name: 'bills',
  title: 'public.bills',
  column: 'shop_id',
  renamed: [],
  triggers: [],
  isRestricted: false,
  isSpread: false,
  key: ['shop_id', 'id'],
  columns: [column('shop_id', 'bigint'), column('id'), column('before'), column('land', 'text')],
  foreignKeys: [key('before', ['shop_id', 'before'], 1, ['shop_id', 'id']), key('land', ['land'], 2, ['code'])],
};
const spread = { ...own, isSpread: true };
const land: any = {
  ...own,
  oid: 2,
  name: 'lands',
  title: 'public.lands',
  column: undefined,
  key: ['code'],
  columns: [column('code', 'text'), column('within', 'text')],
  foreignKeys: [key('within', ['within'], 2, ['code'])],
};
const flat: any = { ...land, foreignKeys: [] };
const ofBills = { table: own, owned: own, pointers: [], foreignKey: own.foreignKeys[1]! };
const ofRegions = {
  table: { schema: 'public', name: 'regions' },
  owned: undefined,
  foreignKey: key('land', ['land_code'], 2, ['code']),
  pointers: [
    {
      table: { schema: 'public', name: 'shops' },
      owned: { schema: 'public', name: 'shops', column: 'id' },
      pointers: [],
      foreignKey: key('region', ['region_id'], 3, ['id']),
    },
  ],
};
const pointers = [ofBills, ofRegions];
const names = ['shop_id', 'id', 'land'];
const range = { key: [column('id')], after: ['5'], to: ['9'] };

/** What is sent by a form, of what kind each text is. */
const sent = {
  copyRows: [forms.copyRows(own, names, tenant)],
  declareRows: [forms.declareRows(own, names, tenant)],
  copyPart: [forms.copyPart(own, names, tenant, range)],
  declarePart: [forms.declarePart(own, names, tenant, { ...range, to: null })],
  boundOfPart: [
    forms.boundOfPart(own, tenant, range, 10),
    forms.boundOfPart(own, tenant, { ...range, after: null }, 10),
  ],
  fingerprintOfPart: [forms.fingerprintOfPart(own, names, tenant, range, '5')],
  fingerprintOfShared: [forms.fingerprintOfShared(land, ['code', 'within'], pointers, tenant, '-5')],
  copyInOrder: [forms.copyInOrder(own, names, ['id', 'land'], tenant)],
  declareInOrder: [forms.declareInOrder(own, names, ['id'], tenant)],
  countRows: [forms.countRows(own, tenant)],
  anyRow: [forms.anyRow(own, tenant)],
  copyShared: [forms.copyShared(land, ['code'], pointers, tenant), forms.copyShared(flat, ['code'], pointers, tenant)],
  declareShared: [
    forms.declareShared(land, ['code'], pointers, tenant),
    forms.declareShared(flat, ['code'], pointers, tenant),
  ],
  keysOfShared: [forms.keysOfShared(land, ['code'], pointers, tenant)],
  fillLater: [forms.fillLater(own, 'drizzle_tenant_stage_0', ['before'], own.key, tenant)],
  countChanged: [forms.countChanged(own, 'drizzle_tenant_stage_0', names, tenant)],
  countOrphans: [
    forms.countOrphans(own, own.foreignKeys[0]!, own, tenant),
    forms.countOrphans(own, own.foreignKeys[1]!, land, tenant),
  ],
  anyPointing: [forms.anyPointing(land, key('bill', ['code'], 1, ['note']), own, tenant)],
  countPointing: [forms.countPointing(land, key('bill', ['code'], 1, ['note']), own, tenant)],
  insertStaged: [
    forms.insertStaged(own, 'drizzle_tenant_stage_0', own.columns, ['before'], undefined, tenant),
    forms.insertStaged(own, 'drizzle_tenant_stage_0', own.columns, [], own.key, tenant),
  ],
  raiseSequence: [forms.raiseSequence(own, 'id', sequence, tenant)],
  isFarSequence: [forms.isFarSequence(own, 'id', sequence, tenant)],
  deleteAll: [forms.deleteAll(own, tenant)],
  clearAll: [forms.clearAll(own, ['before'], tenant)],
  deleteBatch: [forms.deleteBatch(own, tenant, 5), forms.deleteBatch(spread, tenant, 5)],
  deleteWhole: [forms.deleteWhole(own, tenant)],
  clearBatch: [forms.clearBatch(own, ['before'], tenant, 5), forms.clearBatch(spread, ['before'], tenant, 5)],
};

/** Forms that name no tenant table, and three that do and cannot be proved: why stands with each. */
const others = {
  ident: 'a name',
  nameOf: 'a name',
  stageOf: 'a name',
  begin: 'no table',
  commit: 'no table',
  rollback: 'no table',
  settings: 'no table',
  lockTenant: 'no table',
  canonical: 'no table',
  transactionId: 'no table',
  statusOf: 'no table',
  fetchRows: 'the rows of a cursor that was proved',
  closeRows: 'no table',
  createStage: 'a table of the connection',
  copyIntoStage: 'a table of the connection',
  insertIntoStage: 'a table of the connection',
  differingShared: 'shared rows',
  insertShared: 'shared rows',
  deferConstraints: 'no table',
  checkConstraints: 'no table',
  skipTriggers: 'no table',
  refreshView: 'a view, made anew of what is there',
  copyInto: 'writes a stream, in which each row was given the tenant by the client (spool.ts), and reads nothing',
  lockShared: 'shared rows',
  anyOnPath: 'asks of other tenants whether one points at this one, and for nothing of the row',
  deleteUnused: 'deletes shared rows that no tenant points at any more, which has to ask the tables of all',
};

/** Forms that do more than a handle may: what the prover does not know of them is named, and the rest is proved. */
const functions = ['hashtextextended', 'setval'];

/** The query in COPY (...) TO and DECLARE ... CURSOR FOR. */
const queryOf = (text: string) =>
  /^copy \((.*)\) to stdout$/s.exec(text)?.[1] ?? /^declare \w+ no scroll cursor for (.*)$/s.exec(text)?.[1] ?? text;
/** What no handle may say, though it reads nothing: a name of the connection's own, a place in a table, a sequence. */
const known = (text: string) =>
  queryOf(text)
    .replaceAll('pg_temp."drizzle_tenant_stage_0"', '"drizzle_tenant_stage_0"')
    .replaceAll(/\b([tb])\.ctid\b/g, '$1."id"')
    .replace(/, "public"\."bills_id_seq" s where m\.value > s\.last_value (?:or|and) .*$/, '')
    .replace(/setval\(E'[^']*'::regclass, /, "setval('bills_id_seq', ");
const proved = (text: string) => proveScoped(known(text), { tables, tenant: shop.parse(1) as any, functions });

test('every form is here', () => {
  expect([...Object.keys(sent), ...Object.keys(others)].sort()).toEqual(Object.keys(forms).sort());
});

describe.each(Object.entries(sent))('%s', (_, texts) => {
  test.each(texts)('%s', async (text) => {
    expect((await proved(text)).length).toBeGreaterThan(0);
    expect(text).toContain(`E'${tenant}'`);
    // Each predicate is needed: without any one of them, or with another tenant in it, nothing is proved.
    const predicates = [...known(text).matchAll(/\w+\."(?:shop_id|id)" = E'1'|(?<=select )E'1'::bigint/g)];
    expect(predicates.length).toBeGreaterThan(0);
    for (const it of predicates) {
      const isRow = it[0].endsWith('bigint');
      const broken = (by: string) =>
        proved(known(text).slice(0, it.index) + by + known(text).slice(it.index + it[0].length));
      for (const by of [isRow ? 's."shop_id"' : 'true', it[0].replace("E'1'", "E'2'")]) {
        await expect(broken(by)).rejects.toMatchObject({
          _tag: 'RawSqlNotScopedError',
          message: expect.not.stringContaining('not understood'),
        });
      }
    }
  });
});
