/** What `rls: true` does beside a single statement: transactions, what it refuses, what it leaves on a connection. */
import { eq, sql } from 'drizzle-orm';
import { customType, integer, text } from 'drizzle-orm/pg-core';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle as drizzlePGlite } from 'drizzle-orm/pglite';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  defineTenantRelations,
  tenancy,
  tenantTable,
  UnsupportedTenantOperationError,
  withTenancy,
} from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { withoutFilters } from '../support/without-filters.js';
import { asRole, createRole, grants, policiesOf, role } from '../support/rls.js';
import { tenantSetting } from '../../src/rls/names.js';
import { createPglite } from '../support/pglite.js';

/** Two tenancies with integer keys, so that an id may be of either; ids of a third are sent in another form. */
const account = tenancy('account', integer);
const team = tenancy('team', integer);
const coded = customType<{ data: string; driverData: string }>({
  dataType: () => 'text',
  toDriver: (it) => `code:${it}`,
  fromDriver: (it) => it.slice(5),
});
const shop = tenancy('shop', () => coded());
const notes = tenantTable('notes', {
  account: account.id('account'),
  id: integer().primaryKey(),
  body: text(),
  seen: text(),
});
const boards = tenantTable('boards', { team: team.id('team'), id: integer().primaryKey(), body: text(), seen: text() });
const items = tenantTable('items', { shop: shop.id('shop'), id: integer().primaryKey(), seen: text() });
const relations = defineTenantRelations({ notes, boards, items });
const ddl = [
  createRole,
  'create table notes (account integer not null, id integer not null, body text, seen text ' +
    "default current_setting('app.account_id', true), primary key (account, id))",
  'create table boards (team integer not null, id integer not null, body text, seen text ' +
    "default current_setting('app.team_id', true), primary key (team, id))",
  'create table items (shop text not null, id integer not null, seen text ' +
    "default current_setting('app.shop_id', true), primary key (shop, id))",
  `insert into notes (account, id, body, seen) values (1, 1, 'one', ''), (2, 1, 'two', '')`,
  `insert into boards (team, id, body, seen) values (1, 1, 'one', ''), (2, 1, 'two', '')`,
  ...policiesOf('notes', 'account', 'integer', 'account', false),
  ...policiesOf('boards', 'team', 'integer', 'team', false),
  ...policiesOf('items', 'shop', 'text', 'shop', false),
  ...grants('public'),
];

interface Driver {
  readonly name: string;
  open(): Promise<{ drizzle: any; run: (text: string) => Promise<any[]>; close: () => Promise<unknown> }>;
}

let database: { url: string };
let admin: postgres.Sql;
beforeAll(async () => {
  database = await freshDatabase('alone');
  admin = postgres(database.url, { max: 1, onnotice: () => {} });
  await admin.unsafe('drop schema public cascade; create schema public');
  for (const statement of ddl) await admin.unsafe(statement);
});
afterAll(async () => {
  await admin?.end();
  await dropDatabases();
});

const drivers: Driver[] = [
  {
    name: 'postgres.js',
    async open() {
      const client = postgres(asRole(database.url), { max: 1, onnotice: () => {} });
      return { drizzle: drizzle({ client }), run: (it) => client.unsafe(it) as any, close: () => client.end() };
    },
  },
  {
    name: 'node-postgres',
    async open() {
      const client = new pg.Pool({ connectionString: asRole(database.url), max: 1 });
      return {
        drizzle: drizzleNodePostgres({ client }),
        run: async (it) => (await client.query(it)).rows,
        close: () => client.end(),
      };
    },
  },
  {
    name: 'one client of node-postgres',
    async open() {
      const client = new pg.Client({ connectionString: asRole(database.url) });
      await client.connect();
      return {
        drizzle: drizzleNodePostgres({ client }),
        run: async (it) => (await client.query(it)).rows,
        close: () => client.end(),
      };
    },
  },
  {
    name: 'PGlite',
    async open() {
      const client = await createPglite();
      await client.exec([...ddl, `set role ${role}`].join(';\n'));
      return {
        drizzle: drizzlePGlite({ client }),
        run: async (it) => (await client.query<any>(it)).rows,
        close: () => client.close(),
      };
    },
  },
  {
    // Any other driver is bound in Drizzle's own transactions.
    name: 'a driver that is not known',
    async open() {
      const client = postgres(asRole(database.url), { max: 1, onnotice: () => {} });
      const it = drizzle({ client }) as any;
      const entityKind = Object.getOwnPropertySymbols(it.session.constructor).find(
        (symbol) => symbol.description === 'drizzle:entityKind',
      )!;
      const Unknown = class extends it.session.constructor {
        transaction(run: (tx: any) => unknown, config: unknown) {
          return super.transaction((tx: any) => {
            tx.session = Object.assign(Object.create(Unknown.prototype), tx.session);
            return run(tx);
          }, config);
        }
      };
      Object.defineProperty(Unknown, entityKind, { value: 'UnknownSession' });
      Object.setPrototypeOf(it.session, Unknown.prototype);
      return { drizzle: it, run: (text) => client.unsafe(text) as any, close: () => client.end() };
    },
  },
];

