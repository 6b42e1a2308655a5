/** Indexes of tenant tables lead with the tenant column, and foreign keys have one. */
import { sql } from 'drizzle-orm';
import { foreignKey, index, integer, jsonb, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { afterEach, describe, expect, test } from 'vitest';
import { referenceTable, tenancy, tenantTable, unscoped } from '../../src/index.js';
import { defineTenantConfig, tenantStatements } from '../../src/kit/index.js';
import { freshSchema, statementsOf } from './support.js';

const account = tenancy('account', uuid);
const db = freshSchema();

const columns = {
  accountId: account.id('account_id'),
  id: uuid().primaryKey(),
  a: text(),
  b: integer(),
  at: timestamp(),
  meta: jsonb(),
  tags: text().array(),
};
const indexed = async (extra: (t: any) => any[]) => {
  await db.build({ things: tenantTable('things', columns, extra) });
  return (await db.keys('things')).filter((it) => it !== 'UNIQUE things_pkey btree (account_id, id)');
};

describe('a btree index', () => {
  test.each<[string, (t: any) => any, string]>([
    ['with a name', (t) => index('by_a').on(t.a), 'by_a btree (account_id, a)'],
    ['without a name', (t) => index().on(t.a, t.b), 'things_account_id_a_b_index btree (account_id, a, b)'],
    ['of an expression', (t) => index('lower_a').on(sql`lower(${t.a})`), 'lower_a btree (account_id, lower(a))'],
    [
      'with a condition',
      (t) => index('open').on(t.at).where(sql`${t.b} > 1`),
      'open btree (account_id, at) WHERE (b > 1)',
    ],
    [
      'downwards',
      (t) => index('latest').on(t.at.desc().nullsLast(), t.b.asc().nullsFirst()),
      'latest btree (account_id, at DESC NULLS LAST, b NULLS FIRST)',
    ],
    [
      'with an operator class',
      (t) => index('prefix').on(t.a.op('text_pattern_ops')),
      'prefix btree (account_id, a text_pattern_ops)',
    ],
    [
      'with storage parameters',
      (t) => index('filled').on(t.a).with({ fillfactor: 70 }),
      "filled btree (account_id, a) WITH (fillfactor='70')",
    ],
    ['concurrently', (t) => index('quick').on(t.a).concurrently(), 'quick btree (account_id, a)'],
    ['by using()', (t) => index('used').using('btree', t.a), 'used btree (account_id, a)'],
    ['that is unique', (t) => uniqueIndex('one').on(t.a), 'UNIQUE one btree (account_id, a)'],
    ['that has the tenant column already', (t) => index('there').on(t.a, t.accountId), 'there btree (a, account_id)'],
    ['that is unscoped', (t) => unscoped(index('everywhere').on(t.at.desc())), 'everywhere btree (at DESC NULLS LAST)'],
  ])('%s', async (_, make, expected) => {
    expect(await indexed((t) => [make(t)])).toEqual([expected]);
  });

  test('whose name would be too long gets a shorter one, always the same', async () => {
    const long = (n: number) => ({ [`a_column_with_a_rather_long_name_${n}`]: text() });
    const make = () =>
      tenantTable('a_table_with_a_name', { ...columns, ...long(1), ...long(2) }, (t: any) => [
        index().on(t.a_column_with_a_rather_long_name_1),
        index().on(t.a_column_with_a_rather_long_name_2),
      ]);
    await db.build({ make: make() });
    const names = (await db.keys('a_table_with_a_name')).map((it) => it.split(' ')[0]!);
    expect(names).toHaveLength(3);
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
    expect(await statementsOf({ make: make() })).toEqual(await statementsOf({ make: make() }));
  });

  test('that cannot lead with it is refused, with the remedy', async () => {
    const many = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`c${i}`, integer()]));
    const wide = (keep: (it: any) => any) =>
      tenantTable('wide', { accountId: account.id(), ...many } as any, (t: any) => [
        keep(index('wide_all').on(...(Object.keys(many).map((key) => t[key]) as [any]))),
      ]);
    await expect(statementsOf({ wide: wide((it) => it) })).rejects.toThrow(
      'Take a column out of the index "wide_all", or keep it as it is with unscoped()',
    );
    expect((await statementsOf({ wide: wide(unscoped) })).join()).toContain('INDEX "wide_all"');
  });
});

