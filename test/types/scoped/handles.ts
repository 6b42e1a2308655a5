/** What plain Drizzle has no like of: the handles of drizzle-tenant, on every driver. */
import { PGlite } from '@electric-sql/pglite';
import { count, eq, inArray, sql } from 'drizzle-orm';
import { drizzle as nodePostgres, type NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import { drizzle as pglite } from 'drizzle-orm/pglite';
import { drizzle as postgresJs } from 'drizzle-orm/postgres-js';
import { withReplicas } from 'drizzle-orm/pg-core';
import type { PgAsyncDatabase } from 'drizzle-orm/pg-core/async';
import type { QueryResult } from 'pg';
import pg from 'pg';
import postgres from 'postgres';
import type { Results } from '@electric-sql/pglite';
import {
  defineTenantRelations,
  withTenancy,
  type AcrossTenantsDatabase,
  type SharedDatabase,
  type TenancyDatabase,
  type TenantDatabase,
  type TenantRelations,
  type TenantId,
  type TenantSelect,
  type TenantTransaction,
  type TenantsDatabase,
} from '../../../src/index.js';
import { account } from '../positive/kit.js';
import { Expect, type Equal } from '../positive/expect.js';
import {
  accounts,
  countries,
  labels,
  projects,
  relations,
  tasks,
  type CountryRow,
  type LabelRow,
  type ProjectRow,
  type TaskRow,
} from '../positive/schema.js';
import { documents, workspace } from './workspace.js';

const db = withTenancy(postgresJs({ client: postgres('') }), { relations });
const id = account.parse('x');
const tdb = db.forTenant(id);

// node-postgres, with the driver's own result
{
  const tdb = withTenancy(nodePostgres({ client: new pg.Pool() }), { relations }).forTenant(id);
  const rows = await tdb.select().from(projects);
  Expect<Equal<typeof rows, ProjectRow[]>>;
  const result = await tdb.update(tasks).set({ done: true });
  Expect<Equal<typeof result, QueryResult<never>>>;
  const one = await tdb.query.labels.findFirst();
  Expect<Equal<typeof one, LabelRow | undefined>>;
  const typed: TenantDatabase<'account', {}, NodePgQueryResultHKT> = tdb;
  await typed.delete(labels);
}

// pglite, without relations
{
  const tdb = withTenancy(pglite({ client: new PGlite() })).forTenant(id);
  const rows = await tdb.select().from(projects);
  Expect<Equal<typeof rows, ProjectRow[]>>;
  const result = await tdb.insert(labels).values({ id: 1, name: 'x' });
  Expect<Equal<keyof typeof result, keyof Results<never>>>;
}

// drivers made from a URL
{
  Expect<Equal<ReturnType<typeof fromUrl>, void>>;
  function fromUrl() {
    withTenancy(postgresJs('postgres://')).forTenant(id);
    withTenancy(nodePostgres('postgres://')).forTenant(id);
    withTenancy(pglite()).forTenant(id);
  }
}

// a tenant's database as a parameter, whatever the driver and the relations
{
  const list = (tdb: TenantDatabase<'account'>) => tdb.select().from(projects).where(eq(projects.name, 'x'));
  const rows = await list(tdb);
  Expect<Equal<typeof rows, ProjectRow[]>>;
  await list(withTenancy(nodePostgres({ client: new pg.Pool() })).forTenant(id));
  await tdb.transaction((tx) => list(tx).execute());
}

// with its relations
{
  const list = (tdb: TenantDatabase<'account', typeof relations>) =>
    tdb.query.projects.findMany({ columns: { id: true }, with: { tasks: { columns: { id: true } } } });
  const rows = await list(tdb);
  Expect<Equal<typeof rows, { id: string; tasks: { id: number }[] }[]>>;
  await tdb.transaction((tx) => list(tx).execute());
  await list(withTenancy(nodePostgres({ client: new pg.Pool() }), { relations }).forTenant(id));
  type Config = typeof relations extends TenantRelations<infer Config> ? Config : never;
  const first = (tdb: TenantDatabase<'account', Config>) => tdb.query.projects.findFirst();
  const row = await first(tdb);
  Expect<Equal<typeof row, ProjectRow | undefined>>;
}

// in a class
{
  class Projects {
    constructor(private readonly tdb: TenantDatabase<'account'>) {}
    all() {
      return this.tdb.select().from(projects);
    }
    async add(name: string) {
      return this.tdb.transaction(async (tx) => {
        const [row] = await tx.insert(projects).values({ name }).returning();
        await this.log(tx, row!.id);
        return row!;
      });
    }
    private async log(tx: TenantTransaction<'account'>, projectId: string) {
      await tx.insert(tasks).values({ projectId, title: 'created' });
    }
  }
  const repository = new Projects(tdb);
  const rows = await repository.all();
  Expect<Equal<typeof rows, ProjectRow[]>>;
  const added = await repository.add('x');
  Expect<Equal<typeof added, ProjectRow>>;
}

// several tenants
{
  const many = db.forTenants([id, account.parse('y')]);
  const rows = await many
    .select({ accountId: projects.accountId, n: count() })
    .from(projects)
    .groupBy(projects.accountId);
  Expect<Equal<typeof rows, { accountId: TenantId<'account', string>; n: number }[]>>;
  const added = await many.insert(labels).values({ accountId: id, id: 1, name: 'x' }).returning();
  Expect<Equal<typeof added, LabelRow[]>>;
  await many
    .insert(labels)
    .select(many.select({ accountId: tasks.accountId, id: tasks.id, name: tasks.title }).from(tasks));
  await many
    .update(labels)
    .set({ name: 'y' })
    .where(inArray(labels.accountId, [id]));
  await many.delete(labels);
  await many.transaction(async (tx) => tx.query.projects.findMany());
  const typed: TenantsDatabase<'account'> = many;
  await typed.$count(tasks);
}

// every tenant
{
  const all = db.acrossTenants({ reason: 'report' });
  const rows = await all.select().from(projects).innerJoin(accounts, eq(accounts.id, projects.accountId));
  Expect<Equal<(typeof rows)[number]['projects'], ProjectRow>>;
  const both = await all.select({ id: documents.id }).from(documents).leftJoin(projects, sql`true`);
  Expect<Equal<typeof both, { id: number }[]>>;
  const found = await all.query.projects.findMany({ with: { tasks: true } });
  Expect<Equal<(typeof found)[number]['tasks'], TaskRow[]>>;
  await all.insert(labels).values({ accountId: id, id: 1, name: 'x' });
  await all.insert(labels).values(await all.select().from(labels));
  // An id whose value a function does not know is one all the same.
  const copy = (it: TenantDatabase<'account'>, other: TenantId<'account'>) =>
    all.insert(labels).values([
      { accountId: it.tenantId, id: 1, name: 'x' },
      { accountId: other, id: 2, name: 'x' },
    ]);
  await copy(tdb, account.parse('y'));
  await all.update(documents).set({ title: 'x' });
  const typed: AcrossTenantsDatabase = all;
  await typed.$count(tasks);
}

// reference tables
{
  const rows = await db.shared.select().from(countries);
  Expect<Equal<typeof rows, CountryRow[]>>;
  await db.shared
    .insert(countries)
    .values([{ id: 1, code: 'x', name: 'y' }])
    .onConflictDoNothing();
  await db.shared.update(countries).set({ name: 'y' }).where(eq(countries.id, 1));
  const gone = await db.shared.delete(countries).returning();
  Expect<Equal<typeof gone, CountryRow[]>>;
  const found = await db.shared.query.countries.findFirst({ where: { code: 'DE' } });
  Expect<Equal<typeof found, CountryRow | undefined>>;
  await db.shared.transaction(async (tx) => tx.insert(countries).select((qb) => qb.select().from(countries)));
  const typed: SharedDatabase = db.shared;
  await typed.$count(countries);
}

// prepared once for all tenants
{
  const byName = db.prepare(account, (tdb) =>
    tdb
      .select()
      .from(projects)
      .where(eq(projects.name, sql.placeholder('name'))),
  );
  const rows = await byName.run(id, { name: 'x' });
  Expect<Equal<typeof rows, ProjectRow[]>>;
  const add = db.prepare(account, (tdb) =>
    tdb
      .insert(labels)
      .values({ id: sql.placeholder('id'), name: 'x' })
      .returning({ id: labels.id }),
  );
  const added = await add.run(id, { id: 1 });
  Expect<Equal<typeof added, { id: number }[]>>;
  const first = db.prepare(account, (tdb) => tdb.query.projects.findFirst({ with: { tasks: true } }));
  const found = await first.run(id);
  Expect<Equal<NonNullable<typeof found>['tasks'], TaskRow[]>>;
  const rename = db.prepare(account, (tdb) => tdb.update(labels).set({ name: 'x' }));
  await rename.run(id);
}

// an id from a row
{
  const [row] = await db.acrossTenants({ reason: 'job' }).select({ id: accounts.id }).from(accounts);
  const rows = await db.forTenant(row!.id).select().from(tasks);
  Expect<Equal<typeof rows, TaskRow[]>>;
  const same = await tdb.select().from(accounts).where(eq(accounts.id, id));
  Expect<Equal<(typeof same)[number]['id'], TenantId<'account', string>>>;
}

// another tenancy beside
{
  const wdb = db.forTenant(workspace.parse(1));
  const rows = await wdb.select().from(documents);
  Expect<Equal<typeof rows, { id: number; title: string; space: TenantId<'workspace', number> }[]>>;
  await wdb.insert(documents).values({ id: 1, title: 'x' });
  const typed: TenantDatabase<'workspace'> = wdb;
  await typed.delete(documents);
}

// rows one by one
{
  for await (const row of tdb.select().from(projects).stream()) Expect<Equal<typeof row, ProjectRow>>;
  const names = tdb
    .select({ name: labels.name, n: count() })
    .from(labels)
    .groupBy(labels.name)
    .stream({ chunkSize: 10 });
  Expect<Equal<typeof names, AsyncGenerator<{ name: string; n: number }, void, undefined>>>;
  const joined = tdb.select().from(projects).leftJoin(tasks, eq(tasks.projectId, projects.id)).stream();
  for await (const row of joined) Expect<Equal<typeof row, { projects: ProjectRow; tasks: TaskRow | null }>>;
  for await (const row of db.acrossTenants({ reason: 'x' }).select().from(documents).stream())
    Expect<Equal<(typeof row)['id'], number>>;
  const open = tdb.$with('open').as(tdb.select({ id: tasks.id }).from(tasks));
  for await (const row of tdb.with(open).select().from(open).stream()) Expect<Equal<typeof row, { id: number }>>;
  await tdb.transaction(async (tx) => {
    for await (const row of tx.selectDistinct({ done: tasks.done }).from(tasks).stream())
      Expect<Equal<typeof row, { done: boolean }>>;
  });
}

// the id of a handle
{
  Expect<Equal<typeof tdb.tenantId, TenantId<'account', string>>>;
  await tdb.transaction(async (tx) => Expect<Equal<typeof tx.tenantId, TenantId<'account', string>>>);
  const key: string = tdb.tenantId;
  const number: number = db.forTenant(workspace.parse(1)).tenantId;
  await db.transaction(async (tx) => [tx.forTenant(id).tenantId.toUpperCase(), key, number]);
  const again = (it: TenantDatabase<'account'>) => db.forTenant(it.tenantId);
  Expect<Equal<ReturnType<typeof again>['tenantId'], TenantId<'account'>>>;
}

// what a function knows of a driver
{
  const any = (it: PgAsyncDatabase<any, any>) => withTenancy(it, { relations }).forTenant(id).query.projects.findMany();
  Expect<Equal<Awaited<ReturnType<typeof any>>, ProjectRow[]>>;
  const some = (it: PgAsyncDatabase<NodePgQueryResultHKT>) => withTenancy(it).forTenant(id).delete(labels);
  Expect<Equal<Awaited<ReturnType<typeof some>>, QueryResult<never>>>;
  const generic = <T extends PgAsyncDatabase<any, any>>(it: T) => withTenancy(it);
  await generic(postgresJs.mock()).forTenant(id).delete(labels);
  const either = withTenancy(null! as ReturnType<typeof postgresJs.mock> | ReturnType<typeof nodePostgres.mock>);
  await either.forTenant(id).delete(labels);
  await nodePostgres.mock().transaction(async (tx) => withTenancy(tx).forTenant(id).delete(labels));
}

// replicas
{
  const replicated = withTenancy(withReplicas(postgresJs.mock(), [postgresJs.mock()]), { relations });
  const rows = await replicated.$replica.forTenant(id).query.projects.findMany();
  Expect<Equal<typeof rows, ProjectRow[]>>;
  Expect<Equal<keyof typeof replicated.$replicas, keyof (readonly (typeof replicated.$primary)[])>>;
  const typed: TenancyDatabase<typeof relations> = replicated.$primary;
  await typed.forTenant(id).delete(labels);
}

// a function over handles of any tenancy
{
  const now = <Name extends string>(tdb: TenantDatabase<Name>) =>
    tdb.execute<{ now: Date }>(sql`select now() as now`, 'objects');
  const rows = await now(tdb);
  Expect<Equal<typeof rows, { now: Date }[]>>;
  const choose = (db: TenancyDatabase, value: unknown) => db.forTenant(account.parse(value));
  const chosen: TenantDatabase<'account'> = choose(db, 'x');
  Expect<Equal<typeof chosen.tenantId, TenantId<'account'>>>;
  Expect<Equal<ReturnType<typeof choose>['tenantId'], TenantId<'account', string>>>;
}

// a handle whose type is not known, as a test's fresh database has it, goes where any driver's does
{
  const untyped: any = {};
  const scoped = withTenancy(untyped, { relations });
  const signUp = (db: TenancyDatabase) => db.forTenant(id);
  const signUpOn = (db: TenancyDatabase<typeof relations>) => db.forTenant(id);
  signUp(scoped);
  signUpOn(scoped);
  const run = await scoped.forTenant(id).execute<{ now: Date }>(sql`select now() as now`, 'objects');
  Expect<Equal<typeof run, { now: Date }[]>>;
}

// a helper for selects of any tenancy
{
  const paged = <T extends TenantSelect>(query: T, page: number) => query.limit(10).offset(page * 10);
  const rows = await paged(db.forTenant(workspace.parse(1)).select({ id: documents.id }).from(documents).$dynamic(), 1);
  Expect<Equal<typeof rows, { id: number }[]>>;
  const all = await paged(db.acrossTenants({ reason: 'x' }).select().from(labels).$dynamic(), 1);
  Expect<Equal<typeof all, LabelRow[]>>;
}

// relations of a whole module, without any declared
{
  const relations = defineTenantRelations({ projects, tasks, countries, notATable: 1 });
  const rows = await withTenancy(postgresJs.mock(), { relations }).forTenant(id).query.tasks.findMany();
  Expect<Equal<typeof rows, TaskRow[]>>;
}

// every way to execute
{
  const raw = await tdb.execute(sql`select 1`);
  Expect<Equal<(typeof raw)['length'], number>>;
  const arrays = await tdb.execute<[number]>(sql`select 1`, 'arrays');
  Expect<Equal<typeof arrays, [number][]>>;
}

// what a new row is, with and without a tenant
{
  Expect<Equal<typeof labels.$inferInsert, { id: number; name: string }>>;
  Expect<Equal<typeof countries.$inferInsert, { id: number; code: string; name: string }>>;
  const rows: (typeof labels.$inferInsert)[] = [{ id: 1, name: 'x' }];
  await tdb.insert(labels).values(rows);
}

/** Several handles in one transaction: its handles are the database's own, and so is a function that takes it. */
export async function signUp(database: typeof db, id: TenantId<'account'>) {
  const counted = (some: typeof db) => some.forTenant(id).$count(projects);
  const result = await database.transaction(
    async (tx) => {
      await tx.shared.insert(countries).values({ id: 1, code: 'x', name: 'x' });
      await tx.forTenant(id).insert(projects).values({ name: 'x' });
      const all = await tx.transaction((inner) => inner.acrossTenants({ reason: 'x' }).$count(projects));
      if (all > 5) tx.rollback();
      return [all, await counted(tx)] as const;
    },
    { isolationLevel: 'serializable' },
  );
  Expect<Equal<typeof result, readonly [number, number]>>;
  withTenancy(nodePostgres({ client: new pg.Pool() }), { rls: true, across: { role: 'app_admin' } });
  withTenancy(nodePostgres({ client: new pg.Pool() }), { rls: true, across: pglite({ client: new PGlite() }) });
  return result;
}
