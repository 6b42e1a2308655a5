/** What is unique over all tenants: the root's own, and what unscoped() keeps. */
import { sql } from 'drizzle-orm';
import { foreignKey, index, integer, pgTable, primaryKey, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { confine, ready } from '../../src/handle/sql.js';
import { referenceTable, tenancy, tenantTable, unscoped } from '../../src/index.js';
import { askingForUniques } from '../../src/kit/generate/hook.js';
import { readOptions } from '../../src/kit/options.js';
import { TenantRuleError } from '../../src/kit/index.js';
import { declaredOf } from '../../src/scope/declared.js';
import { History } from '../kit/support.js';
import { freshSchema, statementsOf } from './support.js';

const account = tenancy('account', uuid);
const db = freshSchema();
const a = '00000000-0000-4000-8000-00000000000a';
const b = '00000000-0000-4000-8000-00000000000b';

const roots = () =>
  tenantTable('accounts', { id: account.id().primaryKey(), slug: text().unique(), host: text(), mail: text() }, (t) => [
    unique('accounts_host').on(t.host),
    uniqueIndex('accounts_mail').on(sql`lower(${t.mail})`),
  ]);
const keys = () =>
  tenantTable(
    'keys',
    { accountId: account.id(), id: uuid().primaryKey(), hash: text().notNull(), name: text().unique(), host: text() },
    (t) => [
      unscoped(unique('keys_hash').on(t.hash)),
      unscoped(uniqueIndex('keys_host').on(t.host).where(sql`${t.name} is not null`)),
    ],
  );

describe('in the database', () => {
  test("the root's keys stay as they were written, by whichever way they were", async () => {
    await db.build({ accounts: roots() });
    expect(await db.keys('accounts')).toEqual([
      'UNIQUE accounts_host btree (host)',
      'UNIQUE accounts_mail btree (lower(mail))',
      'UNIQUE accounts_pkey btree (id)',
      'UNIQUE accounts_slug_key btree (slug)',
    ]);
    const byExtra = tenantTable('accounts', { id: account.id(), slug: text().unique() }, (t) => [
      primaryKey({ columns: [t.id] }),
    ]);
    await db.build({ byExtra });
    expect(await db.keys('accounts')).toEqual([
      'UNIQUE accounts_pkey btree (id)',
      'UNIQUE accounts_slug_key btree (slug)',
    ]);
  });

  test('unscoped() keeps a key as it was written, and the others are within the tenant', async () => {
    await db.build({ accounts: roots(), keys: keys() });
    expect(await db.keys('keys')).toEqual([
      'UNIQUE keys_accountId_name_unique btree (accountId, name)',
      'UNIQUE keys_hash btree (hash)',
      'UNIQUE keys_host btree (host) WHERE (name IS NOT NULL)',
      'UNIQUE keys_pkey btree (accountId, id)',
    ]);
    await db.sql`insert into keys values (${a}, ${a}, 'h', 'n', null)`;
    await db.sql`insert into keys values (${b}, ${a}, 'i', 'n', null)`;
    await expect(db.sql`insert into keys values (${b}, ${b}, 'h', 'm', null)`.execute()).rejects.toThrow('keys_hash');
  });

  test('unscoped() keeps a primary key', async () => {
    const events = tenantTable('events', { accountId: account.id(), id: uuid() }, (t) => [
      unscoped(primaryKey({ columns: [t.id] })),
    ]);
    await db.build({ events });
    expect(await db.keys('events')).toEqual(['UNIQUE events_pkey btree (id)']);
  });

  test('a foreign key to such a column gets the unique key that it needs, once', async () => {
    const accounts = roots();
    const uses: any = tenantTable('uses', {
      accountId: account.id(),
      id: uuid().primaryKey(),
      hash: text().references(() => all.keys.hash),
      slug: text().references(() => accounts.slug),
    });
    const more: any = tenantTable('more', { accountId: account.id(), id: uuid().primaryKey(), hash: text() }, (t) => [
      foreignKey({ columns: [t.hash], foreignColumns: [all.keys.hash] }),
    ]);
    const all: any = { accounts, keys: keys(), uses, more };
    await db.build(all);
    expect(await db.keys('keys')).toContain('UNIQUE keys_accountId_hash_unique btree (accountId, hash)');
    expect(await db.keys('accounts')).toContain('UNIQUE accounts_id_slug_unique btree (id, slug)');
    expect((await db.keys('keys')).length).toBe(5);
    await db.sql`insert into accounts values (${a}, 'one', null, null)`;
    await db.sql`insert into keys values (${a}, ${a}, 'h', 'n', null)`;
    await db.sql`insert into uses values (${a}, ${a}, 'h', 'one')`;
    await expect(db.sql`insert into uses values (${b}, ${b}, 'h', null)`.execute()).rejects.toThrow('foreign key');
  });
});

test('the gate is told what is unique over all tenants', () => {
  expect(declaredOf(keys())!.uniqueOverAll).toEqual([['hash'], ['host']]);
  expect(declaredOf(roots())!.uniqueOverAll).toEqual([['slug'], ['host'], ['(mail)']]);
  expect(
    declaredOf(referenceTable('countries', { id: integer().primaryKey(), code: text().unique() }))!.uniqueOverAll,
  ).toEqual([]);
});

test('ON CONFLICT on a unique expression: as on a column', async () => {
  const accounts = roots();
  const keysTable = tenantTable(
    'keys',
    { accountId: account.id(), id: uuid().primaryKey(), name: text(), mail: text(), host: text() },
    (t) => [
      uniqueIndex('keys_name').on(sql`lower(${t.name})`),
      unscoped(uniqueIndex('keys_mail').on(sql.raw('lower(mail)'))),
      unscoped(uniqueIndex('keys_host').on(sql`lower(${t.host})`, t.name)),
    ],
  );
  const tables = { accounts, keysTable };
  expect(declaredOf(keysTable)!.uniqueOverAll).toEqual([['(mail)'], ['(host)', 'name']]);
  await db.build(tables);
  await ready;
  await db.sql`insert into accounts values (${b}, null, null, 'Taken')`;
  await db.sql`insert into keys values (${b}, ${b}, 'Taken', 'Taken', 'Taken')`;
  const run = async (text: string) => {
    const { text: sent, params } = confine(text, [], { tables, tenant: account.parse(a) as any });
    return (await db.sql.unsafe(sent, params as never[])).count;
  };
  expect(await run(`insert into accounts (mail) values ('taken') on conflict (lower(mail)) do nothing`)).toBe(0);
  expect(
    await run(`insert into keys (id, mail) values ('${a}', 'taken') on conflict (lower("keys"."mail")) do nothing`),
  ).toBe(0);
  expect(
    await run(
      `insert into keys (id, name, host) values ('${a}', 'Taken', 'taken') on conflict (name, lower(host)) do nothing`,
    ),
  ).toBe(0);
  // Within the tenant.
  expect(
    await run(
      `insert into keys (id, name) values ('${a}', 'taken') on conflict (lower(name)) do update set host = 'x'`,
    ),
  ).toBe(1);
  expect(
    await run(
      `insert into keys (id, name) values ('${b}', 'TAKEN') on conflict (lower(name)) do update set host = 'y'`,
    ),
  ).toBe(1);
  expect(await db.sql`select host from keys order by host`).toEqual([{ host: 'Taken' }, { host: 'y' }]);
  for (const text of [
    `insert into accounts (mail) values ('taken') on conflict (lower(mail)) do update set slug = 'x'`,
    `insert into keys (id, mail) values ('${a}', 'taken') on conflict (lower(mail)) do update set name = 'x'`,
  ])
    expect(() => confine(text, [], { tables, tenant: account.parse(a) as any })).toThrow(
      'Use onConflictDoNothing() on that target',
    );
});

test('ON CONFLICT on such a key: skipped, and not updated; on a key within the tenant as ever', async () => {
  const [accounts, keysTable] = [roots(), keys()];
  const tables = { accounts, keysTable };
  await db.build(tables);
  await ready;
  await db.sql`insert into accounts values (${b}, 'taken', null, null)`;
  await db.sql`insert into keys values (${b}, ${b}, 'taken', 'n', 'taken')`;
  const run = async (text: string) => {
    const { text: sent, params } = confine(text, [], { tables, tenant: account.parse(a) as any });
    return (await db.sql.unsafe(sent, params as never[])).count;
  };
  expect(await run(`insert into accounts (slug) values ('taken') on conflict (slug) do nothing`)).toBe(0);
  expect(await run(`insert into accounts (slug) values ('taken') on conflict do nothing`)).toBe(0);
  expect(
    await run(`insert into keys (id, hash, name) values ('${a}', 'taken', 'n') on conflict (hash) do nothing`),
  ).toBe(0);
  expect(
    await run(
      `insert into keys (id, hash, name, host) values ('${a}', 'i', 'n', 'taken') on conflict (host) ` +
        'where name is not null do nothing',
    ),
  ).toBe(0);
  expect(
    await run(
      `insert into keys (id, hash, name) values ('${a}', 'i', 'n') on conflict (name) do update set host = 'x'`,
    ),
  ).toBe(1);
  expect(
    await run(
      `insert into keys (id, hash, name) values ('${a}', 'j', 'n') on conflict (name) do update set host = 'y'`,
    ),
  ).toBe(1);
  for (const [text, reason] of [
    [
      `insert into accounts (slug) values ('taken') on conflict (slug) do update set mail = 'x'`,
      'Use onConflictDoNothing() on that target',
    ],
    [
      `insert into keys (id, hash) values ('${a}', 'taken') on conflict (hash) do update set name = 'x'`,
      'Use onConflictDoNothing() on that target',
    ],
    [
      `insert into keys (id, hash, name, host) values ('${a}', 'i', 'n', 'taken') on conflict (host) ` +
        "where name is not null do update set name = 'x'",
      'Use onConflictDoNothing() on that target',
    ],
    [
      `insert into keys (id, hash) values ('${a}', 'taken') on conflict on constraint keys_hash do update ` +
        "set name = 'x'",
      'Put "accountId" into the target',
    ],
  ] as const) {
    expect(() => confine(text, [], { tables, tenant: account.parse(a) as any })).toThrow(reason);
  }
  // With the tenant column it is another key, which is not there.
  await expect(
    run(
      `insert into keys (id, hash) values ('${a}', 'taken') on conflict ("accountId", hash) do update set name = 'x'`,
    ),
  ).rejects.toThrow('no unique or exclusion constraint');
});

describe('refused', () => {
  test.each<[string, () => unknown]>([
    ['an inline unique', () => (unscoped as any)(text().unique())],
    ['a column', () => (unscoped as any)(keys().hash)],
    ['an unfinished key', () => (unscoped as any)(unique('x'))],
    ['an unfinished index', () => (unscoped as any)(index())],
    [
      'a foreign key',
      () => (unscoped as any)(foreignKey({ columns: [keys().hash], foreignColumns: [keys().hash] } as any)),
    ],
    ['a plain table', () => (unscoped as any)(undefined)],
  ])('%s', (_, run) => {
    expect(run).toThrow('unscoped(unique().on(t.email))');
  });

  test('on Citus, with the remedy', async () => {
    const error = await statementsOf({ accounts: roots(), keys: keys() }, { citus: {} }).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(TenantRuleError);
    expect((error as TenantRuleError).faults.map((it) => [it.rule, it.table, it.column])).toEqual([
      ['unique', 'accounts', 'host'],
      ['unique', 'accounts', 'slug'],
      ['unique', 'accounts', 'lower("mail")'],
      ['unique', 'keys', 'hash'],
      ['unique', 'keys', 'host'],
    ]);
    expect((error as Error).message).toContain(
      'Drop the unique constraint "accounts_host", and keep the value in a referenceTable that says whose it is',
    );
    expect((error as Error).message).toContain(
      'Put "accountId" into the unique constraint "keys_hash", or keep the value in a referenceTable',
    );
  });
});

describe('in an adoption', () => {
  const before = () => ({
    accounts: pgTable('accounts', { id: uuid().primaryKey(), slug: text().unique() }),
    users: pgTable('users', { id: uuid().primaryKey(), ownerId: uuid(), email: text(), login: text() }, (t) => [
      unique('users_email').on(t.email),
      uniqueIndex('users_login').on(t.login),
    ]),
    hosts: pgTable('hosts', { name: text().primaryKey() }),
  });
  const after = () => ({
    accounts: tenantTable('accounts', { id: account.id().primaryKey(), slug: text().unique() }),
    users: tenantTable(
      'users',
      { ownerId: account.id(), id: uuid().primaryKey(), email: text(), login: text() },
      (t) => [unique('users_email').on(t.email), uniqueIndex('users_login').on(t.login)],
    ),
    hosts: tenantTable('hosts', { ownerId: account.id(), name: text().primaryKey() }),
  });
  const adopt = async (schema: Record<string, unknown>, uniquePerTenant?: string[]) => {
    const history = new History();
    await history.next({ schema: before(), tenancy: { citus: false } });
    return history.next({ schema, tenancy: { citus: false, ...(uniquePerTenant && { uniquePerTenant }) } });
  };

  test('each unique key that would mean less is named, with what to set', async () => {
    const error = (await adopt(after()).catch((it: unknown) => it)) as TenantRuleError;
    expect(error.faults.map((it) => [it.rule, it.table, it.column])).toEqual([
      ['unique-meaning', 'hosts', 'name'],
      ['unique-meaning', 'users', 'email'],
      ['unique-meaning', 'users', 'login'],
    ]);
    expect(error.message).toContain("set tenancy.uniquePerTenant to ['users(email)'] if each tenant may have its own");
  });

  test('what is named or unscoped is no fault', async () => {
    expect(await adopt(after(), ['users(email)', '*(login)', 'hosts(name)'])).toContain(
      'ALTER TABLE "users" ADD CONSTRAINT "users_email" UNIQUE("ownerId","email");',
    );
    const { hosts: _, users: __, ...rest } = after();
    const users = tenantTable(
      'users',
      { ownerId: account.id(), id: uuid().primaryKey(), email: text(), login: text() },
      (t) => [unscoped(unique('users_email').on(t.email)), unscoped(uniqueIndex('users_login').on(t.login))],
    );
    const hosts = tenantTable('hosts', { ownerId: account.id(), name: text() }, (t) => [
      unscoped(primaryKey({ columns: [t.name] })),
    ]);
    const statements = await adopt({ ...rest, users, hosts });
    expect(statements.join('\n')).not.toMatch(/users_email|users_login|hosts_pkey/);
  });

  test('at a terminal it is asked', () => {
    const options = readOptions({ citus: false });
    const fault = (column: string) =>
      ({ rule: 'unique-meaning', table: 'users', column, remedy: '', reason: '', level: 'error' }) as const;
    const run = (given: typeof options) => {
      const open = ['email', 'login'].filter((it) => !given.uniquePerTenant.includes(`users(${it})`));
      if (open.length > 0) throw new TenantRuleError(open.map(fault));
      return 'written';
    };
    const asked: string[] = [];
    expect(askingForUniques(run, options, (question) => asked.push(question) > 0)).toBe('written');
    expect(asked).toEqual(
      ['users(email)', 'users(login)'].map(
        (it) => `${it} is unique over all rows today. May each tenant have its own from now on?`,
      ),
    );
    for (const answer of [false, undefined])
      expect(() => askingForUniques(run, options, () => answer)).toThrow(TenantRuleError);
  });
});
