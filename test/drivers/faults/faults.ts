/** What the tests of faults have in common: a database behind a proxy, and the same program on each kind of handle. */
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as ManagedRuntime from 'effect/ManagedRuntime';
import { drizzle } from 'drizzle-orm/postgres-js';
import { integer, text } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { DbError, TenantDb } from '../../../src/effect/index.js';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from '../../../src/index.js';
import { dropDatabases, freshDatabase } from '../../support/databases.js';
import { proxyTo, type Proxy } from '../../support/proxy.js';
import { asRole, createRole, grants, policiesOf, role } from '../../support/rls.js';

export const account = tenancy('account', integer);
/** `parent` is checked at COMMIT. `seen` is whom row-level security was told of. */
export const notes = tenantTable('notes', {
  account: account.id('account'),
  id: integer().primaryKey(),
  body: text(),
  parent: integer(),
  seen: text(),
});
export const relations = defineTenantRelations({ notes });
export const [one, two] = [account.parse(1), account.parse(2)];
export class Db extends TenantDb.Service<Db>()('test/Db', { tenancy: account, relations }) {}

const ddl = [
  'drop schema public, crm cascade; create schema public',
  createRole,
  `create table notes (account integer not null, id integer not null, body text, parent integer,
    seen text default coalesce(current_setting('app.tenant_id', true), ''), primary key (account, id),
    foreign key (account, parent) references notes deferrable initially deferred)`,
  ...policiesOf('notes', 'account', 'integer', 'account', true),
  ...grants('public'),
  `grant set on parameter deadlock_timeout to ${role}`,
];

