/** `db.transaction`: several handles in one transaction, on each driver, with and without row-level security. */
import { eq, sql } from 'drizzle-orm';
import { integer, text } from 'drizzle-orm/pg-core';
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres';
import { drizzle as pglite } from 'drizzle-orm/pglite';
import { drizzle } from 'drizzle-orm/postgres-js';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  defineTenantRelations,
  referenceTable,
  tenancy,
  tenantTable,
  UnsupportedTenantOperationError,
  withTenancy,
} from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { admin, asRole, createAdmin, createRole, grants, policiesOf, role } from '../support/rls.js';
import { createPglite } from '../support/pglite.js';

const club = tenancy('club', integer);
const crew = tenancy('crew', integer);
const people = referenceTable('people', { id: integer().primaryKey(), email: text().notNull().unique() });
const clubs = tenantTable('clubs', { id: club.id().primaryKey().generatedAlwaysAsIdentity(), name: text().notNull() });
const memos = tenantTable('memos', {
  clubId: club.id('club_id').references(() => clubs.id),
  id: integer().primaryKey(),
  body: text().notNull(),
  seen: text(),
});
const panels = tenantTable('panels', {
  crewId: crew.id('crew_id'),
  id: integer().primaryKey(),
  body: text().notNull(),
  seen: text(),
});
const relations = defineTenantRelations({ people, clubs, memos, panels }, (r) => ({
  clubs: { memos: r.many.memos({ from: r.clubs.id, to: r.memos.clubId }) },
  memos: { club: r.one.clubs({ from: r.memos.clubId, to: r.clubs.id }) },
}));

const seen =
  "coalesce(current_setting('app.club_id', true), '') || '/' || coalesce(current_setting('app.crew_id', " +
  "true), '') || '/' || coalesce(current_setting('app.tenant_id', true), '')";
const ddl = [
  createRole,
  createAdmin,
  'create table people (id integer primary key, email text not null unique)',
  'create table clubs (id integer primary key generated always as identity, name text not null)',
  'create table memos (club_id integer not null references clubs, id integer not null, body text not null, ' +
    `seen text default ${seen}, primary key (club_id, id))`,
  'create table panels (crew_id integer not null, id integer not null, body text not null, seen text ' +
    `default ${seen}, primary key (crew_id, id))`,
  ...policiesOf('clubs', 'id', 'integer', 'club', false),
  ...policiesOf('memos', 'club_id', 'integer', 'club', false),
  ...policiesOf('panels', 'crew_id', 'integer', 'crew', false),
  ...grants('public'),
  `grant usage on schema public to ${admin}; grant all on all tables in schema public ` +
    `to ${admin}; grant all on all sequences in schema public to ${admin}`,
];
const rows = `truncate people, clubs, memos, panels restart identity; insert into clubs (name) values ('one'), ('two');
  insert into memos (club_id, id, body) values (1, 1, 'of one'), (2, 1, 'of two'); insert into panels (crew_id, id,
    body) values (1, 1, 'of crew one')`;
const [one, two] = [club.parse(1), club.parse(2)];
const crewOne = crew.parse(1);

interface Side {
  readonly drizzle: any;
  /** Past every scope. */
  readonly look: (text: string) => Promise<any[]>;
  /** Ends the connections of the application. */
  readonly kill?: () => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

let url: string;
let client: postgres.Sql;
beforeAll(async () => {
  ({ url } = await freshDatabase('alone'));
  client = postgres(url, { max: 1, onnotice: () => {} });
  await client.unsafe('drop schema public cascade; create schema public');
  for (const statement of ddl) await client.unsafe(statement);
});
afterAll(async () => {
  await client?.end();
  await dropDatabases();
});
const look = (text: string) => client.unsafe(text) as unknown as Promise<any[]>;
const kill = () =>
  look(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}' and datname = current_database()`,
  );

/** Savepoints have a client object each, on the connection of their transaction, as with Bun's SQL. */
function withOwnClients(tx: any): any {
  const { transaction } = tx;
  tx.transaction = function (this: any, run: (inner: any) => unknown) {
    return transaction.call(this, (inner: any) => {
      const get = (client: any, name: string) =>
        typeof client[name] === 'function' ? client[name].bind(client) : client[name];
      const client = new Proxy(inner.session.client, { get });
      inner.session = Object.create(inner.session, { client: { value: client } });
      return run(withOwnClients(inner));
    });
  };
  return tx;
}

