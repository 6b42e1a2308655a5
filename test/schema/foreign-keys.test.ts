/** Foreign keys that clear a column, and those that can never work: the same key is judged alike in both forms. */
import { foreignKey, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { referenceTable, tenancy, tenantTable, unscoped } from '../../src/index.js';
import { History } from '../kit/support.js';
import { freshSchema, statementsOf } from './support.js';

const account = tenancy('account', uuid);
const db = freshSchema();
const a = '00000000-0000-4000-8000-00000000000a';
const b = '00000000-0000-4000-8000-00000000000b';
const noCitus = { citus: false } as const;

type Action = 'set null' | 'cascade';
const declare = (action: Action, form: 'inline' | 'extra', more: Record<string, any> = {}) => {
  const projects = tenantTable('projects', { accountId: account.id('account_id'), id: uuid().primaryKey(), ...more });
  const tasks =
    form === 'inline'
      ? tenantTable('tasks', {
          accountId: account.id('account_id'),
          id: uuid().primaryKey(),
          projectId: uuid('project_id').references(() => projects.id, { onDelete: action }),
        })
      : tenantTable(
          'tasks',
          { accountId: account.id('account_id'), id: uuid().primaryKey(), projectId: uuid('project_id') },
          (t) => [foreignKey({ columns: [t.projectId], foreignColumns: [projects.id] }).onDelete(action)],
        );
  return { projects, tasks };
};

describe.each(['inline', 'extra'] as const)('ON DELETE SET NULL, %s', (form) => {
  test('clears the column, and leaves the tenant', async () => {
    const statements = await db.build(declare('set null', form));
    expect(statements.at(-1)).toContain('ON DELETE SET NULL ("project_id");');
    for (const id of [a, b]) {
      await db.sql`insert into projects values (${id}, ${a})`;
      await db.sql`insert into tasks values (${id}, ${a}, ${a})`;
    }
    await db.sql`delete from projects where account_id = ${a}`;
    expect(await db.sql`select account_id, project_id from tasks order by 1`).toEqual([
      { account_id: a, project_id: null },
      { account_id: b, project_id: a },
    ]);
  });

  test('is kept by every later migration', async () => {
    await db.sql.unsafe('drop schema public cascade; create schema public');
    const history = new History();
    const run = async (schema: Record<string, unknown>, hints?: any[]) => {
      const statements = await history.next({ schema, tenancy: noCitus, ...(hints && { hints }) });
      for (const statement of statements) await db.sql.unsafe(statement);
      return statements.filter((it) => !it.startsWith('-- drizzle-tenant'));
    };
    const action = async () =>
      (await db.sql`select pg_get_constraintdef(oid) as it from pg_constraint where contype = 'f'`).map((row) =>
        row.it.replace(/.* ON DELETE/, 'ON DELETE'),
      );
    await run(declare('cascade', form));
    expect(await action()).toEqual(['ON DELETE CASCADE']);
    await run(declare('set null', form));
    expect(await action()).toEqual(['ON DELETE SET NULL (project_id)']);
    await run(declare('set null', form, { note: text() }));
    expect(await run(declare('set null', form, { note: text() }))).toEqual([]);
    expect(await action()).toEqual(['ON DELETE SET NULL (project_id)']);
    await run(declare('cascade', form, { note: text() }));
    expect(await action()).toEqual(['ON DELETE CASCADE']);
  });

  test('of two columns clears both', async () => {
    const pages = tenantTable('pages', { accountId: account.id('account_id'), a: uuid(), b: uuid() }, (t) => [
      unique().on(t.a, t.b),
    ]);
    const links = tenantTable('links', { accountId: account.id('account_id'), x: uuid('the (x)'), y: uuid() }, (t) => [
      foreignKey({ columns: [t.x, t.y], foreignColumns: [pages.a, pages.b] }).onDelete('set null'),
    ]);
    const statements = await db.build({ pages, links });
    expect(statements.at(-1)).toContain('ON DELETE SET NULL ("the (x)","y");');
  });

  test('is a fault on Citus, with its remedy', async () => {
    await expect(statementsOf(declare('set null', form), { citus: {} })).rejects.toThrow(
      `"tasks" (account_id, project_id) [foreign-key-action] Take onDelete: 'set null' off the reference ` +
        'to "projects", and clear the column in the transaction that deletes the row',
    );
  });

  test('of the tenant column alone is a fault everywhere', async () => {
    const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
    const notes =
      form === 'inline'
        ? tenantTable('notes', {
            accountId: account.id('account_id').references(() => accounts.id, { onDelete: 'set null' }),
          })
        : tenantTable('notes', { accountId: account.id('account_id') }, (t) => [
            foreignKey({ columns: [t.accountId], foreignColumns: [accounts.id] }).onDelete('set null'),
          ]);
    await expect(statementsOf({ accounts, notes })).rejects.toThrow(`Use onDelete: 'cascade' or 'restrict'`);
  });
});

describe.each([{ citus: false }, { citus: {} }] as const)('keys to tenant tables, with %j', (tenancy) => {
  const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
  const projects = tenantTable('projects', { accountId: account.id('account_id'), id: uuid().primaryKey() });
  const target: any = projects;
  const tags = { id: integer().primaryKey(), p: uuid() };
  const inline = { id: integer().primaryKey(), p: uuid().references(() => target.id) };
  const extra = (t: any) => [foreignKey({ columns: [t.p], foreignColumns: [target.id] })];

  test.each([
    [
      'a reference table, inline',
      () => referenceTable('tags', inline),
      'Make "tags" a tenantTable, or drop the reference to "projects"',
    ],
    [
      'a reference table, in extra',
      () => referenceTable('tags', tags, extra),
      'Make "tags" a tenantTable, or drop the reference to "projects"',
    ],
    [
      'a plain table, inline',
      () => pgTable('tags', inline),
      'Make "tags" a tenantTable, or drop the reference to "projects"',
    ],
    [
      'a plain table, in extra',
      () => pgTable('tags', tags, extra),
      'Make "tags" a tenantTable, or drop the reference to "projects"',
    ],
  ])('%s', async (_, make, remedy) => {
    await expect(statementsOf({ accounts, projects, tags: make() }, tenancy)).rejects.toThrow(remedy);
  });

  test('a plain table to what is unique over all tenants works without Citus', async () => {
    const logs = pgTable('logs', {
      accountId: uuid().references(() => (accounts as any).id),
      hash: text().references(() => (keys as any).hash),
    });
    const keys = tenantTable('keys', { accountId: account.id('account_id'), hash: text() }, (t) => [
      unscoped(unique().on(t.hash)),
    ]);
    if (tenancy.citus)
      await expect(statementsOf({ accounts, keys, logs }, tenancy)).rejects.toThrow('Make "logs" a tenantTable');
    else expect((await db.build({ accounts, keys, logs })).join('\n')).toContain('REFERENCES "keys"("hash")');
  });
});