/** Numbers that a seed draws: the same each time. */
export function numbers(seed: number) {
  let state = Math.imul(seed, 2_654_435_761) >>> 0 || 1;
  return (below: number) => {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
}

/** A handle of one tenant, whichever way it runs. */
export interface Runs {
  /** Runs one statement, or several in a transaction, and says how it failed. */
  run(tenant: unknown, program: (tdb: any) => any): Promise<{ rows?: any; error?: Failure }>;
  transaction(tenant: unknown, steps: ((tdb: any) => any)[], config?: object): Promise<{ rows?: any; error?: Failure }>;
  close(): Promise<unknown>;
}

/** An error, as far as a program can tell it from others. */
export interface Failure {
  readonly code: string | undefined;
  readonly tag: string | undefined;
  /** For whoever reads why a test failed. */
  readonly message: string;
}

export interface Kind {
  readonly name: string;
  readonly rls: boolean;
  open(options?: {
    max?: number;
    connection?: Record<string, unknown>;
    prepare?: boolean;
    url?: string;
    connect_timeout?: number;
    /** Where postgres.js says that it lost a connection: not on Effects, which have a client of their own. */
    onclose?: () => void;
  }): Promise<Runs>;
}

export function faultyDatabase() {
  const it = {
    url: '',
    /** Past every scope, and past the proxy. */
    admin: undefined as unknown as postgres.Sql,
    proxy: undefined as unknown as Proxy,
    /** Waits until a statement of a handle waits for a lock. */
    async waitsForLock(): Promise<number> {
      for (let i = 0; i < 400; i++) {
        const [row] = await it.admin`select pid from pg_stat_activity where datname = current_database()
            and wait_event_type = 'Lock'`;
        if (row) return row.pid;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      throw new Error('Nothing waits for a lock.');
    },
    /** Kills the connection of the transaction that waits for its next statement, and waits until it is gone. */
    async killIdleTransaction(): Promise<void> {
      const idle = () =>
        it.admin`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and state = 'idle in transaction'`;
      let killed = 0;
      for (let i = 0; i < 4_000; i++) {
        const { length } = await idle();
        killed += length;
        if (killed > 0 && length === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      throw new Error(killed === 0 ? 'No transaction waits for a statement.' : 'The killed connection stays.');
    },
    /** Runs a program while somebody else holds tenant one's first row. */
    async whileLocked<A>(program: () => Promise<A>): Promise<A> {
      return it.admin.begin(async (tx) => {
        await tx`select 1 from notes where account = 1 and id = 1 for update`;
        return program();
      }) as Promise<A>;
    },
    /** Tenant two is itself on whatever connection comes next, and nobody left a row. */
    async isWell(runs: Runs, rls: boolean) {
      const seen = rls ? '2' : '';
      // Of a killed backend, postgres.js tells the next statement again, without having sent it.
      if (!rls) await runs.run(two, (tdb) => tdb.select().from(notes));
      for (let i = 0; i < 3; i++) {
        expect(
          await runs.run(two, (tdb) =>
            tdb
              .insert(notes)
              .values({ id: 90 + i })
              .returning({ seen: notes.seen }),
          ),
        ).toEqual({ rows: [{ seen }] });
      }
      const { rows } = await runs.run(two, (tdb) => tdb.delete(notes).returning({ id: notes.id }));
      expect(rows.map((it: any) => it.id).sort()).toEqual([1, 90, 91, 92]);
      expect(await it.rows()).toEqual(['1/1 first']);
    },
    rows: async () =>
      (await it.admin`select account, id, body from notes order by 1, 2`).map(
        (row) => `${row.account}/${row.id} ${row.body}`,
      ),
  };
  beforeAll(async () => {
    const fresh = await freshDatabase('alone');
    it.admin = postgres(fresh.url, { max: 3, onnotice: () => {} });
    for (const statement of ddl) await it.admin.unsafe(statement);
    it.proxy = await proxyTo(fresh.url);
    it.url = fresh.url;
  });
  beforeEach(async () => {
    it.proxy.judge = undefined;
    it.proxy.cutAnswers = false;
    await it.admin.unsafe(
      `delete from notes; insert into notes (account, id, body, seen) values (1, 1, 'first', ''), (2, 1, 'first', '')`,
    );
  });
  afterAll(async () => {
    await it.admin?.end();
    await it.proxy?.close();
    await dropDatabases();
  });
  return it;
}

/** Plain and Effect handles on postgres.js, with and without row-level security. */
export const kinds = (database: { proxy: Proxy }): Kind[] =>
  [true, false].flatMap((rls) => {
    const urlOf = (url = database.proxy.url) => (rls ? asRole(url) : url);
    return [
      {
        name: rls ? 'promises, with rls' : 'promises',
        rls,
        async open({ url, max = 1, ...options }: any = {}) {
          const client = postgres(urlOf(url), { max, onnotice: () => {}, backoff: 0, ...options } as any);
          const db = withTenancy(drizzle({ client }), { relations, rls });
          return {
            run: (tenant: any, program: (tdb: any) => any) => outcome(async () => program(db.forTenant(tenant))),
            transaction: (tenant: any, steps: any[], config?: any) =>
              outcome(() =>
                db.forTenant(tenant).transaction(async (tx: any) => {
                  let rows;
                  for (const step of steps) rows = await step(tx);
                  return rows;
                }, config),
              ),
            close: () => client.end({ timeout: 1 }),
          };
        },
      },
      {
        name: rls ? 'Effect, with rls' : 'Effect',
        rls,
        async open({ url, max = 1, ...connection }: any = {}) {
          const runtime = ManagedRuntime.make(
            Db.layer({
              url: urlOf(url),
              maxConnections: max,
              connection: { onnotice: () => {}, backoff: 0, ...connection },
              rls,
            }),
          );
          const run = async (effect: Effect.Effect<any, any, any>) =>
            effectOutcome(await runtime.runPromiseExit(effect));
          return {
            run: (tenant: any, program: (tdb: any) => any) =>
              run(Db.forTenant(tenant, Effect.flatMap(Db, program) as any)),
            transaction: (tenant: any, steps: any[], config?: any) =>
              run(
                Db.forTenant(
                  tenant,
                  Effect.flatMap(Db, (db: any) =>
                    db.transaction(
                      (tx: any) =>
                        Effect.gen(function* () {
                          let rows;
                          for (const step of steps) {
                            const result = step(tx);
                            rows = Effect.isEffect(result)
                              ? yield* result as any
                              : yield* Effect.promise(async () => result);
                          }
                          return rows;
                        }),
                      config,
                    ),
                  ) as any,
                ),
              ),
            close: () => runtime.dispose(),
          };
        },
      },
    ];
  });

async function outcome(program: () => Promise<unknown>) {
  try {
    return { rows: await program() };
  } catch (error: any) {
    const cause = error.cause ?? error;
    return { error: { code: cause.code, tag: error._tag, message: String(cause) } };
  }
}

function effectOutcome(exit: Exit.Exit<any, any>) {
  if (Exit.isSuccess(exit)) return { rows: exit.value };
  const [reason] = exit.cause.reasons as any[];
  const error = reason?.error;
  if (!(error instanceof DbError)) throw reason?.defect ?? reason;
  return { error: { code: (error.reason as any).code, tag: error.reason._tag, message: String(error) } };
}
