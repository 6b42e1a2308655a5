/**
 * A development server evaluates a changed module again, while what was put on globalThis lives on: a handle then meets
 * tables and tenancies that were declared twice.
 */
import { eq, sql } from 'drizzle-orm';
import { bigint, customType, integer, pgEnum, text, unique, uuid, varchar } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { describe, expect, test } from 'vitest';
import {
  alias,
  defineTenantRelations,
  referenceTable,
  tenancy,
  tenantTable,
  unscoped,
  UnscopedTableError,
  withTenancy,
} from '../../src/index.js';

const id = '11111111-1111-4111-8111-111111111111';
let names = 0;

/** A schema's module: each call is another evaluation of it. */
function moduleOf(name = `reload_${++names}`, columns: () => any = () => ({})) {
  const evaluate = (more = columns) => {
    const account = tenancy(name, uuid);
    const accounts = tenantTable(`${name}_accounts`, { id: account.id().primaryKey() });
    const projects = tenantTable(`${name}_projects`, {
      accountId: account.id('account_id').references(() => accounts.id),
      id: integer().primaryKey(),
      ...more(),
    });
    const relations = defineTenantRelations({ accounts, projects }, (r: any) => ({
      accounts: { projects: r.many.projects({ from: r.accounts.id, to: r.projects.accountId }) },
    }));
    return { account, accounts, projects, relations } as any;
  };
  return evaluate;
}
const handles = async (options?: object) => {
  const db = withTenancy(drizzle.mock(), options as any) as any;
  await db.ready;
  return db;
};
const textOf = (query: any) => query.toSQL().sql;

describe('a module that is evaluated again', () => {
  for (const withRelations of [true, false]) {
    test(`and a handle of the first time, ${withRelations ? 'with' : 'without'} relations`, async () => {
      const evaluate = moduleOf();
      const first = evaluate();
      const db = await handles(withRelations ? { relations: first.relations } : {});
      const again = evaluate();
      const tdb = db.forTenant(again.account.parse(id));
      expect(textOf(tdb.select().from(again.projects))).toMatch(/"account_id" = \$1$/);
      expect(textOf(tdb.select().from(again.accounts).innerJoin(alias(again.projects, 'p'), sql`true`))).toMatch(
        /"account_id" = \$1/,
      );
      expect(tdb.insert(again.projects).values({ id: 1 }).toSQL().params).toContain(id);
      expect(textOf(tdb.select().from(first.projects))).toMatch(/= \$1$/);
      expect(db.prepare(again.account, (it: any) => it.select().from(again.projects)).run).toBeTypeOf('function');
      if (withRelations)
        expect(textOf(tdb.query.accounts.findMany({ with: { projects: true } }))).toMatch(/"account_id" = \$/);
    });
  }

  test('a table that is new in it', async () => {
    const evaluate = moduleOf();
    const first = evaluate();
    const db = await handles({ relations: first.relations });
    const { account } = evaluate();
    const tags = tenantTable(`${account.name}_tags`, {
      accountId: account.id('account_id'),
      id: integer().primaryKey(),
    });
    expect(textOf(db.forTenant(account.parse(id)).select().from(tags))).toMatch(/"account_id" = \$1$/);
  });

  test('a part of it points at what another part declared before', () => {
    const first = moduleOf()();
    const account = tenancy(first.account.name, uuid);
    const tasks = tenantTable(`${account.name}_tasks`, {
      accountId: account.id('account_id').references(() => first.accounts.id),
      id: integer().primaryKey(),
    });
    expect(() =>
      defineTenantRelations({ a: first.accounts, tasks }, (r: any) => ({
        a: { tasks: r.many.tasks({ from: r.a.id, to: r.tasks.accountId }) },
      })),
    ).not.toThrow();
  });
});

const cause = /^Call withTenancy\(\) again after .* keep the client of the driver on globalThis/;

