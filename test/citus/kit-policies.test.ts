/**
 * Row-level security on a real Citus: whatever policies a schema declares of its own, an ordinary role sees rows of
 * the tenant that is set, and no others: on the coordinator, on the workers, and on the shards themselves.
 */
import { sql as text } from 'drizzle-orm';
import { bigint, boolean, integer, pgEnum, pgPolicy, pgRole, pgSchema, uuid, type PgPolicy } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  assertRowLevelSecurity,
  defineTenantRelations,
  tenancy,
  tenantSchema,
  tenantTable,
  withTenancy,
} from '../../src/index.js';
import type { TenancyOptions } from '../../src/kit/index.js';
import { applySteps } from '../../src/kit/live/apply.js';
import { readLive } from '../../src/kit/live/read.js';
import { planSteps } from '../../src/kit/live/plan.js';
import { asRole, createRole, role } from '../support/rls.js';
import { History } from '../kit/support.js';

const url = process.env['CITUS_URL'];
const [a, b] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'] as const;
const account = tenancy('account', uuid);

type Own = (t: any) => PgPolicy[];
const schemaOf = (own: Own) => {
  const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
  const notes = tenantTable(
    'notes',
    { accountId: account.id('account_id'), id: integer().notNull().primaryKey(), open: boolean().notNull() },
    own,
  );
  return { accounts, notes };
};

/** What a policy says, and which of a tenant's rows (1 open, 2 closed) it lets through. */
const permissive: Record<string, { own: Own; reads: number[]; inserts: boolean; deletes: number[] }> = {
  'using true': { own: () => [pgPolicy('one', { using: text`true` })], reads: [1, 2], inserts: true, deletes: [1, 2] },
  'using open, with check true': {
    own: (t) => [pgPolicy('two', { using: text`${t.open}`, withCheck: text`true` })],
    reads: [1],
    inserts: true,
    deletes: [1],
  },
  'for select': {
    own: () => [pgPolicy('three', { for: 'select', using: text`true` })],
    reads: [1, 2],
    inserts: false,
    deletes: [],
  },
  'for insert': {
    own: () => [pgPolicy('four', { for: 'insert', withCheck: text`true` })],
    reads: [],
    inserts: true,
    deletes: [],
  },
  'for delete, an "or" in it': {
    own: (t) => [pgPolicy('five', { for: 'delete', using: text`${t.open} or true` })],
    reads: [],
    inserts: false,
    deletes: [],
  },
  'to the role': {
    own: (t) => [pgPolicy('six', { to: role, using: text`not ${t.open}` })],
    reads: [2],
    inserts: false,
    deletes: [2],
  },
  'to another role': {
    own: () => [pgPolicy('seven', { to: 'postgres', using: text`true` })],
    reads: [],
    inserts: false,
    deletes: [],
  },
};
const restrictive: Record<string, (t: any) => PgPolicy> = {
  'for all': (t) => pgPolicy('narrow', { as: 'restrictive', using: text`${t.open}` }),
  'for select, to the role': () =>
    pgPolicy('narrow', { as: 'restrictive', for: 'select', to: role, using: text`true` }),
  'for insert': () => pgPolicy('narrow', { as: 'restrictive', for: 'insert', withCheck: text`true` }),
};
/** One, and two at once: permissive policies add up. */
const combinations = Object.keys(permissive).flatMap((one, i, all) => [
  [one],
  ...all.slice(i + 1).map((other) => [one, other]),
]);

