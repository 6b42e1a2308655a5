/** Types that read like values: ids, the tenant column, rows in and out, and helpers over any table and any handle. */
import { eq, sql, type SQL } from 'drizzle-orm';
import {
  customType,
  index,
  jsonb,
  pgTable,
  pgView,
  text,
  timestamp,
  uuid,
  type AnyPgColumnBuilder,
  type PgColumn,
} from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/node-postgres';
import {
  alias,
  defineTenantRelations,
  tenancy,
  tenantTable,
  unscoped,
  withTenancy,
  type AcrossTenantsDatabase,
  type AnyTenantTable,
  type InferInsertModel,
  type InferSelectModel,
  type TenantDatabase,
  type TenantId,
  type TenantsDatabase,
} from '../../../src/index.js';
import { Expect, type Equal } from '../positive/expect.js';
import { workspace } from './workspace.js';

const account = tenancy('account', uuid);
const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text().notNull() });
const opaque = customType<{ data: any; driverData: any }>({ dataType: () => 'text' });
const notes = tenantTable('notes', {
  accountId: account.id(),
  id: uuid().primaryKey().defaultRandom(),
  body: text().notNull(),
  anything: jsonb().$type<any>(),
  other: opaque(),
  sharedWith: account.ref('shared_with'),
  space: workspace.ref().notNull(),
  at: timestamp().notNull().defaultNow(),
});
const logs = pgTable('logs', { who: text().notNull() });
const relations = defineTenantRelations({ accounts, notes }, (r) => ({
  notes: { account: r.one.accounts({ from: r.notes.accountId, to: r.accounts.id, optional: false }) },
}));
const db = withTenancy(drizzle.mock(), { relations });
const id = account.parse('x');
const space = workspace.parse(1);
const tdb = db.forTenant(id);

// an id reads as its value
{
  Expect<Equal<typeof id, TenantId<'account', string>>>;
  Expect<Equal<typeof account.$id, TenantId<'account', string>>>;
  Expect<Equal<typeof space, TenantId<'workspace', number>>>;
  const text: string = id;
  const any: TenantId<'account'> = id;
  const sum: number = space + 1;
  const seen = new Map<string, number>([[id, 1]]);
  const body = JSON.stringify({ account: id.toUpperCase(), size: seen.get(id) });
  db.forTenant(any);
  void [text, sum, body, id === 'x', `${id}`];
  eq(logs.who, id);
  eq(notes.accountId, logs.who);
}

// an id from outside, without throwing
{
  const parsed = account.safeParse('x');
  Expect<Equal<typeof parsed.data, TenantId<'account', string> | undefined>>;
  if (parsed.success) await db.forTenant(parsed.data).select().from(notes);
  else void parsed.error.reason;
  const other = workspace.safeParse(1);
  const number: number = other.success ? other.data : 0;
  void number;
}

// a column that holds an id, and is not the tenant column
{
  const rows = await tdb
    .select({ a: notes.accountId, b: notes.sharedWith, c: notes.space })
    .from(notes)
    .where(eq(notes.space, space));
  Expect<
    Equal<
      typeof rows,
      { a: TenantId<'account', string>; b: TenantId<'account', string> | null; c: TenantId<'workspace', number> }[]
    >
  >;
  await tdb.insert(notes).values({ body: 'x', space, sharedWith: id });
  await tdb.update(notes).set({ sharedWith: null, space });
  const other = alias(notes, 'other');
  await tdb.select().from(notes).innerJoin(other, eq(other.sharedWith, notes.accountId));
}

// a column of any type is no tenant column
{
  await tdb.insert(notes).values({ body: 'x', space, anything: { any: 'thing' }, other: 1 });
  await tdb.update(notes).set({ anything: [1], other: 2 });
  const row: typeof notes.$inferInsert = { body: 'x', space, anything: 1 };
  await tdb.insert(notes).values(row);
}

// in views, too
{
  const t = unscoped(notes);
  const view = pgView('v').as((qb) =>
    qb.select({ sharedWith: t.sharedWith, accountId: t.accountId, anything: t.anything }).from(t),
  );
  const rows = await tdb.select({ accountId: view.accountId }).from(view);
  Expect<Equal<typeof rows, { accountId: TenantId<'account', string> }[]>>;
  const declared = pgView('w', { owner: account.id(), invited: account.ref(), space: workspace.ref() }).existing();
  await tdb.select().from(declared);
}

// a patch of a row
{
  const patch: Partial<Omit<typeof notes.$inferSelect, 'accountId'>> = { body: 'y' };
  await tdb.update(notes).set({ ...patch });
  await tdb.update(notes).set({ ...patch, body: 'z' });
  const { accountId: _, ...rest }: Partial<typeof notes.$inferSelect> = {};
  await tdb.update(notes).set(rest);
  await tdb
    .insert(notes)
    .values({ body: 'x', space })
    .onConflictDoUpdate({ target: notes.id, set: { ...patch } });
}

// the root by its id, and a row by its tenant
{
  const row = await tdb.query.accounts.findFirst({ where: { id } });
  Expect<Equal<typeof row, { id: TenantId<'account', string>; name: string } | undefined>>;
  await tdb.query.notes.findFirst({ where: { account: { id } } });
  await tdb.query.notes.findMany({ where: { accountId: id, account: { id: { in: [id] } } } });
}

