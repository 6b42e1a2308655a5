/** The start-up check: whatever lets a role past the policies is named, with its remedy. */
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TenantDb } from '../../src/effect/index.js';
import {
  assertNoOwnFunctions,
  assertRowLevelSecurity,
  defineTenantRelations,
  RowLevelSecurityError,
  withTenancy,
  type RowLevelSecurityOptions,
} from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { asRole, rlsStatements, role } from '../support/rls.js';
import { a, tenantTables } from '../support/rows.js';
import * as schema from '../support/schema.js';

let url: string;
let admin: postgres.Sql;
const clients: postgres.Sql[] = [];
const connect = (to: string) => {
  const client = postgres(to, { max: 1, onnotice: () => {} });
  clients.push(client);
  return client;
};

beforeAll(async () => {
  ({ url } = await freshDatabase('many'));
  admin = connect(url);
  for (const statement of rlsStatements()) await admin.unsafe(statement);
});
afterAll(async () => {
  await Promise.all(clients.map((it) => it.end()));
  await dropDatabases();
});

async function problemsOf(
  to = asRole(url),
  options?: RowLevelSecurityOptions,
  rls = true,
  relations: any = schema.relations,
) {
  const client = postgres(to, { max: 1, onnotice: () => {} });
  try {
    await assertRowLevelSecurity(withTenancy(drizzle({ client }), { relations, rls }), options);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(RowLevelSecurityError);
    return error as RowLevelSecurityError;
  } finally {
    await client.end();
  }
}

/** The problems while the database is changed by one text, which the other takes back. */
async function problemsWhile(change: string, back: string, options?: RowLevelSecurityOptions) {
  await admin.unsafe(change);
  try {
    return (await problemsOf(undefined, options))?.problems;
  } finally {
    await admin.unsafe(back);
  }
}

test('policies that hold are no problem', async () => {
  expect(await problemsOf()).toBeUndefined();
});

describe('the role', () => {
  test('is a superuser', async () => {
    const error = await problemsOf(url);
    expect(error).toMatchObject({ _tag: 'RowLevelSecurityError', role: 'postgres' });
    expect(error!.problems).toEqual([
      { reason: 'the role "postgres" is a superuser', remedy: expect.stringContaining('log in as a role') },
    ]);
    expect(error!.message).toMatch(/^Make row-level security hold for the role "postgres": /);
  });

  test('may take on the one that across names', async () => {
    const other = `reaching_${process.pid}`;
    const client = postgres(asRole(url), { max: 1, onnotice: () => {} });
    const check = () =>
      assertRowLevelSecurity(
        withTenancy(drizzle({ client }), { relations: schema.relations, rls: true, across: { role: other } }),
      ).then(
        () => [],
        (error: RowLevelSecurityError) => error.problems,
      );
    try {
      expect(await check()).toEqual([
        {
          reason: `there is no role "${other}", which across names`,
          remedy: `CREATE ROLE "${other}" BYPASSRLS; GRANT "${other}" TO "${role}"`,
        },
      ]);
      await admin.unsafe(`create role ${other}`);
      expect(await check()).toEqual([
        {
          reason: `the role "${role}" may not SET ROLE to "${other}", which across names`,
          remedy: `GRANT "${other}" TO "${role}"`,
        },
      ]);
      await admin.unsafe(`grant ${other} to ${role}`);
      expect(await check()).toEqual([
        {
          reason: `the role "${other}", which across names, is held back by policies`,
          remedy: `ALTER ROLE "${other}" BYPASSRLS`,
        },
      ]);
      await admin.unsafe(`alter role ${other} bypassrls`);
      expect(await check()).toEqual([]);
      // A member that inherits, and must not SET ROLE.
      await admin.unsafe(`grant ${other} to ${role} with set false, inherit true`);
      expect(await check()).toMatchObject([{ remedy: `GRANT "${other}" TO "${role}" WITH SET TRUE` }]);
      await admin.unsafe(`grant ${other} to ${role} with set true`);
      expect(await check()).toEqual([]);
    } finally {
      await client.end();
      await admin.unsafe(`drop role if exists ${other}`);
    }
  });

  test('has BYPASSRLS', async () => {
    // A role of its own: other files of tests log in as the usual one.
    const other = `bypassing "${process.pid}"`;
    const quoted = `"bypassing ""${process.pid}"""`;
    await admin.unsafe(`create role ${quoted} login password 'app' bypassrls`);
    try {
      const { problems } = (await problemsOf(Object.assign(new URL(asRole(url)), { username: other }).href))!;
      expect(problems).toEqual([
        { reason: `the role ${quoted} has BYPASSRLS`, remedy: `ALTER ROLE ${quoted} NOBYPASSRLS` },
      ]);
      await admin.unsafe(problems[0]!.remedy);
    } finally {
      await admin.unsafe(`drop role ${quoted}`);
    }
  });
});

