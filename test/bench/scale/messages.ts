/** What is sent: from the application to its server, and from Citus's coordinator to its workers. */
import { count, eq } from 'drizzle-orm';
import { integer, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { defineTenantRelations, referenceTable, withTenancy } from '../../../src/index.js';
import { account, declare, questions } from '../tenants.js';
import { connect, idOf, Migrations } from './fill.js';
import { countingProxy } from './proxy.js';

export interface Sent {
  readonly what: string;
  readonly roundTrips: number;
  /** Commands of the coordinator; left out on PostgreSQL. */
  readonly commands?: number;
  /** To how many nodes they went. */
  readonly nodes?: number;
}

const countries = referenceTable('countries', { id: integer().primaryKey(), name: text().notNull() });
const { schema, relations: _relations } = declare(false);
const all = { ...schema, countries };
const relations = defineTenantRelations(all, (r) => ({
  projects: { tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }) },
}));
const { projects, tasks } = schema;
const tenant = account.parse(idOf(1));
const project = (n: number) => ({ id: idOf(n), name: 'new', status: 'open', createdAt: new Date(0) });

let next = 1_000_000;
const programs: readonly (readonly [string, (db: any) => Promise<unknown>])[] = [
  ...questions.map(([name, ask]) => [name, async (db: any) => ask(db.forTenant(tenant), schema)] as const),
  ['an insert', (db) => db.forTenant(tenant).insert(projects).values(project(next++))],
  [
    'a transaction: a read and two writes',
    (db) =>
      db.forTenant(tenant).transaction(async (tx: any) => {
        const [first] = await tx.select().from(projects).limit(1);
        await tx.insert(projects).values(project(next++));
        await tx.update(tasks).set({ title: 'changed' }).where(eq(tasks.projectId, first.id));
      }),
  ],
  ['a count over all tenants', (db) => db.acrossTenants({ reason: 'counting' }).select({ n: count() }).from(projects)],
  ['an insert into a reference table', (db) => db.shared.insert(countries).values({ id: next++, name: 'new' })],
];

/** @param shards on Citus, how many each table has */
export async function messages(admin: postgres.Sql, url: string, shards?: number): Promise<Sent[]> {
  await new Migrations(admin, shards === undefined ? false : { shardCount: shards }).to(all);
  await admin.unsafe(`insert into accounts values ('${idOf(1)}', 'account')`);
  await admin.unsafe(`insert into projects values ('${idOf(1)}', '${idOf(2)}', 'project', 'open', now())`);
  const proxy = await countingProxy(url);
  const commands: string[] = [];
  const client = connect(proxy.url, {
    onnotice: ({ message, detail }) => void (message?.startsWith('issuing') && commands.push(detail ?? '')),
  });
  try {
    const db: any = withTenancy(drizzle({ client }), { relations });
    await db.ready;
    if (shards !== undefined) await client`set citus.log_remote_commands = on`;
    const found: Sent[] = [];
    for (const [what, run] of programs) {
      // The first opens connections, the second prepares the statement.
      for (let i = 0; i < 3; i++) await run(db);
      commands.length = proxy.roundTrips = 0;
      await run(db);
      const nodes = new Set(commands.map((it) => /on server (\S+)/.exec(it)?.[1]));
      found.push({
        what,
        roundTrips: proxy.roundTrips,
        ...(shards === undefined ? {} : { commands: commands.length, nodes: nodes.size }),
      });
    }
    return found;
  } finally {
    await client.end();
    await proxy.close();
    await admin.unsafe('drop table tasks, projects, accounts, countries cascade');
  }
}