describe('a table is not taken for another: the message names the cause', () => {
  const changed: Record<string, (account: any, name: string) => any> = {
    'a reference table': (_, name) =>
      referenceTable(name, { accountId: uuid('account_id'), id: integer().primaryKey() }),
    'with one more column': (account, name) =>
      tenantTable(name, { accountId: account.id('account_id'), id: integer().primaryKey(), title: text() }),
    'with another key': (account, name) =>
      tenantTable(name, { accountId: account.id('account_id').primaryKey(), id: integer() }),
    'with a key over all tenants': (account, name) =>
      tenantTable(name, { accountId: account.id('account_id'), id: integer().primaryKey() }, (t: any) => [
        unscoped(unique().on(t.id)),
      ]),
    'of another tenancy': (_, name) =>
      tenantTable(name, { accountId: tenancy(`${name}_other`, uuid).id('account_id'), id: integer().primaryKey() }),
  };
  for (const [how, declare] of Object.entries(changed)) {
    test(`declared again ${how}`, async () => {
      const first = moduleOf()();
      const [related, bare] = [await handles({ relations: first.relations }), await handles()];
      const table = declare(first.account, `${first.account.name}_projects`);
      // The relations say what the name means.
      const tdb = related.forTenant(first.account.parse(id));
      expect(textOf(tdb.select({ id: table.id }).from(table))).toMatch(/"account_id" = \$1$/);
      expect(textOf(tdb.select().from(first.projects))).toMatch(/= \$1$/);
      const names = () => bare.forTenant(first.account.parse(id)).select().from(table).toSQL();
      expect(names).toThrow(UnscopedTableError);
      expect(names).toThrow(/declares it twice, and not alike.*evaluates a changed module again/);
    });
  }

  test('a column that the handle does not know', async () => {
    const first = moduleOf()();
    const tdb = (await handles({ relations: first.relations })).forTenant(first.account.parse(id));
    const again = moduleOf(first.account.name, () => ({ title: text() }))();
    for (const build of [
      () => tdb.select().from(again.projects).where(eq(again.projects.title, 'x')),
      () => tdb.update(again.projects).set({ title: 'x' }).where(sql`${again.projects.title} is null`),
    ]) {
      expect(() => build().toSQL()).toThrow(cause);
    }
    const anew = (await handles({ relations: again.relations })).forTenant(first.account.parse(id));
    expect(textOf(anew.select().from(again.projects).where(eq(again.projects.title, 'x')))).toMatch(
      /"account_id" = \$2/,
    );
  });

  test('a reference table that became a tenant table, or one without rows of everybody', async () => {
    const { account } = moduleOf()();
    const name = `${account.name}_notes`;
    const columns = () => ({ id: integer().primaryKey() });
    const [notes, shared] = [
      referenceTable(name, columns()),
      tenantTable(`${name}_2`, { accountId: account.id('account_id', { everybody: true }), ...columns() }),
    ];
    const tdb = (await handles({ relations: defineTenantRelations({ notes, shared }) })).forTenant(account.parse(id));
    textOf(tdb.select().from(notes));
    textOf(tdb.select().from(shared));
    const [own, owned] = [
      tenantTable(name, { accountId: account.id('account_id'), ...columns() }),
      tenantTable(`${name}_2`, { accountId: account.id('account_id'), ...columns() }),
    ];
    for (const table of [own, owned]) {
      for (const build of [
        () => tdb.select({ id: table.id }).from(table),
        () => tdb.select({ id: table.id }).from(alias(table, 'x')),
        () => tdb.select({ x: sql`1` }).from(notes).leftJoin(table, sql`true`),
        () => tdb.delete(table),
      ]) {
        expect(() => build().toSQL()).toThrow(cause);
      }
    }
  });
});

describe('a tenancy is known by its name and type', () => {
  const factories: Record<string, () => any> = {
    uuid: () => uuid,
    'a function of its own': () => () => bigint({ mode: 'number' }),
    'with a default': () => () => uuid().defaultRandom(),
    varchar: () => () => varchar({ length: 3 }),
    'an enum': () => pgEnum('kinds', ['x', 'y']),
  };
  for (const [how, factory] of Object.entries(factories)) {
    test(`the same: ${how}`, () => expect(tenancy(`same ${how}`, factory())).toBe(tenancy(`same ${how}`, factory())));
  }

  const custom = () =>
    customType<{ data: string; driverData: string }>({ dataType: () => 'text', toDriver: (it) => it });
  const others: Record<string, [any, any]> = {
    'another type': [uuid, text],
    'another mode': [() => bigint({ mode: 'number' }), () => bigint({ mode: 'bigint' })],
    'another length': [() => varchar({ length: 3 }), () => varchar({ length: 4 })],
    'other values': [pgEnum('kinds', ['x', 'y']), pgEnum('kinds', ['x'])],
    'a default': [uuid, () => uuid().defaultRandom()],
    'another default': [() => uuid().default(sql`a()`), () => uuid().default(sql`b()`)],
    'a default with a value': [() => uuid().default(sql`a(${1})`), () => uuid().default(sql`a(${1})`)],
    'a default that a function gives': [() => text().$default(() => 'a'), () => text().$default(() => 'b')],
    'a type of its own, which nobody can compare': [custom(), custom()],
  };
  for (const [how, [one, other]] of Object.entries(others)) {
    test(`another: ${how}`, async () => {
      const name = `other ${how}`;
      const [first, second] = [tenancy(name, one), tenancy(name, other)];
      expect(first).not.toBe(second);
      const table = tenantTable(`${++names}_t`, { tenant: second.id('tenant') });
      const db = await handles();
      expect(() => db.prepare(first, (it: any) => it.select().from(table))).toThrow(
        `Declare the tenancy "${name}" once`,
      );
      const root = tenantTable(`${++names}_t`, { tenant: first.id('tenant').primaryKey() });
      expect(() =>
        defineTenantRelations({ root, table }, (r: any) => ({
          root: { t: r.many.table({ from: r.root.tenant, to: r.table.tenant }) },
        })),
      ).toThrow(`Declare the tenancy "${name}" once`);
    });
  }

  test('and another name is another tenancy', async () => {
    const [first, second] = [tenancy('reload one', uuid), tenancy('reload two', uuid)];
    const table = tenantTable(`${++names}_t`, { tenant: second.id('tenant') });
    const db = await handles();
    expect(() => db.prepare(first, (it: any) => it.select().from(table))).toThrow(/belongs to another tenancy/);
  });
});