describe('a table', () => {
  test('is not granted to the role, or in a schema that it may not use', async () => {
    const [grants, usage] = ['select, insert, update, delete on crm.notes', 'usage on schema crm'];
    expect(await problemsWhile(`revoke all on crm.notes from ${role}`, `grant ${grants} to ${role}`)).toEqual([
      {
        table: 'crm.notes',
        reason: `is not granted to the role "${role}"`,
        remedy: `GRANT SELECT, INSERT, UPDATE, DELETE ON "crm"."notes" TO "${role}"`,
      },
    ]);
    const problems = await problemsWhile(`revoke ${usage} from ${role}`, `grant ${usage} to ${role}`);
    expect(problems!.find((it) => it.table === 'crm.notes')).toEqual({
      table: 'crm.notes',
      reason: `is in a schema that the role "${role}" may not use`,
      remedy: `GRANT USAGE ON SCHEMA "crm" TO "${role}"`,
    });
  });

  test('belongs to the role, without FORCE', async () => {
    // What was granted to an owner goes over to the next one.
    const granted = `grant select, insert, update, delete on crm.notes to ${role}`;
    const back = `alter table crm.notes owner to postgres; alter table crm.notes force row level security; ${granted}`;
    expect(await problemsWhile(`alter table crm.notes owner to ${role}`, back)).toBeUndefined();
    expect(
      await problemsWhile(
        `alter table crm.notes owner to ${role}; alter table crm.notes no force row level security`,
        back,
      ),
    ).toEqual([
      {
        table: 'crm.notes',
        reason: expect.stringContaining(`belongs to the role "${role}"`),
        remedy: 'ALTER TABLE "crm"."notes" FORCE ROW LEVEL SECURITY',
      },
    ]);
  });

  test('has no row-level security', async () => {
    expect(
      await problemsWhile(
        'alter table tasks disable row level security',
        'alter table tasks enable row level security',
      ),
    ).toEqual([{ table: 'tasks', reason: 'has no row-level security', remedy: expect.stringContaining('rls: true') }]);
  });

  test('has a policy on another setting, another column, or for what is read alone', async () => {
    const back = `drop policy other on tasks; alter policy tenant_isolation on tasks to public`;
    const others = [
      `create policy other on tasks using ("accountId" = nullif(current_setting('app.other_id', true), '')::uuid)`,
      `create policy other on tasks using (nullif(current_setting('app.account_id', true), '') is not null)`,
      "create policy other on tasks using (current_setting('accountId', true) " +
        "= current_setting('app.account_id', true))",
      `create policy other on tasks using ("accountId" = nullif(current_setting('app.account_id', true), ` +
        "'')::uuid) with check (true)",
      // The words are there, and do not hold.
      ...[
        `"accountId" = nullif(current_setting('app.account_id', true), '')::uuid or true`,
        `("accountId" = nullif(current_setting('app.account_id', true), '')::uuid and done) is not null`,
        `not ("accountId" = nullif(current_setting('app.account_id', true), '')::uuid)`,
        `case when "accountId" = nullif(current_setting('app.account_id', true), '')::uuid and done then ` +
          'true else true end',
        `"accountId"::varchar(1) = current_setting('app.account_id', true)`,
        `"accountId" <> nullif(current_setting('app.account_id', true), '')::uuid and done`,
      ].map((it) => `create policy other on tasks using (${it})`),
    ];
    for (const other of others) {
      // Ours is for somebody else.
      expect(await problemsWhile(`${other}; alter policy tenant_isolation on tasks to postgres`, back)).toEqual([
        {
          table: 'tasks',
          reason: 'has no policy on app.tenant_id or app.account_id',
          remedy: expect.stringContaining('rls: true'),
        },
      ]);
    }
  });

  test('has policies of the schema that hold the tenant condition beside what they say', async () => {
    const own = `"accountId" = nullif(current_setting('app.account_id', true), '')::uuid`;
    const back = `drop policy other on tasks; alter policy tenant_isolation on tasks to public`;
    for (const other of [
      `create policy other on tasks using ((${own}) and (done or title <> '')) with check ((${own}) and (done))`,
      `create policy other on tasks using (done and (title <> '' and ${own}))`,
      // A role that reads only: what no policy is for is refused.
      `create policy other on tasks for select using (${own})`,
    ]) {
      expect(await problemsWhile(`${other}; alter policy tenant_isolation on tasks to postgres`, back)).toBeUndefined();
    }
    // A restrictive policy of one command holds for that command only.
    const open = [{ table: 'tasks', reason: 'has another policy that lets rows through', remedy: expect.any(String) }];
    expect(
      await problemsWhile(
        `create policy other on tasks as restrictive for select using (${own}); create policy more ` +
          'on tasks using (true)',
        'drop policy other on tasks; drop policy more on tasks',
      ),
    ).toEqual(open);
    expect(
      await problemsWhile(
        `create policy other on tasks as restrictive using (${own}); create policy more on tasks using (true)`,
        'drop policy other on tasks; drop policy more on tasks',
      ),
    ).toBeUndefined();
  });

  test('has a partition that can be read past it', async () => {
    const made =
      'create table tasks_old () inherits (tasks); create schema archive; ' +
      'create table archive."tasks ""older""" () inherits (tasks_old)';
    const back = 'drop schema archive cascade; drop table tasks_old';
    const grant =
      `grant select on tasks_old to ${role}; grant usage on schema archive to ${role}; grant delete ` +
      `on archive."tasks ""older""" to ${role}`;
    const reason = 'is a partition of "tasks" that can be read past its policies';
    const remedy = (name: string) =>
      `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY; ALTER TABLE ${name} FORCE ROW LEVEL SECURITY`;
    const found = await problemsWhile(`${made}; ${grant}`, back);
    expect([...found!].sort((x, y) => (x.table! < y.table! ? -1 : 1))).toEqual([
      { table: 'archive.tasks "older"', reason, remedy: remedy('"archive"."tasks ""older"""') },
      { table: 'tasks_old', reason, remedy: remedy('"tasks_old"') },
    ]);
    expect(await problemsWhile(made, back)).toBeUndefined();
    // The remedy works: rows are there by way of the parent only.
    const closed = [`${made}; ${grant}`, remedy('tasks_old'), remedy('archive."tasks ""older"""')].join('; ');
    expect(await problemsWhile(closed, back)).toBeUndefined();
    expect(await problemsWhile(`${closed}; create policy "p ""q""" on tasks_old using (true)`, back)).toEqual([
      {
        table: 'tasks_old',
        reason: 'is a partition of "tasks" whose policy "p "q"" lets rows through',
        remedy: 'DROP POLICY "p ""q""" ON "tasks_old"',
      },
    ]);
  });

  test('has another policy, which lets rows through', async () => {
    expect(
      await problemsWhile('create policy open on tasks for select using (true)', 'drop policy open on tasks'),
    ).toEqual([
      {
        table: 'tasks',
        reason: 'has another policy that lets rows through',
        remedy: expect.stringContaining('RESTRICTIVE'),
      },
    ]);
    expect(
      await problemsWhile('create policy narrow on tasks as restrictive using (done)', 'drop policy narrow on tasks'),
    ).toBeUndefined();
    expect(
      await problemsWhile('create policy others on tasks to postgres using (true)', 'drop policy others on tasks'),
    ).toBeUndefined();
  });

  test('is not there', async () => {
    expect(await problemsWhile('alter table x_labels rename to gone', 'alter table gone rename to x_labels')).toEqual([
      { table: 'x_labels', reason: 'is not there', remedy: expect.stringContaining('migrations') },
    ]);
  });

  test('is one of several', async () => {
    const problems = await problemsWhile(
      tenantTables.map(([table]) => `alter table ${table} disable row level security`).join('; '),
      tenantTables.map(([table]) => `alter table ${table} enable row level security`).join('; '),
      { except: ['boards', 'workspaces'] },
    );
    expect(problems!.map((it) => it.table).sort()).toEqual(
      tenantTables
        .map(([table]) => table)
        .filter((it) => it !== 'boards' && it !== 'workspaces')
        .sort(),
    );
  });
});