describe.each(drivers)('$name', ({ open }) => {
  let side: Awaited<ReturnType<Driver['open']>>;
  let db: any;
  beforeAll(async () => {
    side = await open();
    db = withTenancy(side.drizzle, { relations, rls: true });
  });
  afterAll(() => side?.close());
  /** Nothing of a tenant is on the connection, which is the pool's only one. */
  const isClean = async () => {
    const settings = ['app.tenant_id', 'app.account_id', 'app.team_id'].map(
      (it) => `coalesce(current_setting('${it}', true), '') as "${it}"`,
    );
    expect((await side.run(`select ${settings.join(', ')}, count(*)::int as notes from notes`))[0]).toEqual({
      'app.tenant_id': '',
      'app.account_id': '',
      'app.team_id': '',
      notes: 0,
    });
  };

  test('nothing stays on the connection, after results and after errors', async () => {
    const tdb = db.forTenant(account.parse(1));
    expect(await tdb.select({ body: notes.body }).from(notes)).toEqual([{ body: 'one' }]);
    await isClean();
    await expect(tdb.insert(notes).values({ id: 1 })).rejects.toMatchObject({ cause: { code: '23505' } });
    await isClean();
    await expect(tdb.select({ x: sql`1 / 0` }).from(notes)).rejects.toMatchObject({ cause: { code: '22012' } });
    await isClean();
    await expect(tdb.transaction(async (tx: any) => tx.insert(notes).values({ id: 1 }))).rejects.toMatchObject({
      cause: { code: '23505' },
    });
    await isClean();
    await tdb.transaction(async (tx: any) => tx.select().from(notes));
    await isClean();
  });

  test('the first statement of a transaction does not overtake what binds it', async () => {
    const seen = await db.forTenant(account.parse(1)).transaction((tx: any) => {
      const first = tx.insert(notes).values({ id: 6 }).returning({ seen: notes.seen }).prepare('first').execute();
      return first.then(async (rows: unknown) => (await tx.delete(notes).where(eq(notes.id, 6)), rows));
    });
    expect(seen).toEqual([{ seen: '1' }]);
  });

  test('a savepoint that rolled back leaves the tenant bound', async () => {
    const seen = await db.forTenant(account.parse(1)).transaction(async (tx: any) => {
      await tx
        .transaction(async (inner: any) => {
          await inner.insert(notes).values({ id: 7 });
          inner.rollback();
        })
        .catch(() => {});
      const [row] = await tx.insert(notes).values({ id: 8 }).returning({ seen: notes.seen });
      await tx.delete(notes).where(eq(notes.id, 8));
      return row.seen;
    });
    expect(seen).toBe('1');
  });

  test('an id of either tenancy is bound for that of the table, in a transaction too', async () => {
    // As an application does whose ids come out of rows: nobody parsed them for one tenancy.
    account.parse(1);
    team.parse(1);
    const tdb = db.forTenant(1);
    expect(await tdb.select({ body: notes.body }).from(notes)).toEqual([{ body: 'one' }]);
    expect(await db.forTenant(1).select({ body: boards.body }).from(boards)).toEqual([{ body: 'one' }]);
    const inTransaction = await db.forTenant(1).transaction(async (tx: any) => {
      await tx
        .transaction(async (inner: any) => {
          await inner.insert(boards).values({ id: 7 });
          inner.rollback();
        })
        .catch(() => {});
      return tx.insert(boards).values({ id: 9 }).returning({ seen: boards.seen });
    });
    expect(inTransaction).toEqual([{ seen: '1' }]);
    await db.forTenant(1).delete(boards).where(eq(boards.id, 9));
    await isClean();
  });

  test('an id is bound in the form in which it is sent', async () => {
    const tdb = db.forTenant(shop.parse("it's"));
    expect(await tdb.insert(items).values({ id: 1 }).returning()).toEqual([{ shop: "it's", id: 1, seen: "code:it's" }]);
    expect(await db.prepare(shop, (it: any) => it.delete(items).returning({ id: items.id })).run("it's")).toEqual([
      { id: 1 },
    ]);
  });

  test('tenants at once each see their own', async () => {
    const prepared = db.prepare(account, (tdb: any) => tdb.select({ body: notes.body }).from(notes));
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, i) => {
        const id = account.parse(1 + (i % 2));
        return i % 3 === 0
          ? prepared.run(id)
          : i % 3 === 1
            ? db.forTenant(id).select({ body: notes.body }).from(notes)
            : side.run('select body from notes');
      }),
    );
    expect(all).toEqual(all.map((_, i) => (i % 3 === 2 ? [] : [{ body: i % 2 === 0 ? 'one' : 'two' }])));
    await isClean();
  });

  test('a row of another tenant is refused by the policy where the handle would let it through', async () => {
    const spy = withoutFilters({ tenant: '2' });
    try {
      // A form of statement that nothing before has made a plan of: a plan fills in the tenant by itself.
      await expect(
        db.forTenant(account.parse(1)).insert(notes).values({ id: 5, body: 'theirs', seen: 'theirs' }),
      ).rejects.toMatchObject({ cause: { code: '42501' } });
    } finally {
      spy.mockRestore();
    }
    await isClean();
  });

  test('what reaches several tenants is for a database of its own', () => {
    for (const several of [() => db.forTenants([account.parse(1)]), () => db.acrossTenants({ reason: 'a report' })]) {
      expect(several).toThrow(UnsupportedTenantOperationError);
      expect(several).toThrow(/BYPASSRLS/);
    }
  });
});