test('indexes of other methods stay as they were written', async () => {
  expect(
    await indexed((t) => [
      index('things_tags').using('gin', t.tags),
      index('things_meta').using('gin', t.meta.op('jsonb_path_ops')),
      index('things_at').using('brin', t.at),
      index('things_a').using('hash', t.a),
    ]),
  ).toEqual([
    'things_a hash (a)',
    'things_at brin (at)',
    'things_meta gin (meta jsonb_path_ops)',
    'things_tags gin (tags)',
  ]);
});

test("the root's stay as they were written: a tenant has one row", async () => {
  await db.build({
    accounts: tenantTable('accounts', { id: account.id().primaryKey(), at: timestamp() }, (t) => [
      index('accounts_at').on(t.at),
    ]),
  });
  expect(await db.keys('accounts')).toEqual(['accounts_at btree (at)', 'UNIQUE accounts_pkey btree (id)']);
});

test('those of a reference table stay as they were written', async () => {
  await db.build({
    countries: referenceTable('countries', { id: integer().primaryKey(), name: text() }, (t) => [
      index('countries_name').on(t.name),
    ]),
  });
  expect(await db.keys('countries')).toContain('countries_name btree (name)');
});

describe('a foreign key', () => {
  const countries = referenceTable('countries', { id: integer().primaryKey() });
  const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
  const parents = tenantTable('parents', {
    accountId: account.id('account_id').references(() => accounts.id),
    id: uuid().primaryKey(),
  });
  const child = (extra: (t: any) => any[] = () => []) =>
    tenantTable(
      'children',
      {
        accountId: account.id('account_id').references(() => accounts.id),
        id: uuid().primaryKey(),
        parentId: uuid('parent_id').references(() => parents.id),
        otherId: uuid('other_id'),
        countryId: integer('country_id').references(() => countries.id),
      },
      (t) => [foreignKey({ columns: [t.otherId], foreignColumns: [parents.id] }), ...extra(t)],
    );
  const keys = async (children: any) => {
    await db.build({ countries, accounts, parents, children });
    return (await db.keys('children')).filter((it) => !it.includes('pkey'));
  };
  afterEach(() => void defineTenantConfig({ dialect: 'postgresql', schema: '', tenancy: { citus: false } }));

  test('has an index that begins with it, in both forms', async () => {
    expect(await keys(child())).toEqual([
      'children_account_id_other_id_index btree (account_id, other_id)',
      'children_account_id_parent_id_index btree (account_id, parent_id)',
      'children_country_id_account_id_index btree (country_id, account_id)',
    ]);
  });

  test('gets none where one begins with it', async () => {
    const extra = (t: any) => [
      index('x').on(t.parentId, t.otherId),
      uniqueIndex('y').on(t.otherId),
      index('z').on(t.countryId),
    ];
    expect(await keys(child(extra))).toEqual([
      'x btree (account_id, parent_id, other_id)',
      'UNIQUE y btree (account_id, other_id)',
      'z btree (account_id, country_id)',
    ]);
  });

  test('gets one where the other has a condition, an expression or another method', async () => {
    const extra = (t: any) => [
      index('x').on(t.parentId).where(sql`true and ${t.id} is not null`),
      index('y').on(sql`lower(${t.otherId}::text)`, t.otherId),
      index('z').using('hash', t.countryId),
    ];
    expect(await keys(child(extra))).toHaveLength(6);
  });

  test('gets none where they are switched off, and the schema is warned of', async () => {
    const tenancy = { citus: false, foreignKeyIndexes: false } as const;
    await expect(statementsOf({ countries, accounts, parents, children: child() }, tenancy)).rejects.toThrow(
      'Call defineTenantConfig()',
    );
    defineTenantConfig({ dialect: 'postgresql', schema: '', tenancy });
    expect((await statementsOf({ countries, accounts, parents, children: child() }, tenancy)).join()).not.toContain(
      'CREATE INDEX',
    );
    const { generateDrizzleJson } = await import('drizzle-kit/api-postgres');
    const schema = { countries, accounts, parents, children: child() };
    const { warnings } = await tenantStatements({
      statements: [],
      to: await generateDrizzleJson(schema),
      schema,
      tenancy,
    });
    expect(warnings.map((it) => [it.rule, it.column]).sort()).toEqual([
      ['foreign-key-index', 'account_id, other_id'],
      ['foreign-key-index', 'account_id, parent_id'],
      ['foreign-key-index', 'country_id'],
    ]);
  });
});