// models
{
  Expect<Equal<InferSelectModel<typeof accounts>, { id: TenantId<'account', string>; name: string }>>;
  Expect<Equal<InferInsertModel<typeof accounts>, { name: string }>>;
  Expect<Equal<InferSelectModel<typeof logs>, { who: string }>>;
  Expect<Equal<InferInsertModel<typeof logs>, { who: string }>>;
}

// a repository over any table with an id
{
  class Repository<T extends AnyTenantTable<'account'> & { id: PgColumn }> {
    constructor(
      readonly tdb: TenantDatabase<'account'>,
      readonly table: T,
    ) {}
    all = () => this.tdb.select().from(this.table);
    byId = (id: string) => this.tdb.select().from(this.table).where(eq(this.table.id, id)).limit(1);
    remove = (id: string) => this.tdb.delete(this.table).where(eq(this.table.id, id));
    count = (filter?: SQL) => this.tdb.$count(this.table, filter);
    // As in plain Drizzle, what a row of such a table holds is not known.
    add = (row: InferInsertModel<T>) =>
      this.tdb
        .insert(this.table)
        .values(row as never)
        .returning();
    change = (id: string, patch: Partial<InferInsertModel<T>>) =>
      this.tdb
        .update(this.table)
        .set(patch as never)
        .where(eq(this.table.id, id));
    join = (other: AnyTenantTable<'account'>) => this.tdb.select().from(this.table).leftJoin(other, sql`true`);
  }
  const repository = new Repository(tdb, notes);
  await repository.add({ body: 'x', space });
  await repository.change('x', { body: 'y' });
  const [first] = await repository.all();
  Expect<Equal<NonNullable<typeof first>, typeof notes.$inferSelect>>;
  await repository.remove('x');
  const n = await repository.count();
  Expect<Equal<typeof n, number>>;
}

// a helper over a tenant's handle and over all
{
  const list = (any: TenantDatabase<'account'> | AcrossTenantsDatabase) =>
    any.select().from(notes).where(eq(notes.body, 'x'));
  const rows = await list(tdb);
  Expect<Equal<(typeof rows)[number]['body'], string>>;
  const rename = (any: TenantDatabase<'account'> | AcrossTenantsDatabase) =>
    any.update(notes).set({ body: 'x' }).where(eq(notes.id, 'x'));
  await rename(db.acrossTenants({ reason: 'x' }));
}

// a helper that inserts, for a tenant's handle and for all: its rows name their tenant
{
  type Any = TenantDatabase<'account'> | TenantsDatabase<'account'> | AcrossTenantsDatabase;
  const add = (any: Any, accountId: typeof account.$id) =>
    any.insert(notes).values({ accountId, body: 'x', space }).onConflictDoNothing().returning();
  const rows = await add(tdb, id);
  Expect<Equal<(typeof rows)[number]['body'], string>>;
  await add(db.acrossTenants({ reason: 'x' }), id);
  const ids = (any: Any) => any.delete(notes).where(eq(notes.body, 'x')).returning({ id: notes.id });
  Expect<Equal<Awaited<ReturnType<typeof ids>>, { id: string }[]>>;
  const n = (any: Any) => any.$count(notes);
  Expect<Equal<Awaited<ReturnType<typeof n>>, number>>;
}

// a factory of tables
{
  const base = {
    accountId: account.id(),
    id: uuid().primaryKey().defaultRandom(),
    createdAt: timestamp().notNull().defaultNow(),
  };
  const table = <N extends string, T extends Record<string, AnyPgColumnBuilder>>(name: N, columns: T) =>
    tenantTable(name, { ...base, ...columns });
  const made = table('made', { title: text().notNull() });
  const rows = await tdb.select().from(made);
  Expect<
    Equal<(typeof rows)[number], { title: string; accountId: TenantId<'account', string>; id: string; createdAt: Date }>
  >;
  await tdb.insert(made).values({ title: 'x' });
  const withIndex = <T extends Record<string, AnyPgColumnBuilder>>(columns: T) =>
    tenantTable('x', { ...base, ...columns }, (t) => [index().on(t.createdAt)]);
  await tdb.update(withIndex({ body: text() })).set({ body: 'x' });
  const relations = defineTenantRelations({ made, accounts }, (r) => ({
    made: { account: r.one.accounts({ from: r.made.accountId, to: r.accounts.id }) },
  }));
  const found = await withTenancy(drizzle.mock(), { relations })
    .forTenant(id)
    .query.made.findFirst({ with: { account: true } });
  Expect<Equal<NonNullable<typeof found>['title'], string>>;
}

// SQL by hand in a function that knows no driver
{
  const count = async (any: TenantDatabase<'account'>) => {
    const result = await any.execute<{ n: number }>(sql`select count(*)::int as n from ${notes}`);
    return 'rows' in result ? result.rows[0]?.n : result[0]?.n;
  };
  const n = await count(tdb);
  Expect<Equal<typeof n, number | undefined>>;
  const objects = await tdb.execute<{ n: number }>(sql`select 1 as n`, 'objects');
  Expect<Equal<typeof objects, { n: number }[]>>;
}
