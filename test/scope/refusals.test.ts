/** A refusal is kept for the handles that it concerns: what one tenancy may not ask shuts nobody else out. */
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { beforeAll, expect, test } from 'vitest';
import { UnscopedTableError, withTenancy } from '../../src/index.js';
import { a, w } from '../support/rows.js';
import { boards, relations, tasks } from '../support/schema.js';

const db = withTenancy(drizzle.mock(), { relations }) as any;
beforeAll(() => db.ready);
const sent = (tdb: any, text: string) => tdb.dialect.sqlToQuery(sql.raw(text)).sql;

test('a text that is of one tenancy only', () => {
  const [account, workspace] = [db.forTenant(a), db.forTenant(w)];
  // Each handle has met its tenancy.
  account.select().from(tasks).toSQL();
  workspace.select().from(boards).toSQL();
  const text = 'select title as refused_before from tasks';
  for (let i = 0; i < 2; i++) expect(() => sent(workspace, text)).toThrow(UnscopedTableError);
  expect(sent(account, text)).toContain('"accountId" = $1');
  expect(() => sent(workspace, text)).toThrow(/Use a handle of the tenancy "account"/);
});

test('a text of a handle that has met no table', () => {
  const text = 'select title as met_no_table from tasks';
  expect(() => sent(db.forTenant(w), 'select title from tasks, boards')).toThrow(UnscopedTableError);
  expect(sent(db.forTenant(a), text)).toContain('"accountId" = $1');
});