const drivers: Record<string, (max?: number) => Promise<Side>> = {
  async 'postgres.js'(max = 2) {
    const it = postgres(asRole(url), { max, onnotice: () => {} });
    return { drizzle: drizzle({ client: it }), look, kill, close: () => it.end({ timeout: 1 }) };
  },
  async 'node-postgres'(max = 2) {
    const it = new pg.Pool({ connectionString: asRole(url), max });
    it.on('error', () => {});
    return { drizzle: nodePostgres({ client: it }), look, kill, close: () => it.end() };
  },
  async 'a driver that is not known'(max = 2) {
    const it = new pg.Pool({ connectionString: asRole(url), max });
    it.on('error', () => {});
    const db = nodePostgres({ client: it }) as any;
    const entityKind = Object.getOwnPropertySymbols(db.session.constructor).find(
      (symbol) => symbol.description === 'drizzle:entityKind',
    )!;
    const Unknown = class extends db.session.constructor {
      transaction(run: (tx: any) => unknown, config: unknown) {
        return super.transaction((tx: any) => {
          tx.session = Object.assign(Object.create(Unknown.prototype), tx.session);
          return run(withOwnClients(tx));
        }, config);
      }
    };
    Object.defineProperty(Unknown, entityKind, { value: 'UnknownSession' });
    Object.setPrototypeOf(db.session, Unknown.prototype);
    return { drizzle: db, look, kill, close: () => it.end() };
  },
  async PGlite() {
    const it = await createPglite();
    await it.exec([...ddl, `set role ${role}`].join(';\n'));
    return {
      drizzle: pglite({ client: it }),
      look: async (text) => {
        await it.exec('reset role');
        const answers = await it.exec(text);
        await it.exec(`set role ${role}`);
        return answers.at(-1)!.rows;
      },
      close: () => it.close(),
    };
  },
};
const cases = Object.keys(drivers).flatMap((name) => [true, false].map((rls) => ({ name, rls })));

