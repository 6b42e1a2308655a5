/** A postgres.js whose private parts are not what the repairs stand on is refused, or says what is not repaired. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { uuid } from 'drizzle-orm/pg-core';
import pg from 'pg';
import postgres from 'postgres';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { refusalOfClient, refusalOfConnection } from '../../src/drivers/postgres-js-parts.js';
import { nodePostgres } from '../../src/drivers/bound-node-postgres.js';
import { begin } from '../../src/drivers/postgres-js.js';
import { lone } from '../../src/drivers/postgres-js-query.js';
import { tenancy, tenantTable, withTenancy } from '../../src/index.js';

const account = tenancy('account', uuid);
tenantTable('projects', { accountId: account.id(), id: uuid().primaryKey() });
const client = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
afterEach(() => vi.restoreAllMocks());

/** A client whose queries are changed before anything else sees them. */
const changed = (change: (query: any, options: any) => void): any =>
  new Proxy(client, {
    get: (target, key) =>
      key === 'unsafe'
        ? (text: string, args?: unknown[], options: any = {}) => {
            const query: any = client.unsafe(text, args as never[], options);
            change(query, query.options);
            return query;
          }
        : Reflect.get(target, key),
  });

/** Connections without a part. */
const without = (part: string) =>
  changed((_, options) => {
    const { onexecute } = options;
    if (onexecute)
      options.onexecute = (connection: any) =>
        onexecute(
          new Proxy(connection, {
            get: (it, key) => (key === part ? undefined : it[key]),
            has: (it, key) => key !== part && key in it,
          }),
        );
  });

test('the installed one has them', async () => {
  expect(refusalOfClient(client)).toBeUndefined();
  const warned = vi.spyOn(console, 'warn');
  expect(await lone(client as any, 'select $1::int as n', [1], { prepare: true })).toMatchObject([{ n: 1 }]);
  expect(warned).not.toHaveBeenCalled();
});

test.each(['handler', 'canceller', 'cancelled'])('a query without %s is refused where the handle is made', (part) => {
  const orm = drizzle({ client: changed((query) => delete query[part]) });
  expect(() => withTenancy(orm)).toThrow(
    new RegExp(`^Install postgres 3.4, .* a query of this version has no ${part},`),
  );
});

test('a connection without one fails the statement and the transaction', async () => {
  await expect(Promise.resolve(lone(without('terminate'), 'select 1'))).rejects.toThrow(
    /connection of this version has no terminate/,
  );
  await expect(begin(without('execute'), async () => {})).rejects.toThrow(/connection of this version has no execute/);
  expect(refusalOfConnection({})?.message).toContain('execute, terminate');
});

test('where values are written in another way, it is said once', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const other = changed((query) => Object.defineProperty(query, 'describeFirst', { value: undefined, writable: true }));
  for (let n = 0; n < 2; n++)
    expect(await lone(other, 'select 2 as n', [], { prepare: true })).toMatchObject([{ n: 2 }]);
  expect(warned.mock.calls).toEqual([
    [expect.stringContaining("a value that cannot be written fails another's query")],
  ]);
  await client.end();
});

test('a node-postgres that sends a query without parameters by itself sends what is set before it, too', async () => {
  // As 8.11 does.
  class Query extends (pg.Query as any) {
    requiresPreparation(this: any) {
      return Boolean(this.name) || (this.values?.length ?? 0) > 0;
    }
  }
  class Client extends pg.Client {
    static Query = Query;
  }
  const old = new Client(inject('databaseUrl'));
  await old.connect();
  await old.query('begin');
  await nodePostgres.set(old, {
    first: `set local app.first = '1'`,
    tenant: [`set local app.second = '2'`, `set local app.third = '3'`],
  });
  const { rows } = await old.query(
    "select current_setting('app.first', true) || current_setting('app.second', true) " +
      "|| current_setting('app.third', true) as set",
  );
  await old.end();
  expect(rows).toEqual([{ set: '123' }]);
});
