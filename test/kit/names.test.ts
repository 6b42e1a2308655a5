/** Names that look like SQL end nothing of what is written around them. */
import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { expect, it } from 'vitest';
import { comment, doBlock, dollar, namesIn, tsColumn, tsString } from '../../src/kit/quotes.js';
import { tenancy, tenantTable } from '../../src/schema/index.js';
import { createDatabase, onServer } from './database.js';
import { History } from './support.js';

const account = tenancy('account', uuid);
const evil = `x '\\%$tenant$$citus$$lock$\nDROP TABLE witness;--`;
const role = `kit_names_${process.pid} $roles$ \\%`;
const accounts = tenantTable('accounts', { id: account.id().primaryKey().defaultRandom() });

it.each([false, true])(
  'a table whose name holds tags, line breaks and SQL, with Citus: %s',
  {
    timeout: 60_000,
  },
  async (isCitus) => {
    const database = await createDatabase();
    const sql = postgres(database.url(), { max: 1, onnotice: () => {} });
    const options = {
      citus: isCitus && { shardCount: 4 },
      rls: true,
      uniquePerTenant: [`${evil}(id)`],
      roles: { application: role },
    };
    const history = new History();
    const run = async (statements: readonly string[]) => {
      for (const it of statements) await sql.unsafe(it);
    };
    try {
      await run(['create table witness ()']);
      const columns = { id: integer().primaryKey(), name: text() };
      await run(await history.next({ schema: { accounts, evil: pgTable(evil, columns) }, tenancy: options }));
      await sql`insert into ${sql(evil)} values (1, 'one')`;
      const moved = tenantTable(evil, { accountId: account.id(), ...columns });
      const statements = await history.next({ schema: { accounts, evil: moved }, tenancy: options });
      await expect(run(statements)).rejects.toThrow('Fill in the tenant of every row of x ');
      await sql.unsafe(
        `with a as (insert into accounts default values returning id) update "${evil}" set "accountId" = a.id from a`,
      );
      await run(statements.slice(statements.findIndex((it) => it.includes('Stops when rows of'))));
      expect(await sql`select relforcerowsecurity as forced from pg_class where relname = ${evil}`).toEqual([
        { forced: true },
      ]);
      expect(await sql`select to_regclass('witness') is not null as there`).toEqual([{ there: true }]);
    } finally {
      await sql.end();
      await database.drop();
      await onServer(`DROP ROLE IF EXISTS "${role}"`);
    }
  },
);

it('a tag that the text has is numbered, and a comment has one line', () => {
  expect(dollar('a', 'x $a$ y $a2$')).toBe('$a3$x $a$ y $a2$$a3$');
  expect(doBlock('a', ['BEGIN', 'END'])).toBe('DO $a$\nBEGIN\nEND\n$a$;');
  expect(comment('a\r\nb')).toBe('-- a b');
  expect(namesIn('("a""b", c, "d")')).toEqual(['a"b', 'd']);
  expect(['a_1', 'a b', `it's`].map(tsColumn)).toEqual(['t.a_1', `t['a b']`, `t['it\\'s']`]);
  expect(tsString('a\\b')).toBe(`'a\\\\b'`);
});