describe.each(cases)('$name, rls: $rls', ({ name, rls }) => {
  let side: Side;
  let db: ReturnType<typeof withTenancy<any, typeof relations extends infer R ? R : never>> & any;
  beforeAll(async () => {
    side = await drivers[name]!();
    // Without row-level security, everybody's rows are open to the role.
    db = withTenancy(side.drizzle, { relations, rls, across: { role: admin } });
  });
  afterAll(() => side?.close());
  beforeEach(async () => {
    const policies = (it: string) => `alter table ${it} ${rls ? 'enable' : 'disable'} row level security`;
    await side.look(`${rows}; ${['clubs', 'memos', 'panels'].map(policies).join('; ')}`);
  });
  const bodies = async () => (await side.look('select body from memos order by club_id, id')).map((it) => it.body);
  const settings = (own: string) => (rls ? own : '//');

  test('a sign-up: a user and an account, or neither', async () => {
    const signUp = (email: string, fails = false) =>
      db.transaction(async (tx: any) => {
        await tx.shared.insert(people).values({ id: email.length, email });
        const [row] = await tx.acrossTenants({ reason: 'a sign-up' }).insert(clubs).values({ name: email }).returning();
        const own = tx.forTenant(row.id);
        await own.insert(memos).values({ id: 1, body: email });
        if (fails) throw new Error('no');
        return own.query.clubs.findFirst({ with: { memos: true } });
      });
    expect(await signUp('x@y.z')).toMatchObject({
      id: 3,
      name: 'x@y.z',
      memos: [{ body: 'x@y.z', seen: settings('3//3') }],
    });
    await expect(signUp('xx@y.z', true)).rejects.toThrow('no');
    await expect(signUp('x@y.z')).rejects.toThrow();
    expect(await side.look('select email from people')).toEqual([{ email: 'x@y.z' }]);
    expect(await side.look('select name from clubs order by id')).toEqual([
      { name: 'one' },
      { name: 'two' },
      { name: 'x@y.z' },
    ]);
    expect(await bodies()).toEqual(['of one', 'of two', 'x@y.z']);
  });

  test('each statement under its own setting, one after the other and at once', async () => {
    const inserted = (tdb: any, table: any, id: number) =>
      tdb
        .insert(table)
        .values({ id, body: 'x' })
        .returning({ seen: table.seen })
        .then((it: any) => it[0].seen);
    const found = await db.transaction(async (tx: any) => {
      const [a, b, c] = [tx.forTenant(one), tx.forTenant(two), tx.forTenant(crewOne)];
      // An id that both tenancies have: the table tells.
      const either = tx.forTenant(1);
      const first = [
        await inserted(a, memos, 10),
        await inserted(b, memos, 11),
        await inserted(c, panels, 12),
        await inserted(either, panels, 13),
        await inserted(tx.forTenant(1), memos, 14),
      ];
      const atOnce = await Promise.all(
        Array.from({ length: 30 }, (_, i) => [
          inserted(a, memos, 100 + i),
          b.query.memos.findMany({ columns: { clubId: true } }),
          inserted(c, panels, 200 + i),
          tx.shared.$count(people),
        ]).flat(),
      );
      return { first, atOnce };
    });
    expect(found.first).toEqual(['1//1', '2//2', '/1/1', '/1/1', '1//1'].map(settings));
    for (let i = 0; i < found.atOnce.length; i += 4) {
      expect(found.atOnce[i]).toBe(settings('1//1'));
      expect(found.atOnce[i + 1]).toEqual([{ clubId: 2 }, { clubId: 2 }]);
      expect(found.atOnce[i + 2]).toBe(settings('/1/1'));
      expect(found.atOnce[i + 3]).toBe(0);
    }
  });

  test('savepoints: what was rolled back is, and the next statement has its own setting', async () => {
    const seenBy = (tdb: any, id: number) =>
      tdb
        .insert(memos)
        .values({ id, body: `m${id}` })
        .returning({ seen: memos.seen })
        .then((it: any) => it[0].seen);
    const result = await db.transaction(async (tx: any) => {
      const before = await seenBy(tx.forTenant(one), 20);
      await tx
        .transaction(async (inner: any) => {
          await seenBy(inner.forTenant(two), 21);
          await inner
            .forTenant(one)
            .transaction(async (innermost: any) => {
              await innermost.insert(memos).values({ id: 22, body: 'x' });
              innermost.rollback();
            })
            .catch(() => {});
          inner.rollback();
        })
        .catch(() => {});
      const caught = await tx
        .forTenant(two)
        .transaction((inner: any) => inner.insert(memos).values({ id: 1, body: 'taken' }))
        .catch((error: any) => error.cause.code);
      return [before, caught, await seenBy(tx.forTenant(one), 23), await seenBy(tx.forTenant(two), 24)];
    });
    expect(result).toEqual([settings('1//1'), '23505', settings('1//1'), settings('2//2')]);
    expect((await bodies()).sort()).toEqual(['m20', 'm23', 'm24', 'of one', 'of two']);
  });

  test('inner transactions at once take turns, and one may be begun on the outer handle within another', async () => {
    const outcome = await db.transaction(async (tx: any) => {
      const steps = [one, two, one, two].map((id, i) =>
        tx.forTenant(id).transaction(async (inner: any) => {
          await inner.insert(memos).values({ id: 30 + i, body: `s${i}` });
          await tx.transaction((again: any) =>
            again
              .forTenant(id)
              .insert(memos)
              .values({ id: 40 + i, body: `t${i}` }),
          );
          if (i % 2) inner.rollback();
        }),
      );
      return (await Promise.allSettled(steps)).map((it) => it.status);
    });
    expect(outcome).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect((await bodies()).sort()).toEqual(['of one', 'of two', 's0', 's2', 't0', 't2']);
  });

  test('statements beside an inner transaction have their own setting, and so have those in it', async () => {
    const found: string[] = await db.transaction(async (tx: any) => {
      const inserted = async (tdb: any, table: any, from: number) => {
        const all: string[] = [];
        for (let i = 0; i < 8; i++) {
          const [row] = await tdb
            .insert(table)
            .values({ id: from + i, body: 'x' })
            .returning({ seen: table.seen });
          all.push(row.seen);
        }
        return all;
      };
      const [outer, , inner] = await Promise.all([
        inserted(tx.forTenant(one), memos, 300),
        (async () => {
          for (let i = 0; i < 4; i++) await tx.acrossTenants({ reason: 'x' }).$count(memos);
        })(),
        tx.transaction((it: any) =>
          Promise.all([inserted(it.forTenant(two), memos, 400), inserted(it.forTenant(crewOne), panels, 500)]),
        ),
      ]);
      return [...new Set(outer), ...new Set(inner[0]), ...new Set(inner[1])];
    });
    expect(found).toEqual(['1//1', '2//2', '/1/1'].map(settings));
  });

  test("an error that is caught does not bring another tenant's setting along", async () => {
    const outcome = await db
      .transaction(async (tx: any) => {
        const failed = await tx
          .forTenant(one)
          .insert(memos)
          .values({ id: 1, body: 'taken' })
          .catch((error: any) => error.cause.code);
        expect(failed).toBe('23505');
        return tx.forTenant(two).select().from(memos);
      })
      .then(
        () => 'kept',
        (error: any) => error.cause?.code ?? error.code ?? error.message,
      );
    // postgres.js says which one it was, the others that the transaction had ended.
    expect(['25P02', '23505']).toContain(outcome);
    expect(await db.forTenant(two).$count(memos)).toBe(1);
    expect(
      await db.transaction((tx: any) =>
        Promise.all([tx.forTenant(one).$count(memos), tx.forTenant(two).$count(memos)]),
      ),
    ).toEqual([1, 1]);
  });

  test('several tenants and all of them, and back', async () => {
    const counts = await db.transaction(async (tx: any) => {
      const all = tx.acrossTenants({ reason: 'a report' });
      const both = tx.forTenants([one, two]);
      const before = [await all.$count(memos), await tx.forTenant(one).$count(memos), await both.$count(memos)];
      await tx
        .transaction(async (inner: any) => {
          await inner.acrossTenants({ reason: 'x' }).insert(memos).values({ clubId: one, id: 1, body: 'taken' });
        })
        .catch(() => {});
      const [row] = await tx.forTenant(two).insert(memos).values({ id: 50, body: 'x' }).returning({ seen: memos.seen });
      const who = await tx
        .forTenant(one)
        .execute(sql`select current_user::text as "user"`)
        .then(
          (it: any) => (it.rows ?? it)[0].user,
          () => undefined,
        );
      await all.update(memos).set({ body: 'all' });
      expect(
        await Promise.all([
          all.$count(memos),
          tx.forTenant(one).update(memos).set({ body: 'one' }).returning(),
          both.$count(memos),
          tx.forTenant(two).$count(memos),
        ]),
      ).toMatchObject([3, [{ body: 'one' }], 3, 2]);
      return { before, seen: row.seen, who };
    });
    expect(counts.before).toEqual([2, 1, 2]);
    expect(counts.seen).toBe(settings('2//2'));
    expect([role, undefined]).toContain(counts.who);
    expect(await bodies()).toEqual(['one', 'all', 'all']);
    expect(await db.forTenants([one, two]).$count(memos)).toBe(3);
    expect(
      await db.acrossTenants({ reason: 'a report' }).transaction((tx: any) => tx.select({ id: memos.id }).from(memos)),
    ).toHaveLength(3);
  });

  test('a handle, a query and a prepared statement are refused when their transaction has ended', async () => {
    const kept: Record<string, any> = {};
    await db.transaction(async (tx: any) => {
      const tdb = tx.forTenant(one);
      const byId = tx.prepare(club, (it: any) =>
        it
          .select({ body: memos.body })
          .from(memos)
          .where(eq(memos.id, sql.placeholder('id'))),
      );
      expect(await Promise.all([byId.run(one, { id: 1 }), byId.run(two, { id: 1 }), byId.run(one, { id: 1 })])).toEqual(
        [[{ body: 'of one' }], [{ body: 'of two' }], [{ body: 'of one' }]],
      );
      Object.assign(kept, {
        tenant: () => tdb.select().from(memos),
        shared: () => tx.shared.select().from(people),
        later: () => tx.forTenant(two).select().from(memos),
        across: () => tx.acrossTenants({ reason: 'x' }).select().from(memos),
        prepared: () => byId.run(one, { id: 1 }),
        inner: () => tx.transaction(async () => 'begun'),
        innerOfTenant: () => tdb.transaction(async () => 'begun'),
        query: (({ then }: any) => ({ then }))(tdb.select().from(memos)).then ? () => built : undefined,
      });
      const built = tdb.select().from(memos);
    });
    for (const [name, run] of Object.entries(kept)) {
      await expect((async () => run())(), name).rejects.toThrow(/Use the handle inside its transaction/);
    }
  });

  test("an inner transaction that nobody waited for sends nothing on a connection that is another's", async () => {
    let inner!: Promise<unknown>;
    await db.transaction(async (tx: any) => {
      let begun!: () => void;
      const isBegun = new Promise<void>((resolve) => (begun = resolve));
      inner = tx.transaction(async (it: any) => {
        begun();
        await new Promise((resolve) => setTimeout(resolve, 30));
        await it.forTenant(one).insert(memos).values({ id: 60, body: 'late' });
      });
      inner.catch(() => {});
      await isBegun;
    });
    const other = db.transaction(async (tx: any) => {
      await tx.forTenant(two).insert(memos).values({ id: 61, body: 'kept' });
      return tx.transaction(async (it: any) => {
        await it.forTenant(two).insert(memos).values({ id: 62, body: 'kept, too' });
        await inner.catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 30));
      });
    });
    await expect(inner).rejects.toThrow();
    await other;
    expect((await bodies()).sort()).toEqual(['kept', 'kept, too', 'of one', 'of two']);
  });

  test('nothing of it stays on the connection', async () => {
    await db.transaction(async (tx: any) =>
      Promise.all([
        tx.forTenant(one).$count(memos),
        tx.acrossTenants({ reason: 'x' }).$count(memos),
        tx.forTenant(two).$count(memos),
      ]),
    );
    for (let i = 0; i < 4; i++) {
      const { rows: [row] = [undefined] } = await (async () => {
        const answer = await side.drizzle.execute(
          sql.raw(
            `select ${seen} as seen, current_setting('role') as role, current_setting('row_security') as security`,
          ),
        );
        return { rows: answer.rows ?? answer };
      })();
      expect(row).toEqual({ seen: '//', role: name === 'PGlite' ? role : 'none', security: 'on' });
    }
  });

  test('a statement across tenants leaves its role to nobody, at once, failed or not sent at all', async () => {
    const unwritable = Object.assign(Object.create(null), {
      toPostgres: () => {
        throw new Error('no');
      },
    });
    const outcome = await db
      .transaction(async (tx: any) => {
        const all = tx.acrossTenants({ reason: 'x' });
        const own = () =>
          tx
            .forTenant(one)
            .insert(memos)
            .values({ id: 500 + Math.floor(Math.random() * 1e6), body: 'x' })
            .returning({ seen: memos.seen })
            .then((it: any) => it[0].seen);
        const atOnce = await Promise.all(
          Array.from({ length: 10 }, () => [all.$count(people), own(), all.$count(panels)]).flat(),
        );
        const ended = await tx
          .transaction(async (inner: any) => {
            await inner.acrossTenants({ reason: 'x' }).select().from(memos).where(sql`${memos.body} = ${unwritable}`);
          })
          .then(
            () => 'kept',
            () => 'failed',
          );
        await tx
          .transaction((inner: any) => inner.acrossTenants({ reason: 'x' }).execute(sql`select 1 / 0 from ${memos}`))
          .catch(() => {});
        return {
          seen: atOnce.filter((it) => typeof it === 'string'),
          ended,
          last: await own(),
          others: await tx.forTenant(two).$count(memos),
        };
      })
      .catch((error: any) => error);
    // Where the value that cannot be written has cost the connection, there is nothing to leave it to.
    if (outcome instanceof Error) return expect(name).toBe('postgres.js');
    expect(new Set(outcome.seen)).toEqual(new Set([settings('1//1')]));
    expect([outcome.last, outcome.others]).toEqual([settings('1//1'), 1]);
  });

  test('behind an across statement the policies hold again, with the filter taken away', async () => {
    if (!rls) return;
    const counts = await db.transaction(async (tx: any) => {
      // What the driver is given: past the gate, as if it were wrong.
      const original = side.drizzle.session.constructor.prototype.prepareQuery;
      let stripped = 0;
      const strip = (text: string) =>
        text.replace(/ where "memos"."club_id" = \$1$/, () => (stripped++, ' where $1::text is not null'));
      side.drizzle.session.constructor.prototype.prepareQuery = function (query: any, ...rest: unknown[]) {
        return original.call(this, { ...query, sql: strip(query.sql), params: query.params }, ...rest);
      };
      try {
        const count = (tdb: any) =>
          tdb
            .select({ id: memos.clubId })
            .from(memos)
            .then((it: any[]) => it.map(({ id }) => id).join());
        const all = tx.acrossTenants({ reason: 'x' });
        const found = await Promise.all([
          count(tx.forTenant(one)),
          all.$count(memos),
          count(tx.forTenant(two)),
          all.$count(memos),
          count(tx.forTenant(one)),
          count(tx.forTenant(two)),
        ]);
        await all.$count(memos);
        found.push(await count(tx.forTenant(two)));
        expect(stripped).toBe(5);
        return found;
      } finally {
        side.drizzle.session.constructor.prototype.prepareQuery = original;
      }
    });
    expect(counts).toEqual(['1', 2, '2', 2, '1', '2', '2']);
  });

  test.each([
    'commit',
    'rollback',
    'savepoint x',
    'rollback to savepoint x',
    'reset all',
    'discard all',
    `set local role ${admin}`,
    `set role ${admin}`,
    "set local app.tenant_id = '2'",
    `select set_config('role', '${admin}', true)`,
    "select set_config('app.tenant_id', '2', true)",
    'set local row_security = off',
    'select 1; commit',
    'set constraints all deferred',
  ])('no handle of it sends %s', async (text) => {
    for (const of of [
      (tx: any) => tx.forTenant(one),
      (tx: any) => tx.shared,
      (tx: any) => tx.acrossTenants({ reason: 'x' }),
    ]) {
      await expect(db.transaction(async (tx: any) => of(tx).execute(sql.raw(text)))).rejects.toMatchObject({
        _tag: 'RawSqlNotScopedError',
      });
    }
  });

  test("what one tenant's handle built is not run by another's", async () => {
    await db
      .transaction(async (tx: any) => {
        const [a, b] = [tx.forTenant(one), tx.forTenant(two)];
        const ofA = a.select({ body: memos.body }).from(memos);
        for (const mix of [
          () => b.execute(ofA),
          () => b.select().from(ofA.as('x')),
          () => b.with(a.$with('x').as(ofA)).select().from(sql`x`),
          () => b.select({ body: memos.body }).from(memos).union(ofA),
          () => b.insert(memos).select(ofA),
          () => b.session.prepareQuery(ofA.toSQL(), 'objects', false).execute(),
          () => b.session.prepareQuery(a.dialect.sqlToQuery(ofA.getSQL()), 'objects', false).execute(),
          () => tx.shared.execute(ofA),
          () => Object.assign(Object.create(b), { dialect: a.dialect }).select().from(memos),
        ]) {
          await expect((async () => mix())(), String(mix)).rejects.toThrow();
        }
      })
      .catch((error: any) => {
        if (error.name === 'AssertionError') throw error;
      });
  });

  test('an isolation level, and one that is a statement', async () => {
    const level = await db.transaction(
      async (tx: any) => {
        await tx.forTenant(one).select().from(memos);
        return tx.forTenant(one).$count(memos);
      },
      { isolationLevel: 'repeatable read', accessMode: 'read only' },
    );
    expect(level).toBe(1);
    await expect(
      (async () => db.transaction(async () => {}, { isolationLevel: 'serializable; drop table memos' }))(),
    ).rejects.toThrow(UnsupportedTenantOperationError);
  });

  test("within the application's own transaction nothing is begun or committed", async () => {
    await side.drizzle
      .transaction(async (plain: any) => {
        const it: any = withTenancy(plain, { relations, rls });
        await plain.execute(sql`insert into people values (1, 'plain')`);
        expect(
          await Promise.all([
            it.forTenant(one).select({ body: memos.body }).from(memos),
            it.forTenant(two).$count(memos),
            it.shared.$count(people),
          ]),
        ).toEqual([[{ body: 'of one' }], 1, 1]);
        await it
          .forTenant(one)
          .transaction(async (inner: any) => {
            await inner.insert(memos).values({ id: 70, body: 'x' });
            await it.forTenant(two).insert(memos).values({ id: 71, body: 'x' });
            inner.rollback();
          })
          .catch(() => {});
        await it.transaction(async (inner: any) => {
          await inner.forTenant(two).insert(memos).values({ id: 72, body: 'y' });
          await inner.shared.insert(people).values({ id: 2, email: 'inner' });
        });
        expect(await it.forTenant(two).select({ id: memos.id }).from(memos)).toEqual([{ id: 1 }, { id: 72 }]);
        await plain
          .transaction(async (savepoint: any) => {
            await withTenancy(savepoint, { relations, rls }).forTenant(one).insert(memos).values({ id: 73, body: 'z' });
            savepoint.rollback();
          })
          .catch(() => {});
        expect(await it.forTenant(one).$count(memos)).toBe(1);
        if (rls) expect(() => it.acrossTenants({ reason: 'x' })).toThrow(/across: \{ role/);
        plain.rollback();
      })
      .catch((error: any) => {
        if (!/[Rr]ollback/.test(error.message)) throw error;
      });
    expect(await bodies()).toEqual(['of one', 'of two']);
    expect(await side.look('select * from people')).toEqual([]);
  });

  if (name !== 'PGlite') {
    test('a connection that is lost in the middle takes everything along, and the next one is clean', async () => {
      await expect(
        db.transaction(async (tx: any) => {
          await tx.forTenant(one).insert(memos).values({ id: 80, body: 'x' });
          await side.kill!();
          await Promise.all([tx.forTenant(two).insert(memos).values({ id: 81, body: 'x' }), tx.shared.$count(people)]);
        }),
      ).rejects.toThrow();
      expect(
        await db.transaction((tx: any) =>
          Promise.all([tx.forTenant(one).$count(memos), tx.forTenant(two).$count(memos)]),
        ),
      ).toEqual([1, 1]);
    });

    test('many sign-ups at once on two connections', async () => {
      await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          db.transaction(async (tx: any) => {
            await tx.shared.insert(people).values({ id: i, email: `${i}` });
            const [row] = await tx
              .acrossTenants({ reason: 'a sign-up' })
              .insert(clubs)
              .values({ name: `${i}` })
              .returning();
            await tx
              .forTenant(row.id)
              .insert(memos)
              .values({ id: 1, body: `${i}` });
          }),
        ),
      );
      expect(await bodies()).toHaveLength(10);
    });
  }
});

