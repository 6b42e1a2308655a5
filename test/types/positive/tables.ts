/** Tables declared in every way, and what their types say. */
import { eq, getTableName, sql, type InferEnum } from 'drizzle-orm';
import {
  bigint,
  check,
  customType,
  foreignKey,
  index,
  integer,
  pgEnum,
  pgPolicy,
  primaryKey,
  serial,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
  varchar,
  vector,
} from 'drizzle-orm/pg-core';
import type { TenantId } from '../../../src/index.js';
import { Expect, type Equal } from './expect.js';
import { accountId, alias, getColumns, getTableColumns, referenceTable, table, tableCreator, unscoped } from './kit.js';
import {
  contacts,
  countries,
  db,
  events,
  projects,
  status,
  tasks,
  users,
  type CountryRow,
  type ProjectRow,
  type TaskRow,
} from './schema.js';

type Account = TenantId<'account', string>;

// the model of a table
{
  Expect<Equal<typeof projects.$inferSelect, ProjectRow>>;
  Expect<Equal<typeof tasks.$inferSelect, TaskRow>>;
  Expect<Equal<typeof countries.$inferSelect, CountryRow>>;
  const row: typeof tasks.$inferInsert = { projectId: 'x', title: 'y', points: null };
  await db.insert(tasks).values(row);
}

// in a schema, with the column callback and a name for the tenant column
{
  const rows = await db.select().from(events);
  Expect<Equal<typeof rows, { accountId: Account; id: number; at: string; body: unknown }[]>>;
  const added = await db
    .insert(events)
    .values({ at: '2026-01-01', body: { any: ['thing'] } })
    .returning({ id: events.id });
  Expect<Equal<typeof added, { id: number }[]>>;
}

// by a creator
{
  const rows = await db.select().from(contacts).where(eq(contacts.name, 'x'));
  Expect<Equal<typeof rows, { accountId: Account; id: number; name: string | null }[]>>;
  const { table } = tableCreator((name) => `x_${name}`);
  const notes = table('notes', { accountId: accountId(), id: serial().primaryKey() });
  const notesRows = await db.select().from(notes);
  Expect<Equal<typeof notesRows, { accountId: Account; id: number }[]>>;
}

// enums
{
  Expect<Equal<InferEnum<typeof status>, 'open' | 'done'>>;
  const size = pgEnum('size', ['s', 'm']);
  const shirts = table('shirts', {
    accountId: accountId(),
    id: integer().primaryKey(),
    size: size().array(),
    kind: text({ enum: ['a', 'b'] }).notNull(),
  });
  const rows = await db.select().from(shirts);
  Expect<Equal<typeof rows, { accountId: Account; id: number; size: ('s' | 'm')[] | null; kind: 'a' | 'b' }[]>>;
}

// arrays, defaults, generated and custom columns
{
  const money = customType<{ data: bigint; driverData: string }>({ dataType: () => 'money' });
  const things = table('things', {
    accountId: accountId(),
    id: bigint({ mode: 'bigint' }).primaryKey().generatedByDefaultAsIdentity({ startWith: 10 }),
    grid: smallint().array('[][]').notNull(),
    price: money().notNull(),
    slug: varchar({ length: 20 }).generatedAlwaysAs(sql`'x'`),
    token: text()
      .$defaultFn(() => 'x')
      .notNull(),
    embedding: vector({ dimensions: 3 }),
    brand: uuid().$type<string & { __brand: 'thing' }>(),
    at: timestamp({ mode: 'string' }).defaultNow(),
  });
  const rows = await db.select().from(things);
  Expect<
    Equal<
      typeof rows,
      {
        accountId: Account;
        id: bigint;
        grid: number[][];
        price: bigint;
        slug: string | null;
        token: string;
        embedding: number[] | null;
        brand: (string & { __brand: 'thing' }) | null;
        at: string | null;
      }[]
    >
  >;
  await db.insert(things).values({ grid: [[1]], price: 3n });
}

// every kind of constraint
{
  const parents = table('parents', { accountId: accountId(), a: integer().notNull(), b: integer().notNull() }, (t) => [
    primaryKey({ columns: [t.a, t.b] }),
  ]);
  const children = table(
    'children',
    {
      accountId: accountId(),
      id: integer().primaryKey(),
      a: integer(),
      b: integer(),
      name: text(),
      code: text().unique('code', { nulls: 'not distinct' }),
    },
    (t) => [
      foreignKey({ columns: [t.a, t.b], foreignColumns: [parents.a, parents.b] }).onDelete('cascade'),
      unique().on(t.a, t.b),
      uniqueIndex('lower_name').on(sql`lower(${t.name})`),
      index().using('btree', t.name.desc()).where(sql`${t.a} > 1`),
      check('positive', sql`${t.a} > 0`),
      pgPolicy('all', { as: 'permissive', for: 'select', using: sql`true` }),
    ],
  );
  const rows = await db.select({ id: children.id }).from(children).innerJoin(parents, eq(parents.a, children.a));
  Expect<Equal<typeof rows, { id: number }[]>>;
}

// constraints as an object, as older Drizzle had them
{
  const old = table('old', { accountId: accountId(), id: integer() }, (t) => ({
    key: primaryKey({ columns: [t.id] }),
  }));
  const rows = await db.select().from(old);
  Expect<Equal<typeof rows, { accountId: Account; id: number | null }[]>>;
}

// column names of their own, and row-level security
{
  const secured = table.withRLS('secured', { accountId: accountId('tenant'), id: integer('key').primaryKey() });
  const rows = await db.select().from(secured);
  Expect<Equal<typeof rows, { accountId: Account; id: number }[]>>;
  const open = referenceTable.withRLS('open', { id: integer().primaryKey() });
  const openRows = await db.select().from(open);
  Expect<Equal<typeof openRows, { id: number }[]>>;
}

// columns, aliases, names
{
  const columns = getColumns(users);
  Expect<Equal<keyof ReturnType<typeof getTableColumns<typeof users>>, keyof typeof columns>>;
  Expect<Equal<keyof typeof columns, 'accountId' | 'id' | 'email' | 'managerId' | 'settings'>>;
  const other = alias(users, 'other');
  Expect<Equal<(typeof other)['_']['name'], 'other'>>;
  Expect<Equal<keyof ReturnType<typeof getColumns<typeof other>>, keyof typeof columns>>;
  Expect<Equal<ReturnType<typeof getTableName<ReturnType<typeof unscoped<typeof users>>>>, 'users'>>;
}

// a generic function over any row with an id
{
  const first = <T extends { id: number }>(rows: T[]) => rows.at(0);
  const row = first(await db.select().from(tasks));
  Expect<Equal<typeof row, TaskRow | undefined>>;
}