describe('postgres.js', () => {
  const connections: postgres.Sql[] = [];
  const connect = (options: postgres.Options<any> = {}) => {
    const client = postgres(asRole(database.url), { max: 1, onnotice: () => {}, ...options });
    connections.push(client);
    return { client, tdb: withTenancy(drizzle({ client }), { relations, rls: true }).forTenant(account.parse(1)) };
  };
  // A connection that was given up keeps postgres.js waiting.
  afterAll(() => Promise.all(connections.map((it) => it.end({ timeout: 1 }))));

  test('a prepared statement whose plan is out of date runs again, bound', async () => {
    const { tdb } = connect();
    const all = () => tdb.execute(sql`select * from ${notes} where id = ${1}`);
    for (let i = 0; i < 4; i++) expect(await all()).toHaveLength(1);
    await admin.unsafe('alter table notes add column added integer default 5');
    try {
      expect(await all()).toMatchObject([{ body: 'one', added: 5 }]);
      expect(await all()).toMatchObject([{ body: 'one', added: 5 }]);
    } finally {
      await admin.unsafe('alter table notes drop column added');
    }
    expect((await all())[0]).not.toHaveProperty('added');
  });

  test('a prepared statement that the server forgot runs again, bound', async () => {
    const { client, tdb } = connect();
    const one = () => tdb.select({ body: notes.body }).from(notes).where(eq(notes.id, 1));
    for (let i = 0; i < 4; i++) await one();
    await client.unsafe('deallocate all');
    expect(await one()).toEqual([{ body: 'one' }]);
    expect(await one()).toEqual([{ body: 'one' }]);
  });

  test('a statement that cannot be written fails alone', async () => {
    const { client, tdb } = connect({ max: 2 });
    const rows = Array.from({ length: 22_000 }, (_, i) => ({ id: i + 100, body: 'x', seen: 'x' }));
    await expect(tdb.insert(notes).values(rows)).rejects.toMatchObject({ cause: { code: 'MAX_PARAMETERS_EXCEEDED' } });
    // What has no text is found out while it is written, behind BEGIN. That connection is given up.
    const unwritable = Object.assign(Object.create(null), { id: 1 });
    const one = (id: any) => tdb.execute(sql`select body from ${notes} where id = ${id}`);
    for (let i = 0; i < 3; i++) await one(1);
    await expect(one(unwritable)).rejects.toThrow();
    for (let i = 0; i < 6; i++) expect(await one(1)).toMatchObject([{ body: 'one' }]);
    expect(await client`select 1 as one`).toEqual([{ one: 1 }]);
  });

  test.each([1, 2])('behind others, as many as max_pipeline allows, on %s', { timeout: 10_000 }, async (max) => {
    const { client, tdb } = connect({ max, max_pipeline: 2 } as any);
    // Alone in a transaction, a statement begins it.
    const plain = () =>
      client.unsafe(`select 'plain' as body, now() = statement_timestamp() as alone, pg_sleep(0.01)`).execute();
    const bound = () => tdb.select({ body: notes.body }).from(notes);
    const inTransaction = () => tdb.transaction((tx) => tx.select({ body: notes.body }).from(notes));
    await Promise.all([plain(), plain()]);
    for (let i = 0; i < 12; i++) {
      const others = Array.from({ length: 1 + (i % 4) }, plain);
      const own = await Promise.all([i % 2 === 0 ? bound() : inTransaction(), bound()]);
      expect(own).toEqual([[{ body: 'one' }], [{ body: 'one' }]]);
      for (const [row] of [...(await Promise.all(others)), await plain()] as any[])
        expect(row).toMatchObject({ body: 'plain', alone: true });
    }
  });

  test('a statement that cannot be written fails alone behind others, too', { timeout: 10_000 }, async () => {
    const { client, tdb } = connect();
    const one = (id: any) => tdb.execute(sql`select body from ${notes} where id = ${id}`);
    for (let i = 0; i < 3; i++) await one(1);
    const numbers = [0, 1, 2].map((n) =>
      client.unsafe(`select ${n} as n, pg_sleep(0.02)`).then(
        ([row]) => row!.n,
        (error) => error.code,
      ),
    );
    const [failing, next] = [
      one(Object.assign(Object.create(null), { id: 1 })).then(
        () => 'done',
        () => 'failed',
      ),
      one(1),
    ];
    expect(await Promise.all(numbers)).toEqual([0, 1, 2]);
    expect(await failing).toBe('failed');
    expect(await next).toMatchObject([{ body: 'one' }]);
    expect(await one(1)).toMatchObject([{ body: 'one' }]);
  });

  test('the statement is the query that was made last, for whoever cancels that', async () => {
    const { client } = connect();
    const texts: string[] = [];
    const { unsafe } = client;
    client.unsafe = ((...args: Parameters<typeof unsafe>) => (texts.push(args[0]), unsafe(...args))) as typeof unsafe;
    const tdb = withTenancy(drizzle({ client }), { relations, rls: true }).forTenant(account.parse(1));
    const sent = async () => {
      texts.length = 0;
      await tdb.select({ body: notes.body }).from(notes);
      return texts.map((it) => it.split(/[ ;]/)[0]);
    };
    expect(await sent()).toEqual(['', 'begin', 'set', 'commit', 'select']);
    // Prepared, it needs no others: the settings go ahead of it in its own transaction.
    expect(await sent()).toEqual(['select']);
  });

  test('a prepared statement says how many rows it changed, and which columns it has', async () => {
    const { tdb } = connect();
    for (let i = 0; i < 4; i++) {
      const changed = await tdb.update(notes).set({ body: 'one' });
      expect(changed).toMatchObject({ count: 1, command: 'UPDATE', columns: [] });
      const read = await tdb.execute(sql`select id, body from ${notes}`);
      expect(read).toMatchObject({ count: 1, columns: [{ name: 'id' }, { name: 'body' }] });
    }
  });

  test.each([{}, { options: '-c citus.version=13.2' }])(
    'each statement runs once, and nothing where its tenant was not set: %j',
    async (connection) => {
      // Citus passes on what is set within BEGIN and COMMIT alone, so that the settings ahead of a statement fail
      // there.
      const { client, tdb } = connect({ connection });
      await admin.unsafe('delete from notes where id >= 500');
      for (let i = 500; i < 506; i++)
        expect(await tdb.insert(notes).values({ id: i }).returning({ seen: notes.seen })).toEqual([{ seen: '1' }]);
      expect(await admin.unsafe('select count(*)::int as n from notes where id >= 500')).toEqual([{ n: 6 }]);
      // Of a statement that failed, nothing stays.
      await expect(tdb.execute(sql`select 1 / (id - id) from ${notes}`)).rejects.toMatchObject({
        cause: { code: '22012' },
      });
      expect(
        await client.unsafe(
          `select coalesce(current_setting('app.tenant_id', true), '') as id, count(*)::int as n from notes`,
        ),
      ).toEqual([{ id: '', n: 0 }]);
      await admin.unsafe('delete from notes where id >= 500');
    },
  );

  test('max_pipeline is kept to', async () => {
    const { tdb } = connect({ max_pipeline: 1 } as any);
    for (let i = 0; i < 4; i++) expect(await tdb.select({ body: notes.body }).from(notes)).toEqual([{ body: 'one' }]);
  });
});

test('write-only mode and row-level security exclude each other', () => {
  expect(() =>
    withTenancy(drizzle({ client: postgres(database.url) }), { relations, mode: 'write-only', rls: true }),
  ).toThrow(/write-only/);
});

test('settings are names that SQL takes as they are, and no tenancy has that of another', () => {
  expect(tenantSetting('account', true)).toBe('app.tenant_id');
  expect(
    ['Account', '2fa', "it's", 'möbel', 'tenant', 'a; drop table x'].map((it) => tenantSetting(it, false)),
  ).toEqual([
    'app.account_id',
    'app._2fa_id',
    'app.it_s_id',
    'app.m_bel_id',
    'app.tenant_tenant_id',
    'app.a__drop_table_x_id',
  ]);
});
