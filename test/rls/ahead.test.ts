/** Statements right behind their setting, without BEGIN: what fails at the end, and what comes in between. */
import { sql } from 'drizzle-orm';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { asRole, rlsStatements } from '../support/rls.js';
import { a, b, c } from '../support/rows.js';
import { account, projects, relations } from '../support/schema.js';

let url: string;
let admin: postgres.Sql;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const fresh = await freshDatabase('many');
  admin = postgres(fresh.url, { max: 1, onnotice: () => {} });
  for (const statement of rlsStatements()) await admin.unsafe(statement);
  await admin.unsafe(
    'alter table projects add constraint at_the_end unique ("accountId", name) deferrable initially deferred',
  );
  url = asRole(fresh.url);
});
afterAll(async () => {
  for (const close of closing) await close();
  await admin.end();
  await dropDatabases();
});

const functions = ['current_setting', 'pg_sleep'];
const drivers = {
  'postgres.js': () => {
    const client = postgres(url, { max: 2, onnotice: () => {} });
    closing.push(() => client.end());
    return {
      db: withTenancy(drizzle({ client }), { relations, rls: true, functions }),
      ask: async (text: string) => (await client.unsafe(text))[0] as any,
    };
  },
  'node-postgres': () => {
    const client = new pg.Pool({ connectionString: url, max: 2 });
    closing.push(() => client.end());
    return {
      db: withTenancy(drizzleNodePostgres({ client }), { relations, rls: true, functions }) as any,
      ask: async (text: string) => (await client.query(text)).rows[0],
    };
  },
};

describe.each(Object.entries(drivers))('on %s', (_, open) => {
  test('a constraint that is looked at when the transaction ends is an error of the statement', async () => {
    const { db, ask } = open();
    const insert = db.prepare(account, (tdb: any) =>
      tdb.insert(projects).values({ id: sql.placeholder('id'), name: sql.placeholder('name') }),
    );
    const count = async () => (await admin`select count(*)::int as n from projects where "accountId" = ${a}`)[0]!.n;
    await admin`delete from projects where id >= 800`;
    const before = await count();
    for (let i = 0; i < 3; i++) await insert.run(a, { id: 800 + i, name: `once ${i}` });
    for (let i = 0; i < 3; i++) {
      await expect(insert.run(a, { id: 810 + i, name: 'once 0' })).rejects.toMatchObject({ cause: { code: '23505' } });
      await insert.run(b, { id: 810 + i, name: `once ${i}` });
    }
    expect(await count()).toBe(before + 3);
    expect(await ask(`select coalesce(current_setting('app.tenant_id', true), '') as id`)).toEqual({ id: '' });
  });

  test('many at once, of several tenants, with failures in between: each has its own setting', async () => {
    const { db, ask } = open();
    const told = db.prepare(account, (tdb: any) =>
      tdb
        .select({
          setting: sql<string>`current_setting('app.tenant_id')`,
          whose: projects.accountId,
          one: sql`1 / ${sql.placeholder('by')}::int`,
        })
        .from(projects)
        .limit(1),
    );
    const tenants = [a, b, c];
    const answers = await Promise.allSettled(
      Array.from({ length: 300 }, (_, i) => told.run(tenants[i % 3]!, { by: i % 7 === 0 ? 0 : 1 })),
    );
    for (const [i, answer] of answers.entries()) {
      if (i % 7 === 0) expect(answer).toMatchObject({ status: 'rejected', reason: { cause: { code: '22012' } } });
      else {
        const rows = (answer as PromiseFulfilledResult<any>).value;
        for (const row of rows) expect(row).toMatchObject({ setting: tenants[i % 3], whose: tenants[i % 3] });
      }
    }
    for (let i = 0; i < 4; i++)
      expect(await ask(`select coalesce(current_setting('app.tenant_id', true), '') as id`)).toEqual({ id: '' });
  });

  test('a server that forgot what was parsed, and a table that changed', async () => {
    const { db, ask } = open();
    const names = db.prepare(account, (tdb: any) => tdb.select().from(projects).limit(1));
    for (let i = 0; i < 6; i++) await names.run(a);
    await Promise.all([ask('deallocate all'), ask('deallocate all')]);
    for (const tenant of [a, b, a, b]) expect(await names.run(tenant)).toMatchObject([{ accountId: tenant }]);
    await admin.unsafe('alter table projects alter column name type varchar(200)');
    for (const tenant of [a, b, a, b]) expect(await names.run(tenant)).toMatchObject([{ accountId: tenant }]);
  });
});