describe.skipIf(!url)('row-level security on Citus', { timeout: 60_000 }, () => {
  let admin: postgres.Sql;
  const clients: postgres.Sql[] = [];
  /** The coordinator and the workers, logged in as the ordinary role. */
  let nodes: postgres.Sql[];
  const connect = (to: string) => {
    const client = postgres(to, { max: 1, onnotice: () => {} });
    clients.push(client);
    return client;
  };
  beforeAll(async () => {
    admin = connect(url!);
    await admin.unsafe(createRole);
    const found = await admin`select nodename, nodeport from pg_dist_node where noderole = 'primary' order by nodeid`;
    nodes = found.map((it) =>
      connect(Object.assign(new URL(asRole(url!)), { hostname: it['nodename'], port: String(it['nodeport']) }).href),
    );
    expect(nodes.length).toBeGreaterThan(1);
  });
  afterAll(() => Promise.all(clients.map((it) => it.end())));
  beforeEach(async () => {
    const tables = await admin`select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`;
    if (tables.length > 0) await admin.unsafe(`drop table ${tables.map((it) => it['name']).join(', ')} cascade`);
  });

  const citus: TenancyOptions = { citus: { shardCount: 4 }, rls: true };
  async function migrate(own: Own, tenancy = citus, change: (statement: string) => string = (it) => it) {
    const history = new History();
    const schema = schemaOf(own);
    const statements = await history.next({ schema, tenancy });
    await admin.begin(async (tx) => {
      for (const statement of statements) await tx.unsafe(change(statement));
    });
    await admin.unsafe(
      `grant usage on schema public to ${role}; grant select, insert, update, delete on accounts, notes to ${role}`,
    );
    return { schema, plan: async () => planSteps(history.state!, history.entities, await readLive(database())) };
  }
  const database = () => ({
    query: (query: string, values: readonly unknown[] = []) => admin.unsafe(query, values as any[]) as any,
    close: async () => {},
  });
  const fill = () =>
    admin.unsafe(
      `insert into accounts values ('${a}'), ('${b}'); insert into notes values ('${a}', 1, true), ` +
        `('${a}', 2, false), ('${b}', 1, true), ('${b}', 2, false)`,
    );

  /** Runs as the role, with a tenant in the setting. */
  const as = (node: postgres.Sql, tenant: string, statement: string) =>
    node.begin(async (tx) => {
      await tx.unsafe(`set local citus.propagate_set_commands = 'local'; set local app.tenant_id = '${tenant}'`);
      return [...(await tx.unsafe(statement))] as Record<string, any>[];
    });
  const seen = async (node: postgres.Sql, tenant: string, table = 'notes') =>
    (await as(node, tenant, `select account_id, id from ${table} order by 1, 2`)).map((it) => [
      it['account_id'],
      it['id'],
    ]);
  /** What the role reads on each worker from the shards themselves, without Citus. */
  const seenOnShards = async (tenant: string) => {
    const found: unknown[] = [];
    for (const node of nodes) {
      const shards = await node.unsafe(
        'select shard_name(s.logicalrelid, s.shardid) as name from pg_dist_shard s ' +
          "join pg_dist_placement p using (shardid) where s.logicalrelid = 'notes'::regclass " +
          'and p.groupid = (select groupid from pg_dist_local_group)',
      );
      for (const { name } of shards) found.push(...(await seen(node, tenant, name)));
    }
    return found.sort();
  };
  const check = (schema: object) =>
    assertRowLevelSecurity(
      withTenancy(drizzle({ client: nodes[0]! }), { relations: defineTenantRelations(schema as any), rls: true }),
    );
  const problems = (schema: object) =>
    check(schema).then(
      () => [],
      (error) => error.problems,
    );

  it('without policies of its own', async () => {
    const { schema, plan } = await migrate(() => []);
    await fill();
    for (const node of nodes) {
      expect(await seen(node, a)).toEqual([
        [a, 1],
        [a, 2],
      ]);
      expect(await seen(node, '')).toEqual([]);
      await expect(as(node, a, `insert into notes values ('${b}', 3, true)`)).rejects.toThrow('row-level security');
    }
    expect(await seenOnShards(a)).toEqual([
      [a, 1],
      [a, 2],
    ]);
    // Shards in a schema that the role may not use are none of its business.
    await admin.unsafe(`drop schema if exists hidden cascade; create schema hidden; create table hidden.t (id int)`);
    await admin.unsafe(`select create_distributed_table('hidden.t', 'id')`);
    expect(await problems(schema)).toEqual([]);
    await admin.unsafe('drop schema hidden cascade');
    expect(await plan()).toEqual([]);
  });

  it.each(combinations.map((it) => [it] as const))('with %j', async (names) => {
    const chosen = names.map((it) => permissive[it]!);
    const { schema, plan } = await migrate((t) => chosen.flatMap((it) => it.own(t)));
    await fill();
    const union = (of: (it: (typeof chosen)[number]) => number[]) => [...new Set(chosen.flatMap(of))].sort();
    const rows = union((it) => it.reads).map((id) => [a, id]);
    for (const [i, node] of nodes.entries()) {
      expect(await seen(node, a)).toEqual(rows);
      expect(await seen(node, '')).toEqual([]);
      await expect(as(node, a, `insert into notes values ('${b}', ${10 + i}, true)`)).rejects.toThrow(
        'row-level security',
      );
      const own = as(node, a, `insert into notes values ('${a}', ${10 + i}, true)`);
      if (chosen.some((it) => it.inserts)) await own;
      else await expect(own).rejects.toThrow('row-level security');
      await admin.unsafe('delete from notes where id >= 10');
      await as(node, a, `update notes set open = open`);
    }
    expect(await seenOnShards(a)).toEqual(rows);
    expect(
      await problems(schema).then((it) => it.filter((found: any) => !/has no policy on/.test(found.reason))),
    ).toEqual([]);
    expect(await plan()).toEqual([]);
    // PostgreSQL reads a row before it deletes it by a condition, so that a policy for DELETE alone deletes by none.
    await as(nodes[1]!, a, 'delete from notes');
    const left = (await admin`select account_id, id from notes order by 1, 2`).map((it) => [
      it['account_id'],
      it['id'],
    ]);
    expect(left.filter(([tenant]) => tenant === b)).toEqual([
      [b, 1],
      [b, 2],
    ]);
  });

  it.each(Object.keys(restrictive))(
    'refuses a restrictive policy %s, and without that rule still shows no other tenant',
    async (name) => {
      for (const names of [[], ...Object.keys(permissive).map((it) => [it])]) {
        const own: Own = (t) => [restrictive[name]!(t), ...names.flatMap((it) => permissive[it]!.own(t))];
        await expect(new History().next({ schema: schemaOf(own), tenancy: citus })).rejects.toMatchObject({
          faults: [{ rule: 'policy-restrictive', table: 'notes' }],
        });
      }
      const { schema } = await migrate(
        (t) => [restrictive[name]!(t), ...permissive['using open, with check true']!.own(t)],
        { ...citus, rules: { 'policy-restrictive': 'off' } },
      );
      await fill();
      for (const node of nodes) expect((await seen(node, a)).filter(([tenant]) => tenant !== a)).toEqual([]);
      expect((await seenOnShards(a)).filter((it: any) => it[0] !== a)).toEqual([]);
      expect(await problems(schema)).toEqual([]);
    },
  );

  it('finds a permissive policy that was added by hand, and closes it', async () => {
    const { schema, plan } = await migrate(() => []);
    await fill();
    await admin.unsafe('create policy "by hand" on notes using (true) with check (true)');
    expect(await seen(nodes[0]!, a)).toHaveLength(4);
    expect(await problems(schema)).toEqual([
      { table: 'notes', reason: 'has another policy that lets rows through', remedy: expect.any(String) },
      {
        table: 'notes',
        reason: 'has another policy that lets rows through, on its shards',
        remedy: expect.stringContaining('drizzle-tenant plan'),
      },
    ]);
    const steps = await plan();
    expect(steps.map((it) => it.what)).toEqual([
      'notes: the policy by hand, which the schema does not have, for rows of the tenant only',
    ]);
    await applySteps(database(), steps, { start() {}, tick() {}, end() {} });
    expect(await plan()).toEqual([]);
    expect(await problems(schema)).toEqual([]);
    for (const node of nodes)
      expect(await seen(node, a)).toEqual([
        [a, 1],
        [a, 2],
      ]);
  });

  it('finds a restrictive policy that was added by hand: restrictive on the coordinator, not on shards', async () => {
    const { schema, plan } = await migrate(() => []);
    await fill();
    await admin.unsafe('create policy narrow on notes as restrictive using (open)');
    expect(await seen(nodes[0]!, a)).toEqual([
      [a, 1],
      [a, 2],
      [b, 1],
    ]);
    expect(await problems(schema)).toEqual([
      {
        table: 'notes',
        reason: 'has another policy that lets rows through, on its shards',
        remedy: expect.any(String),
      },
    ]);
    await expect(plan()).rejects.toThrow('Drop the policy "narrow" of "notes"');
    await admin.unsafe('drop policy narrow on notes');
    expect(await plan()).toEqual([]);
  });

  it('finds shards that were changed by hand, and puts them right', async () => {
    const { schema, plan } = await migrate((t) => permissive['using open, with check true']!.own(t));
    await fill();
    const changes: [string, string][] = [
      ['alter table %s disable row level security', 'has no row-level security, on its shards'],
      ['alter policy two on %s using (true)', 'has no policy on app.tenant_id or app.account_id, on its shards'],
      ['create policy three on %s using (true)', 'has another policy that lets rows through, on its shards'],
      ['drop policy two on %s', 'has no policy on app.tenant_id or app.account_id, on its shards'],
    ];
    for (const [change, reason] of changes) {
      await admin.unsafe(`select run_command_on_shards('notes', $1)`, [change]);
      expect([change, await problems(schema)]).toEqual([
        change,
        [{ table: 'notes', reason, remedy: expect.any(String) }],
      ]);
      await applySteps(database(), await plan(), { start() {}, tick() {}, end() {} });
      expect(await plan()).toEqual([]);
      expect(await problems(schema)).toEqual([]);
      expect(await seenOnShards(a)).toEqual([[a, 1]]);
    }
  });

  it('closes partitions', async () => {
    const { schema, plan } = await migrate(
      () => [],
      citus,
      (it) => (it.startsWith('CREATE TABLE "notes"') ? it.replace(/;\s*$/, ' PARTITION BY RANGE (id);') : it),
    );
    await admin.unsafe(
      'create table notes_1 partition of notes for values from (0) to (2); ' +
        'create table notes_2 partition of notes for values from (2) to (100); grant select ' +
        `on notes_1, notes_2 to ${role}`,
    );
    await fill();
    expect(await seen(nodes[0]!, a)).toEqual([
      [a, 1],
      [a, 2],
    ]);
    expect(await seen(nodes[0]!, a, 'notes_1')).toEqual([
      [a, 1],
      [b, 1],
    ]);
    expect((await problems(schema)).map((it: any) => `${it.table} ${it.reason}`)).toEqual(
      expect.arrayContaining([
        'notes_1 is a partition of "notes" that can be read past its policies',
        'notes_2 is a partition of "notes" that can be read past its policies, on its shards',
      ]),
    );
    const steps = await plan();
    expect(steps.map((it) => it.table)).toEqual(['notes_1', 'notes_2']);
    await applySteps(database(), steps, { start() {}, tick() {}, end() {} });
    expect(await plan()).toEqual([]);
    expect(await problems(schema)).toEqual([]);
    for (const node of nodes) {
      expect(await seen(node, a, 'notes_1')).toEqual([]);
      expect(await seen(node, a)).toEqual([
        [a, 1],
        [a, 2],
      ]);
    }
  });

  it('stays right through moves, other shard counts, renames and other types, with odd names', async () => {
    const mood = pgEnum('mood', ['good', 'bad']);
    const kind = tenancy('kind', () => mood());
    const odd = pgSchema('Odd One');
    const { table } = tenantSchema(odd);
    const other = pgRole('kit other');
    const declare = ({ name = 'My Notes', column = 'Kind', size = integer(), own = 'the one' } = {}) => {
      const kinds = tenantTable('kinds', { id: kind.id().primaryKey() });
      const notes = table(
        name,
        { kind: kind.id(column).references(() => kinds.id), id: integer().primaryKey(), size },
        (t) => [
          pgPolicy(own, { using: text`${t.size} > 0 or ${t.id} = 7` }),
          pgPolicy('for another', { to: [other, 'current_user'], using: text`true`, withCheck: text`true` }),
        ],
      );
      return { mood, odd, kinds, notes };
    };
    await admin.unsafe(
      'drop schema if exists "Odd One" cascade; drop type if exists mood cascade; ' +
        'drop role if exists "kit other"; create role "kit other"',
    );
    const history = new History();
    const step = async (schema: any, hints: any[] = [], tenancy = citus) => {
      const statements = await history.next({ schema, tenancy, hints });
      await admin.begin(async (tx) => {
        for (const statement of statements) await tx.unsafe(statement);
      });
      expect(planSteps(history.state!, history.entities, await readLive(database()))).toEqual([]);
    };
    const rows = async (where: string) => {
      await admin.unsafe(
        `grant usage on schema "Odd One" to ${role}; grant select on all tables in schema public, "Odd One" to ${role}`,
      );
      const found = [];
      for (const node of nodes) found.push((await as(node, 'good', `select * from ${where}`)).length);
      return found;
    };
    const all = nodes.map(() => 1);
    await step(declare());
    await admin.unsafe(
      `insert into kinds values ('good'), ('bad'); insert into "Odd One"."My Notes" ` +
        "values ('good', 1, 1), ('good', 2, 0), ('bad', 3, 1), ('bad', 7, 0)",
    );
    expect(await rows('"Odd One"."My Notes"')).toEqual(all);
    expect(await problems(declare())).toEqual([]);
    // A policy of another name, a column of another type under it, and both with another name for table and column.
    await step(declare({ own: 'two' }), [
      { type: 'rename', kind: 'policy', from: ['Odd One', 'My Notes', 'the one'], to: ['Odd One', 'My Notes', 'two'] },
    ]);
    expect(await rows('"Odd One"."My Notes"')).toEqual(all);
    await step(declare({ own: 'two', size: bigint({ mode: 'number' }) as any }));
    expect(await rows('"Odd One"."My Notes"')).toEqual(all);
    const renamed = { name: 'notes of all', column: 'k', own: 'two', size: bigint({ mode: 'number' }) as any };
    await step(declare(renamed), [
      { type: 'rename', kind: 'table', from: ['Odd One', 'My Notes'], to: ['Odd One', 'notes of all'] },
      {
        type: 'rename',
        kind: 'column',
        from: ['Odd One', 'notes of all', 'Kind'],
        to: ['Odd One', 'notes of all', 'k'],
      },
    ]);
    expect(await rows('"Odd One"."notes of all"')).toEqual(all);
    await step(declare(renamed), [], { citus: { shardCount: 8 }, rls: true });
    expect(await rows('"Odd One"."notes of all"')).toEqual(all);
    const [move] = await admin`select shardid, nodename, nodeport from citus_shards
        where table_name = '"Odd One"."notes of all"'::regclass limit 1`;
    const [target] = await admin`select nodename, nodeport from pg_dist_node where shouldhaveshards and isactive
        and nodeport <> ${move!['nodeport']} order by nodeid desc limit 1`;
    await admin.unsafe(
      `select citus_move_shard_placement(${move!['shardid']}, '${move!['nodename']}', ` +
        `${move!['nodeport']}, '${target!['nodename']}', ${target!['nodeport']}, shard_transfer_mode := ` +
        "'block_writes')",
    );
    expect(await rows('"Odd One"."notes of all"')).toEqual(all);
    expect(await problems(declare(renamed))).toEqual([]);
    expect(planSteps(history.state!, history.entities, await readLive(database()))).toEqual([]);
    await admin.unsafe('drop schema "Odd One" cascade; drop table kinds; drop type mood cascade');
  });

  it.each([
    ['without one of its own', () => []],
    ['with one of its own', (t) => [pgPolicy('own', { using: text`${t.open}` })]],
  ] as [string, Own][])('accepts the setting of the version before until it is retired, %s', async (_, own) => {
    const workspace = tenancy('workspace', uuid);
    const pages = tenantTable('pages', { workspaceId: workspace.id('workspace_id'), id: integer().primaryKey() });
    const history = new History();
    const step = async (schema: any, retiredSettings: string[] = []) => {
      const statements = await history.next({ schema, tenancy: { ...citus, retiredSettings } });
      await admin.begin(async (tx) => {
        for (const statement of statements) await tx.unsafe(statement);
      });
      expect(planSteps(history.state!, history.entities, await readLive(database()))).toEqual([]);
    };
    const withSettings = (node: postgres.Sql, settings: Record<string, string>) =>
      node.begin(async (tx) => {
        await tx.unsafe(`set local citus.propagate_set_commands = 'local'`);
        for (const [name, value] of Object.entries(settings)) await tx.unsafe(`set local app.${name} = '${value}'`);
        return (await tx.unsafe('select account_id from notes where open')).map((it) => it['account_id']);
      });
    await step(schemaOf(own));
    await admin.unsafe(
      `grant usage on schema public to ${role}; grant select, insert, update, delete on accounts, notes to ${role}`,
    );
    await fill();
    await step({ ...schemaOf(own), pages });
    for (const node of nodes) {
      for (const settings of [{ tenant_id: a }, { account_id: a }, { tenant_id: b, account_id: a }] as Record<
        string,
        string
      >[])
        expect(await withSettings(node, settings)).toEqual([a]);
      expect(await withSettings(node, { tenant_id: a, workspace_id: a })).toEqual([]);
      expect(await withSettings(node, {})).toEqual([]);
    }
    await step({ ...schemaOf(own), pages }, ['app.tenant_id']);
    for (const node of nodes)
      expect([await withSettings(node, { account_id: a }), await withSettings(node, { tenant_id: a })]).toEqual([
        [a],
        [],
      ]);
  });
});