describe('a view', () => {
  test('reads as an owner whom policies do not hold back', async () => {
    const problem = {
      table: 'open_tasks',
      reason: 'is a view that reads as its owner "postgres", whom policies do not hold back',
      remedy:
        'ALTER VIEW "open_tasks" SET (security_invoker = true), in the schema pgView(...).with({ ' +
        'securityInvoker: true })',
    };
    const back = 'alter view open_tasks set (security_invoker = true)';
    expect(await problemsWhile('alter view open_tasks reset (security_invoker)', back)).toEqual([problem]);
    // And so it does: the policies are the owner's.
    await admin.unsafe(`alter view open_tasks reset (security_invoker)`);
    const client = connect(asRole(url));
    expect(await client`select 1 from open_tasks limit 1`).toHaveLength(1);
    await admin.unsafe(`alter view open_tasks owner to ${role}`);
    expect(await client`select 1 from open_tasks limit 1`).toHaveLength(0);
    expect(await problemsOf()).toBeUndefined();
    await admin.unsafe(`alter view open_tasks owner to postgres; ${back}; grant select on open_tasks to ${role}`);
  });

  test('that no handle reads, over a table or over another view', async () => {
    const made =
      'create view leak as select * from tasks; create schema reports; create view reports."a leak" as ' +
      'select * from leak';
    const back = 'drop schema reports cascade; drop view leak';
    const reason = 'is a view that reads as its owner "postgres", whom policies do not hold back';
    const problems = [
      {
        table: 'leak',
        reason,
        remedy:
          'ALTER VIEW "leak" SET (security_invoker = true), in the schema pgView(...).with({ securityInvoker: true })',
      },
      {
        table: 'reports.a leak',
        reason,
        remedy:
          'ALTER VIEW "reports"."a leak" SET (security_invoker = true), in the schema pgView(...).with({ ' +
          'securityInvoker: true })',
      },
    ];
    const grant = `grant select on leak to ${role}; grant select (id) on reports."a leak" to ${role}`;
    const found = await problemsWhile(`${made}; ${grant}`, back);
    expect(found && [...found].sort((x, y) => (x.table! < y.table! ? -1 : 1))).toEqual(problems);
    expect(await problemsWhile(`${made}; ${grant}`, back, { except: ['leak', 'reports.a leak'] })).toBeUndefined();
    expect(await problemsWhile(`${made}; ${grant}; alter view leak set (security_invoker = true)`, back)).toEqual([
      problems[1],
    ]);
    expect(
      await problemsWhile(`${made}; revoke all on leak, reports."a leak" from public, ${role}`, back),
    ).toBeUndefined();
  });

  test('that the role reads by way of another one', async () => {
    const [safe, keeper] = [`safe_${process.pid}`, `keeper_${process.pid}`];
    await admin.unsafe(`create role ${safe}; create role ${keeper}; grant usage on schema public to ${safe}`);
    const client = connect(asRole(url));
    /** What the role reads without a tenant, and what the check says. */
    const both = async (change: string, back: string, options?: RowLevelSecurityOptions) => {
      await admin.unsafe(change);
      const read = (await client`select 1 from shown limit 1`).length;
      return { read, problems: await problemsWhile('select 1', back, options) };
    };
    const shown = (of: string) =>
      `create view shown as select * from ${of}; alter view shown owner to ${safe}; grant select on shown to ${role}`;
    const reason = 'is a view that reads as its owner "postgres", whom policies do not hold back';
    try {
      const under = `create view under as select * from tasks; grant select on under to ${safe}; ${shown('under')}`;
      expect(await both(under, 'drop view shown, under')).toMatchObject({
        read: 1,
        problems: [{ table: 'under', reason }],
      });
      const kept =
        'create materialized view kept as select * from tasks; ' + `grant select on kept to ${safe}; ${shown('kept')}`;
      const problem = { table: 'kept', reason: 'is a materialized view, which has no policies' };
      expect(await both(kept, 'drop view shown; drop materialized view kept')).toMatchObject({
        read: 1,
        problems: [problem],
      });
      const dropped = 'drop view shown; drop materialized view kept';
      expect(await both(kept, dropped, { except: ['kept'] })).toEqual({ read: 1, problems: undefined });
      // A member of the role that owns the table is an owner, too.
      const owned =
        `alter table tasks owner to ${keeper}; alter table tasks no force row level security; grant ` +
        `${keeper} to ${safe}; ${shown('tasks')}`;
      const back =
        `drop view shown; revoke ${keeper} from ${safe}; alter table tasks owner to postgres; ` +
        'alter table tasks force row level security';
      expect(await both(owned, back)).toMatchObject({
        read: 1,
        problems: [{ table: 'shown', reason: reason.replace('postgres', safe) }],
      });
    } finally {
      await admin.unsafe(`drop owned by ${safe}, ${keeper}; drop role ${safe}, ${keeper}`);
    }
  });

  test('is materialized', async () => {
    const relations = defineTenantRelations({ projectSizes: schema.projectSizes as any });
    expect((await problemsOf(undefined, undefined, true, relations))!.problems).toEqual([
      {
        table: 'project_sizes',
        reason: 'is a materialized view, which has no policies',
        remedy: expect.stringContaining('except'),
      },
    ]);
    expect(await problemsOf(undefined, { except: ['project_sizes'] }, true, relations)).toBeUndefined();
  });
});