describe('what reaches several tenants under rls', () => {
  test('needs a role in a transaction, and a role or a handle outside of one', async () => {
    const side = await drivers['postgres.js']!();
    const plain = withTenancy(side.drizzle, { relations, rls: true });
    expect(() => plain.acrossTenants({ reason: 'x' })).toThrow(/across/);
    await expect(plain.transaction(async (tx) => void tx.forTenants([one]))).rejects.toThrow(/across: \{ role/);
    const owner = drizzle({ client });
    const withHandle = withTenancy(side.drizzle, { relations, rls: true, across: owner });
    await look(rows);
    expect(await withHandle.acrossTenants({ reason: 'x' }).$count(memos)).toBe(2);
    expect(await withHandle.forTenant(one).$count(memos)).toBe(1);
    await expect(withHandle.transaction(async (tx) => void tx.acrossTenants({ reason: 'x' }))).rejects.toThrow(
      /across: \{ role/,
    );
    // A role that policies hold back sees nothing, and PostgreSQL says so.
    const powerless = withTenancy(side.drizzle, { relations, rls: true, across: { role } });
    await look('alter table memos enable row level security');
    await expect(powerless.acrossTenants({ reason: 'x' }).$count(memos)).rejects.toMatchObject({
      cause: { code: '42501' },
    });
    for (const role of ['none', '', 5, undefined])
      expect(() => withTenancy(side.drizzle, { relations, rls: true, across: { role } as any })).toThrow(/across/);
    await side.close();
  });

  test('a role is a name, whatever it holds', async () => {
    const side = await drivers['postgres.js']!();
    const db = withTenancy(side.drizzle, { relations, rls: true, across: { role: "x'; drop table memos; --" } });
    await expect(db.acrossTenants({ reason: 'x' }).$count(memos)).rejects.toMatchObject({ cause: { code: '22023' } });
    await side.close();
  });
});