test('the handles do not bind their tenant', async () => {
  expect((await problemsOf(undefined, undefined, false))!.problems).toEqual([
    { reason: 'the handles do not tell the policies their tenant', remedy: expect.stringContaining('rls: true') },
  ]);
});

describe('an Effect layer', () => {
  class Db extends TenantDb.Service<Db>()('test/Db', { tenancy: schema.account, relations: schema.relations }) {}
  const count = Effect.flatMap(Db, (db) => db.$count(schema.projects));

  test('is built where the policies hold', async () => {
    expect(
      await Effect.runPromise(Db.forTenant(a, count).pipe(Effect.provide(Db.layer({ url: asRole(url), rls: true })))),
    ).toBe(3);
    const client = connect(asRole(url));
    expect(
      await Effect.runPromise(
        Db.forTenant(a, count).pipe(Effect.provide(Db.layerFrom(drizzle({ client }), { rls: true }))),
      ),
    ).toBe(3);
  });

  test('fails with a reason of its own where they do not', async () => {
    const failed = await Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(Db.layer({ url, rls: true })))));
    expect(failed.reason).toMatchObject({ _tag: 'RowLevelSecurityError', role: 'postgres' });
  });

  test('takes exceptions', async () => {
    await admin.unsafe('alter table tasks disable row level security');
    try {
      const build = (rls: TenantDb.LayerOptions['rls']) =>
        Effect.runPromise(Effect.exit(Effect.scoped(Layer.build(Db.layer({ url: asRole(url), rls })))));
      expect((await build(true))._tag).toBe('Failure');
      expect((await build({ except: ['tasks'] }))._tag).toBe('Success');
    } finally {
      await admin.unsafe('alter table tasks enable row level security');
    }
  });
});

test('a server that cannot be asked: the error is of the driver, without the question', async () => {
  const client = postgres('postgres://127.0.0.1:1/none', { max: 1 });
  const db = withTenancy(drizzle({ client }), { relations: schema.relations, rls: true });
  for (const check of [assertRowLevelSecurity, assertNoOwnFunctions])
    await expect(check(db)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.not.stringContaining('select'),
    });
});
