/** Histories that teams might write: each step is the schema at that time, and what a person does about it. */
import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  check,
  customType,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgMaterializedView,
  pgPolicy,
  pgRole,
  pgSchema,
  pgSequence,
  pgTable,
  pgView,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import { referenceTable, tenancy, tenantSchema, tenantTable, unscoped } from '../../../src/schema/index.js';
import type { Team, TeamStep } from './run.js';

export const onCitus = process.env['NEW_DATABASE'] !== undefined;
const rename = (kind: string, from: string[], to: string[]): any => ({ type: 'rename', kind, from, to });
const create = (kind: string, entity: string[]): any => ({ type: 'create', kind, entity });
const fillAbove = (update: string) => (it: string[]) =>
  it.flatMap((s) => (s.startsWith('-- Stops when rows of') ? [update, s] : [s]));
const named = (steps: TeamStep[]) => (name: string) => {
  const found = steps.findIndex((it) => it.name === name);
  if (found < 0) throw new Error(`no step ${name}`);
  return found;
};

/** An ERP: names that need quotes, partitions, a domain, identities, several schemas. */
const company = tenancy('company', text);
const email = customType<{ data: string }>({ dataType: () => 'email' });
const erpSteps: TeamStep[] = [
  {
    name: 'init',
    edit: (it) => [
      it[0]!,
      `CREATE DOMAIN email AS text CHECK (VALUE ~ '@')`,
      ...it
        .slice(1)
        .map((s) => s.replace(/(CREATE TABLE "erp"\."ledger" \([\s\S]*\n\));/, '$1 PARTITION BY RANGE ("posted_on");')),
      `SELECT 1`,
    ],
    after: [
      ...['01', '02', '03'].map(
        (m) =>
          `CREATE TABLE erp.ledger_2026_${m} PARTITION OF erp.ledger FOR VALUES FROM ('2026-${m}-01') ` +
          `TO ('2026-${m}-28')`,
      ),
      `INSERT INTO erp."Company" VALUES ('acme', 'Acme'), ('o''neil', 'O''Neil')`,
      `INSERT INTO erp.units VALUES (1, 'kg'), (2, 'm')`,
      'INSERT INTO erp."Cost Center" (company, name, parent_id, id) OVERRIDING SYSTEM VALUE ' +
        "VALUES ('acme', 'top', NULL, 1), ('acme', 'sub', 1, 2), ('o''neil', 'top', NULL, 3)",
      "INSERT INTO erp.products (company, sku, name, unit_id, net, tax) SELECT c, 's' || g, 'p' || g, 1, " +
        "g, g * 0.2 FROM unnest(ARRAY['acme', 'o''neil']) c, generate_series(1, 20) g",
      `INSERT INTO erp.warehouses (company, code) VALUES ('acme', 'w1'), ('acme', 'w2'), ('o''neil', 'w1')`,
      "INSERT INTO erp.stock (company, product_sku, warehouse_code, amount) SELECT company, sku, 'w1', 5 " +
        'FROM erp.products',
      "INSERT INTO erp.ledger (company, id, posted_on, amount) SELECT 'acme', g, '2026-01-05'::date + g, g " +
        'FROM generate_series(1, 20) g',
      "INSERT INTO erp.orders (company, number, contact, state) SELECT 'acme', g, 'a@b', 'open' " +
        'FROM generate_series(1, 9) g',
      'INSERT INTO erp.order_lines (company, order_number, line, product_sku, quantity) ' +
        "SELECT 'acme', g, 1, 's1', 1 FROM generate_series(1, 9) g",
      "INSERT INTO notes (id, company_name, body) SELECT g, CASE g % 2 WHEN 0 THEN 'acme' " +
        "ELSE 'o''neil' END, 'b' FROM generate_series(1, 10) g",
      `INSERT INTO rates (id, currency, rate) VALUES (1, 'EUR', 1), (2, 'USD', 1.1)`,
      `INSERT INTO erp.employees (company, id, mail) VALUES ('acme', 1, 'x@y'), ('o''neil', 1, 'x@y')`,
    ],
  },
  { name: 'add a nullable column and a generated one' },
  { name: 'not null with default' },
  { name: 'type int to bigint' },
  { name: 'type text to varchar, with an index' },
  { name: 'enum value' },
  {
    name: 'rename table',
    hints: [rename('table', ['erp', 'stock'], ['erp', 'inventory'])],
    renames: { 'erp.stock': 'erp.inventory' },
  },
  {
    name: 'rename a column of a key',
    hints: [rename('column', ['erp', 'inventory', 'warehouse_code'], ['erp', 'inventory', 'site_code'])],
  },
  { name: 'long names' },
  {
    name: 'plain to tenant',
    hints: [rename('column', ['public', 'notes', 'company_name'], ['public', 'notes', 'company'])],
    tenancy: { uniquePerTenant: ['notes(id)'] } as any,
  },
  { name: 'plain to reference' },
  {
    name: 'split: new table',
    hints: [create('table', ['erp', 'employee_mails'])],
    edit: (it) => [
      ...it,
      `INSERT INTO erp.employee_mails (company, employee_id, mail) SELECT company, id, mail FROM erp.employees`,
    ],
    loses: ['erp.employee_mails'],
  },
  { name: 'split: drop the column' },
  { name: 'rls on', left: 3, tenancy: { rls: true } as any },
  { name: 'partitioned: add a column and an index' },
  { name: 'unique to unscoped unique index' },
  { name: 'drop and add again', hints: [create('table', ['erp', 'order_items'])], loses: ['erp.order_lines'] },
  {
    name: 'move to another schema',
    hints: [rename('table', ['erp', 'employees'], ['hr', 'employees'])],
    renames: { 'erp.employees': 'hr.employees' },
  },
  {
    name: 'rename schema',
    hints: [rename('schema', ['hr'], ['people'])],
    renames: { 'hr.employees': 'people.employees' },
  },
  { name: 'deferrable self reference and check' },
  {
    name: 'rename tenant column',
    hints: [rename('column', ['erp', 'warehouses', 'company'], ['erp', 'warehouses', 'owner company'])],
  },
  { name: 'tenant to reference', loses: [] },
  { name: 'rls off', tenancy: { rls: false } as any },
  {
    name: 'rename the root',
    hints: [rename('table', ['erp', 'Company'], ['erp', 'Legal Entity'])],
    renames: { 'erp."Company"': 'erp."Legal Entity"' },
  },
  { name: 'drop a table and a default', loses: ['rates'] },
  { name: 'online', tenancy: { online: true } as any },
];
const erpAt = named(erpSteps);
function erp(n: number): Record<string, any> {
  const has = (name: string) => n >= erpAt(name);
  const schema = pgSchema('erp');
  const t = tenantSchema(schema).table;
  const ref = (schema as any).table;
  const state = schema.enum('order_state', has('enum value') ? ['open', 'held', 'paid'] : ['open', 'paid']);
  const companies: any = t(has('rename the root') ? 'Legal Entity' : 'Company', {
    id: company.id().primaryKey(),
    name: text().notNull(),
  });
  const tenant = (name = 'company') => company.id(name).references(() => companies.id, { onDelete: 'cascade' });
  const units: any = (tenantSchema as any)(schema).referenceTable
    ? (tenantSchema as any)(schema).referenceTable('units', { id: integer().primaryKey(), name: text().notNull() })
    : ref('units', { id: integer().primaryKey(), name: text().notNull() });
  const costCenters: any = t(
    'Cost Center',
    {
      company: tenant(),
      id: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().primaryKey(),
      name: text().notNull(),
      parentId: bigint('parent_id', { mode: 'number' }),
      ...(has('long names')
        ? { ['l']: text('a_column_with_a_very_long_name_that_is_nearly_sixty_three_letters') }
        : {}),
    } as any,
    ((c: any) => [
      foreignKey({ columns: [c.parentId], foreignColumns: [c.id] }),
      ...(has('long names') ? [index().on(c.l, c.name)] : []),
      ...(has('deferrable self reference and check') ? [check('no self parent', sql`${c.parentId} <> ${c.id}`)] : []),
    ]) as any,
  );
  const products: any = t(
    'products',
    {
      company: tenant(),
      sku: text().primaryKey(),
      name: has('type text to varchar, with an index') ? varchar({ length: 200 }).notNull() : text().notNull(),
      unitId: has('drop a table and a default')
        ? integer('unit_id').notNull()
        : integer('unit_id').notNull().default(1),
      net: numeric({ precision: 12, scale: 2 }).notNull(),
      tax: numeric().notNull(),
      ...(has('add a nullable column and a generated one')
        ? { note: text(), gross: numeric().generatedAlwaysAs(sql`net + tax`) }
        : {}),
      ...(has('not null with default')
        ? { active: boolean().notNull().default(true), made: timestamp({ withTimezone: true }).notNull().defaultNow() }
        : {}),
    } as any,
    ((c: any) => [
      has('unique to unscoped unique index')
        ? unique('product_name').on(c.name, c.sku)
        : unique('product_name').on(c.name),
      ...(has('type text to varchar, with an index') ? [index('by name').on(sql`lower(${c.name})`)] : []),
    ]) as any,
  );
  const ownCompany = has('rename tenant column') ? 'owner company' : 'company';
  const warehouses: any = t('warehouses', {
    company: tenant(ownCompany),
    code: text().primaryKey(),
    ...(has('online') ? { city: text().notNull().default('Berlin') } : {}),
  } as any);
  const stock: any = t(
    has('rename table') ? 'inventory' : 'stock',
    {
      company: tenant(),
      productSku: text('product_sku')
        .notNull()
        .references(() => products.sku, { onDelete: 'cascade' }),
      site: text(has('rename a column of a key') ? 'site_code' : 'warehouse_code')
        .notNull()
        .references(() => warehouses.code),
      amount: has('type int to bigint') ? bigint({ mode: 'number' }).notNull() : integer().notNull(),
    } as any,
    ((c: any) => [primaryKey({ columns: [c.productSku, c.site] }), check('positive', sql`amount >= 0`)]) as any,
  );
  const ledger: any = t(
    'ledger',
    {
      company: tenant(),
      id: bigint({ mode: 'number' }).notNull(),
      postedOn: date('posted_on').notNull(),
      amount: numeric().notNull(),
      ...(has('partitioned: add a column and an index') ? { memo: text() } : {}),
    } as any,
    ((c: any) => [
      primaryKey({ columns: [c.id, c.postedOn] }),
      ...(has('partitioned: add a column and an index') ? [index().on(c.memo)] : []),
    ]) as any,
  );
  const orders: any = t('orders', {
    company: tenant(),
    number: bigint({ mode: 'number' }).primaryKey(),
    contact: email().notNull(),
    state: state().notNull().default('open'),
  });
  const linesOld = () =>
    t(
      'order_lines',
      {
        company: tenant(),
        orderNumber: bigint('order_number', { mode: 'number' })
          .notNull()
          .references(() => orders.number, { onDelete: 'cascade' }),
        line: integer().notNull(),
        productSku: text('product_sku').references(() => products.sku),
        quantity: integer().notNull(),
      } as any,
      ((c: any) => [primaryKey({ columns: [c.orderNumber, c.line] })]) as any,
    );
  const linesNew = () =>
    t('order_items', {
      company: tenant(),
      orderNumber: bigint('order_number', { mode: 'number' })
        .notNull()
        .references(() => orders.number, { onDelete: 'cascade' }),
      id: uuid().primaryKey().defaultRandom(),
      quantity: numeric().notNull(),
    } as any);
  const notes: any = has('plain to tenant')
    ? tenantTable('notes', { id: integer().primaryKey(), company: company.id('company'), body: text() } as any)
    : pgTable('notes', { id: integer().primaryKey(), companyName: text('company_name').notNull(), body: text() });
  const rates: any = has('drop a table and a default')
    ? undefined
    : has('plain to reference')
      ? referenceTable('rates', { id: integer().primaryKey(), currency: text().notNull().unique(), rate: numeric() })
      : pgTable('rates', { id: integer().primaryKey(), currency: text().notNull().unique(), rate: numeric() });
  const hr = has('rename schema') ? pgSchema('people') : has('move to another schema') ? pgSchema('hr') : undefined;
  const employees: any = (hr ? tenantSchema(hr).table : t)('employees', {
    company: tenant(),
    id: integer().primaryKey(),
    ...(has('split: drop the column') ? {} : { mail: email() }),
  } as any);
  const mails: any = has('split: new table')
    ? t(
        'employee_mails',
        {
          company: tenant(),
          employeeId: integer('employee_id')
            .notNull()
            .references(() => employees.id),
          mail: email().notNull(),
        } as any,
        ((c: any) => [primaryKey({ columns: [c.employeeId, c.mail] })]) as any,
      )
    : undefined;
  return Object.fromEntries(
    Object.entries({
      schema,
      state,
      hr,
      companies,
      units,
      costCenters,
      products,
      warehouses,
      stock,
      ledger,
      orders,
      lines: has('drop and add again') ? linesNew() : linesOld(),
      notes,
      rates,
      employees,
      mails,
    }).filter(([, it]) => it !== undefined),
  );
}

/** A chat: jsonb, full text, views, policies of its own. */
const space = tenancy('space', uuid);
const w1 = '00000000-0000-4000-8000-00000000000a';
const w2 = '00000000-0000-4000-8000-00000000000b';
const u = (n: string) => `('00000000-0000-4000-8000-' || lpad((${n})::text, 12, '0'))::uuid`;
const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });
const chatSteps: TeamStep[] = [
  {
    name: 'init',
    tenancy: { rls: true } as any,
    after: [
      `INSERT INTO spaces VALUES ('${w1}', 'a'), ('${w2}', 'b')`,
      `INSERT INTO people (id, mail) SELECT ${u('g')}, g || '@x' FROM generate_series(1, 10) g`,
      `INSERT INTO members (space_id, person_id, role) SELECT s, ${u('g')}, 'guest' ` +
        `FROM unnest(ARRAY['${w1}', '${w2}']::uuid[]) s, generate_series(1, 5) g`,
      `INSERT INTO channels (space_id, id, name) SELECT s, ${u('g')}, 'c' || g FROM unnest(ARRAY['${w1}', ` +
        `'${w2}']::uuid[]) s, generate_series(1, 5) g`,
      'INSERT INTO messages (space_id, id, channel_id, author_id, body, meta) ' +
        `SELECT s, ${u('g')}, ${u('g % 5 + 1')}, ${u('g % 5 + 1')}, 'hello ' || g, '{"a":1}' ` +
        `FROM unnest(ARRAY['${w1}', '${w2}']::uuid[]) s, generate_series(1, 30) g`,
      `INSERT INTO emojis VALUES (':)', 'smile')`,
      `INSERT INTO reactions (space_id, message_id, person_id, emoji) SELECT space_id, id, ${u('1')}, ':)' ` +
        'FROM messages',
      `INSERT INTO files (id, message_id, space_id, url) SELECT ${u('g')}, ${u('g')}, '${w1}', 'u' || g ` +
        'FROM generate_series(1, 10) g',
      `INSERT INTO drafts (space_id, id, body) SELECT '${w1}', ${u('g')}, 'd' FROM generate_series(1, 4) g`,
      `INSERT INTO pins (space_id, channel_id, message_id) SELECT space_id, channel_id, id FROM messages`,
    ],
  },
  { name: 'full text' },
  { name: 'jsonb index' },
  { name: 'a view and a materialized view' },
  { name: 'a column that a view shows' },
  { name: 'own policy' },
  { name: 'another policy of its own, restrictive' },
  { name: 'plain to tenant through a key', hints: [] },
  { name: 'self reference: replies' },
  { name: 'set null key' },
  {
    name: 'nullable to not null with backfill',
    edit: (it) => {
      const at = it.findIndex((s) => /"topic" SET NOT NULL/.test(s));
      return at < 0 ? it : [...it.slice(0, at), `UPDATE channels SET topic = 'x' WHERE topic IS NULL`, ...it.slice(at)];
    },
  },
  { name: 'enum for text', hints: [] },
  { name: 'enum value dropped' },
  {
    name: 'merge: drafts into messages',
    edit: (it) => [
      ...it,
      'INSERT INTO messages (space_id, id, channel_id, author_id, body, meta) ' +
        "SELECT d.space_id, gen_random_uuid(), '00000000-0000-4000-8000-000000000001', " +
        "'00000000-0000-4000-8000-000000000001', d.body, '{}' FROM drafts d",
    ],
    loses: ['messages'],
  },
  { name: 'merge: drop drafts', loses: ['drafts'] },
  { name: 'role and grants', hints: [create('policy', ['public', 'messages', 'for reader'])] },
  { name: 'rls off', tenancy: { rls: false } as any },
  { name: 'rls on again', tenancy: { rls: true } as any },
  {
    name: 'rename the tenant column of messages',
    hints: [rename('column', ['public', 'messages', 'space_id'], ['public', 'messages', 'room_space'])],
  },
  {
    name: 'rename a policy',
    hints: [rename('policy', ['public', 'messages', 'own read'], ['public', 'messages', 'own reading'])],
  },
  { name: 'drop the views' },
  { name: 'rename the enum', hints: [rename('enum', ['public', 'member_role'], ['public', 'Member Kind'])] },
  { name: 'key changes' },
  { name: 'index where and include' },
  { name: 'unique nulls not distinct' },
  {
    name: 'move a table to a schema',
    hints: [rename('table', ['public', 'files'], ['store', 'files'])],
    renames: { files: 'store.files' },
  },
];
const chatAt = named(chatSteps);
function chat(n: number): Record<string, any> {
  const has = (name: string) => n >= chatAt(name);
  const between = (a: string, b: string) => has(a) && !has(b);
  const reader = pgRole('chat reader');
  const spaces: any = tenantTable('spaces', {
    id: space.id().primaryKey(),
    name: onCitus ? text().notNull() : text().notNull().unique(),
  });
  const tenant = (name = 'space_id') => space.id(name).references(() => spaces.id, { onDelete: 'cascade' });
  const people = referenceTable('people', { id: uuid().primaryKey().defaultRandom(), mail: text().notNull().unique() });
  const emojis = referenceTable('emojis', { code: text().primaryKey(), name: text() });
  const kind = pgEnum(
    has('rename the enum') ? 'Member Kind' : 'member_role',
    has('enum value dropped') ? ['guest', 'owner'] : ['guest', 'owner', 'bot'],
  );
  const members: any = tenantTable(
    'members',
    {
      spaceId: tenant(),
      personId: uuid('person_id')
        .notNull()
        .references(() => people.id),
      role: has('enum for text') ? kind().notNull() : text().notNull(),
    } as any,
    ((c: any) => [primaryKey({ columns: [c.personId] })]) as any,
  );
  const channels: any = tenantTable(
    'channels',
    {
      spaceId: tenant(),
      id: uuid().primaryKey().defaultRandom(),
      name: text().notNull(),
      topic: has('nullable to not null with backfill') ? text().notNull() : text(),
      lastId: uuid('last_id'),
    } as any,
    ((c: any) => [
      has('unique nulls not distinct')
        ? unique('channel_name').on(c.name, c.topic).nullsNotDistinct()
        : unique('channel_name').on(c.name),
    ]) as any,
  );
  const messages: any = tenantTable(
    'messages',
    {
      spaceId: tenant(has('rename the tenant column of messages') ? 'room_space' : 'space_id'),
      id: uuid().primaryKey().defaultRandom(),
      channelId: uuid('channel_id')
        .notNull()
        .references(() => channels.id, { onDelete: 'cascade' }),
      authorId: uuid('author_id').references(() => members.personId),
      body: text().notNull(),
      meta: jsonb().notNull().default({}),
      ...(has('full text') ? { search: tsvector().generatedAlwaysAs(sql`to_tsvector('english', body)`) } : {}),
      ...(has('a column that a view shows') ? { at: timestamp().notNull().defaultNow() } : {}),
      ...(has('self reference: replies') ? { replyTo: uuid('reply_to') } : {}),
    } as any,
    ((c: any) => [
      ...(has('full text') ? [index('message_search').using('gin', c.search)] : []),
      ...(has('jsonb index') ? [index().using('gin', c.meta), index('meta_a').on(sql`(meta->>'a')`)] : []),
      ...(has('self reference: replies')
        ? [foreignKey({ columns: [c.replyTo], foreignColumns: [c.id], name: 'reply' })]
        : []),
      ...(has('own policy')
        ? [
            pgPolicy(has('rename a policy') ? 'own reading' : 'own read', {
              for: 'select',
              using: sql`body <> 'secret'`,
            }),
          ]
        : []),
      ...(between('another policy of its own, restrictive', 'role and grants')
        ? [pgPolicy('never empty', { as: 'permissive', for: 'insert', withCheck: sql`body <> ''` })]
        : []),
      ...(has('role and grants') ? [pgPolicy('for reader', { to: reader, for: 'select', using: sql`true` })] : []),
      ...(has('index where and include')
        ? [index('busy ones').on(c.channelId.desc(), c.body).where(sql`body <> ''`)]
        : []),
    ]) as any,
  );
  const reactions: any = tenantTable(
    'reactions',
    {
      spaceId: tenant(),
      messageId: uuid('message_id')
        .notNull()
        .references(() => messages.id, { onDelete: 'cascade' }),
      personId: uuid('person_id')
        .notNull()
        .references(() => people.id),
      emoji: text()
        .notNull()
        .references(() => emojis.code),
      ...(has('key changes') ? { id: uuid().primaryKey().defaultRandom() } : {}),
    } as any,
    ((c: any) =>
      has('key changes')
        ? [unique('once').on(c.messageId, c.personId, c.emoji)]
        : [primaryKey({ columns: [c.messageId, c.personId, c.emoji] })]) as any,
  );
  const filesIn = has('move a table to a schema') ? pgSchema('store') : undefined;
  const files: any = has('plain to tenant through a key')
    ? (filesIn ? tenantSchema(filesIn).table : tenantTable)('files', {
        spaceId: space.id('space_id'),
        id: uuid().primaryKey(),
        messageId: uuid('message_id').notNull(),
        url: text(),
        ...(has('set null key') ? { channelId: uuid('channel_id').references(() => channels.id) } : {}),
      } as any)
    : pgTable('files', {
        id: uuid().primaryKey(),
        messageId: uuid('message_id').notNull(),
        spaceId: uuid('space_id').notNull(),
        url: text(),
      });
  const drafts: any = has('merge: drop drafts')
    ? undefined
    : tenantTable('drafts', { spaceId: tenant(), id: uuid().primaryKey().defaultRandom(), body: text().notNull() });
  const pins: any = tenantTable(
    'pins',
    {
      spaceId: tenant(),
      channelId: uuid('channel_id')
        .notNull()
        .references(() => channels.id, { onDelete: 'cascade' }),
      messageId: uuid('message_id')
        .notNull()
        .references(() => messages.id, { onDelete: 'cascade' }),
    } as any,
    ((c: any) => [primaryKey({ columns: [c.channelId, c.messageId] })]) as any,
  );
  const busy: any = between('a view and a materialized view', 'drop the views')
    ? pgView('busy', {
        spaceId: space.id('space_id'),
        id: uuid(),
        ...(has('a column that a view shows') ? { at: timestamp() } : {}),
      } as any).as(
        sql.raw(
          `select m.${has('rename the tenant column of messages') ? 'room_space as space_id' : 'space_id'}, ` +
            `m.id${has('a column that a view shows') ? ', m.at' : ''} from messages m`,
        ),
      )
    : undefined;
  const perSpace: any = between('a view and a materialized view', 'drop the views')
    ? pgMaterializedView('per_space', { spaceId: space.id('space_id'), n: bigint({ mode: 'number' }) } as any).as(
        sql.raw(`select c.space_id, count(*) as n from channels c group by c.space_id`),
      )
    : undefined;
  return Object.fromEntries(
    Object.entries({
      spaces,
      people,
      emojis,
      kind: has('enum for text') ? kind : undefined,
      members,
      channels,
      messages,
      reactions,
      files,
      drafts,
      pins,
      busy,
      perSpace,
      filesIn,
      reader: has('role and grants') ? reader : undefined,
    }).filter(([, it]) => it !== undefined),
  );
}

/** A marketplace: three tenancies, sequences, arrays. */
const seller = tenancy('seller', () => bigint({ mode: 'number' }));
const buyer = tenancy('buyer', uuid);
const courier = tenancy('courier', integer);
const marketSteps: TeamStep[] = [
  {
    name: 'init',
    after: [
      `INSERT INTO sellers VALUES (1, 'a'), (2, 'b'), (9007199254740991, 'z')`,
      `INSERT INTO buyers VALUES ('${w1}', 'x'), ('${w2}', 'y')`,
      `INSERT INTO categories (id, name, parent_id) VALUES (1, 'all', NULL), (2, 'toys', 1)`,
      "INSERT INTO offers (seller_id, title, category_id, price) SELECT s, 't' || g, 2, g " +
        'FROM unnest(ARRAY[1, 2, 9007199254740991]::bigint[]) s, generate_series(1, 10) g',
      `INSERT INTO sales (seller_id, offer_id, buyer_id) SELECT seller_id, id, '${w1}' FROM offers`,
      `INSERT INTO carts (buyer_id, id, seller_id) VALUES ('${w1}', 1, 1), ('${w2}', 1, 2)`,
      `INSERT INTO wishes (buyer_id, id, offer_id) VALUES ('${w1}', 1, 1), ('${w2}', 1, 2)`,
      `INSERT INTO offer_tags (seller_id, offer_id, tag) SELECT seller_id, id, 'new' FROM offers`,
      `INSERT INTO couriers (id, name) VALUES (1, 'fast'), (2, 'slow')`,
      `INSERT INTO routes (id, courier_id, zone) VALUES (1, 1, 'n'), (2, 2, 's'), (3, 1, 'e')`,
      `INSERT INTO stops (id, route_id, name) SELECT g, g % 3 + 1, 's' || g FROM generate_series(1, 12) g`,
      `INSERT INTO settings (seller_id, id, key, val) VALUES (1, 1, 'a', 'b'), (2, 2, 'a', 'b')`,
      `INSERT INTO coupons (seller_id, id, code) VALUES (1, 1, 'A'), (2, 2, 'B')`,
    ],
  },
  { name: 'unique code over all', loses: [] },
  { name: 'unscoped to scoped' },
  { name: 'new tenancy: root' },
  { name: 'new tenancy: child', hints: [], tenancy: { uniquePerTenant: ['routes(id)'] } as any },
  {
    name: 'new tenancy: grandchild',
    edit: fillAbove(`UPDATE stops SET courier_id = r.courier_id FROM routes r WHERE r.id = route_id`),
    tenancy: { uniquePerTenant: ['routes(id)', 'stops(id)'] } as any,
  },
  { name: 'sequence and bigserial' },
  { name: 'tenant to reference', loses: [] },
  {
    name: 'reference back to tenant',
    edit: fillAbove(`UPDATE settings SET seller_id = 1 WHERE seller_id IS NULL`),
    tenancy: { uniquePerTenant: ['routes(id)', 'stops(id)', 'settings(id)'] } as any,
  },
  { name: 'rls', tenancy: { rls: true } as any },
  { name: 'set null from sale to offer' },
  { name: 'set null undone' },
  { name: 'a table to another tenancy', hints: [] },
  { name: 'numeric price to integer cents', hints: [] },
  { name: 'drop the default, add identity' },
  {
    name: 'rename two at once',
    hints: [
      rename('table', ['public', 'offers'], ['public', 'listings']),
      rename('column', ['public', 'sales', 'offer_id'], ['public', 'sales', 'listing_id']),
    ],
    renames: { offers: 'listings' },
  },
  {
    name: 'swap two columns',
    hints: [
      rename('column', ['public', 'coupons', 'code'], ['public', 'coupons', 'label']),
      create('column', ['public', 'coupons', 'code']),
    ],
  },
  { name: 'indexes by method' },
  {
    name: 'index under another name',
    hints: [rename('index', ['public', 'listings', 'offers_title'], ['public', 'listings', 'listing title'])],
  },
  { name: 'array and default' },
  { name: 'drop a key' },
  { name: 'add it again with cascade' },
  { name: 'setting of its own', tenancy: { rls: true } as any },
  { name: 'a table becomes plain', loses: [] },
  { name: 'drop a whole tenancy', loses: ['couriers', 'routes', 'stops'] },
];
const marketAt = named(marketSteps);
function market(n: number): Record<string, any> {
  const has = (name: string) => n >= marketAt(name);
  const between = (a: string, b: string) => has(a) && !has(b);
  const sellers: any = tenantTable('sellers', { id: seller.id().primaryKey(), name: text().notNull() });
  const buyers: any = tenantTable('buyers', { id: buyer.id().primaryKey(), nick: text().notNull() });
  const categories: any = referenceTable('categories', {
    id: integer().primaryKey(),
    name: text().notNull(),
    parentId: integer('parent_id').references((): any => categories.id),
  } as any);
  const listed = has('rename two at once');
  const offers: any = tenantTable(
    listed ? 'listings' : 'offers',
    {
      sellerId: seller.id('seller_id').references(() => sellers.id),
      id: bigserial({ mode: 'number' }).primaryKey(),
      title: text().notNull(),
      categoryId: integer('category_id').references(() => categories.id),
      price: has('numeric price to integer cents')
        ? bigint({ mode: 'number' }).notNull()
        : numeric({ precision: 10, scale: 2 }).notNull(),
      ...(has('array and default') ? { tags: text().array().notNull().default(['a', `b'c`]) } : {}),
    } as any,
    ((c: any) => [
      index(has('index under another name') ? 'listing title' : 'offers_title').on(c.title),
      ...(has('indexes by method')
        ? [index('brin_price').using('brin', c.price), index('hash_title').using('hash', c.title)]
        : []),
    ]) as any,
  );
  const sales: any = tenantTable('sales', {
    sellerId: seller.id('seller_id').references(() => sellers.id),
    id: uuid().primaryKey().defaultRandom(),
    offerId:
      has('drop a key') && !has('add it again with cascade')
        ? bigint(listed ? 'listing_id' : 'offer_id', { mode: 'number' })
        : bigint(listed ? 'listing_id' : 'offer_id', { mode: 'number' }).references(
            () => offers.id,
            between('set null from sale to offer', 'set null undone') && !onCitus
              ? { onDelete: 'set null' }
              : has('add it again with cascade')
                ? { onDelete: 'cascade' }
                : {},
          ),
    buyerId: buyer.ref('buyer_id').notNull(),
  } as any);
  const carts: any = tenantTable('carts', {
    buyerId: buyer.id('buyer_id').references(() => buyers.id),
    id: bigint({ mode: 'number' }).primaryKey(),
    sellerId: seller.ref('seller_id'),
  } as any);
  const wishes: any = tenantTable('wishes', {
    buyerId: buyer.id('buyer_id').references(() => buyers.id),
    id: bigint({ mode: 'number' }).primaryKey(),
    offerId: bigint('offer_id', { mode: 'number' }),
  } as any);
  const offerTags: any = tenantTable(
    'offer_tags',
    {
      sellerId: seller.id('seller_id'),
      offerId: bigint('offer_id', { mode: 'number' })
        .notNull()
        .references(() => offers.id, { onDelete: 'cascade' }),
      tag: text().notNull(),
    } as any,
    ((c: any) => [primaryKey({ columns: [c.offerId, c.tag] })]) as any,
  );
  const gone = has('drop a whole tenancy');
  const couriers: any = gone
    ? undefined
    : has('new tenancy: root')
      ? tenantTable('couriers', { id: courier.id().primaryKey(), name: text() })
      : pgTable('couriers', { id: integer().primaryKey(), name: text() });
  const routes: any = gone
    ? undefined
    : has('new tenancy: child')
      ? tenantTable('routes', {
          id: integer().primaryKey(),
          courierId: courier.id('courier_id').references(() => couriers.id),
          zone: text(),
        } as any)
      : pgTable('routes', { id: integer().primaryKey(), courierId: integer('courier_id').notNull(), zone: text() });
  const stops: any = gone
    ? undefined
    : has('new tenancy: grandchild')
      ? tenantTable('stops', {
          courierId: courier.id('courier_id'),
          id: integer().primaryKey(),
          routeId: integer('route_id')
            .notNull()
            .references(() => routes.id),
          name: text(),
        } as any)
      : pgTable('stops', { id: integer().primaryKey(), routeId: integer('route_id').notNull(), name: text() });
  const settings: any = between('tenant to reference', 'reference back to tenant')
    ? referenceTable('settings', { id: integer().primaryKey(), key: text(), val: text() })
    : tenantTable('settings', {
        sellerId: seller.id('seller_id'),
        id: integer().primaryKey(),
        key: text(),
        val: text(),
      } as any);
  const coupons: any = has('a table becomes plain')
    ? pgTable('coupons', {
        sellerId: bigint('seller_id', { mode: 'number' }).notNull(),
        id: integer().primaryKey(),
        label: text(),
        code: text(),
      })
    : tenantTable(
        'coupons',
        {
          sellerId: seller.id('seller_id'),
          id: integer().primaryKey(),
          ...(has('swap two columns') ? { label: text(), code: text() } : { code: text() }),
          ...(has('sequence and bigserial') && !onCitus ? { serial: bigserial({ mode: 'number' }) } : {}),
        } as any,
        ((c: any) => [
          ...(has('swap two columns')
            ? []
            : has('unscoped to scoped')
              ? [unique('coupon_code').on(c.code)]
              : has('unique code over all') && !onCitus
                ? [unscoped(unique('coupon_code').on(c.code))]
                : []),
        ]) as any,
      );
  const numbers = has('sequence and bigserial')
    ? pgSequence('receipt numbers', { startWith: 100, increment: 5 })
    : undefined;
  const moved: any = has('drop the default, add identity')
    ? tenantTable('receipts', {
        buyerId: buyer.id('buyer_id').references(() => buyers.id),
        id: bigint({ mode: 'number' }).generatedByDefaultAsIdentity().primaryKey(),
        n: bigint({ mode: 'number' }),
      } as any)
    : undefined;
  return Object.fromEntries(
    Object.entries({
      sellers,
      buyers,
      categories,
      offers,
      sales,
      carts,
      wishes,
      offerTags,
      couriers,
      routes,
      stops,
      settings,
      coupons,
      numbers,
      moved,
    }).filter(([, it]) => it !== undefined),
  );
}

/** Changes of types, keys and names that drizzle-kit asks about. */
const org = tenancy('org', uuid);
const hardSteps: TeamStep[] = [
  {
    name: 'init',
    tenancy: { rls: true, roles: { application: 'hard app' } } as any,
    after: [
      `INSERT INTO orgs VALUES ('${w1}', 'a'), ('${w2}', 'b')`,
      "INSERT INTO people (org_id, id, age, kind, mail) SELECT o, g, g::text, 'x', g || '@x' " +
        `FROM unnest(ARRAY['${w1}', '${w2}']::uuid[]) o, generate_series(1, 10) g`,
      `INSERT INTO teams (org_id, id, lead_id, name) SELECT org_id, id, id, 't' || id FROM people`,
      `INSERT INTO plain (id, org, name) SELECT g, CASE g % 2 WHEN 0 THEN '${w1}' ELSE '${w2}' END::uuid, ` +
        "'p' || g FROM generate_series(1, 10) g",
      `INSERT INTO plain_kids (id, plain_id) SELECT g, g % 10 + 1 FROM generate_series(1, 20) g`,
      `INSERT INTO lookup VALUES (1, 'l'), (2, 'm')`,
      `INSERT INTO uses (org_id, id, lookup_id) SELECT org_id, id, id % 2 + 1 FROM people`,
      `INSERT INTO chain (org_id, id, parent) SELECT org_id, id, NULL FROM people`,
      `UPDATE chain SET parent = 1 WHERE id > 1`,
    ],
  },
  { name: 'text to integer' },
  { name: 'integer to text again, under a view' },
  { name: 'text to enum' },
  { name: 'enum to text, drop the enum' },
  {
    name: 'plain with children to tenant',
    hints: [
      rename('column', ['public', 'plain', 'org'], ['public', 'plain', 'org_id']),
      process.env['ANSWER'] === 'rename'
        ? rename(
            'foreign key',
            ['public', 'plain_kids', 'plain_kids_plain_id_plain_id_fkey'],
            ['public', 'plain_kids', 'plain_kids_org_id_plain_id_plain_org_id_id_fkey'],
          )
        : create('foreign key', ['public', 'plain_kids', 'plain_kids_org_id_plain_id_plain_org_id_id_fkey']),
    ],
    tenancy: { uniquePerTenant: ['plain(id)', 'plain_kids(id)'] } as any,
  },
  { name: 'primary key to uuid', loses: [] },
  { name: 'unique key that a foreign key needs' },
  { name: 'foreign key to another column' },
  { name: 'drop the table that another points at', loses: ['lookup'] },
  {
    name: 'the root moves',
    hints: [rename('table', ['public', 'orgs'], ['core', 'orgs'])],
    renames: { orgs: 'core.orgs' },
  },
  { name: 'the root column is renamed', hints: [rename('column', ['core', 'orgs', 'id'], ['core', 'orgs', 'org_id'])] },
  { name: 'withRLS and own policies on a reference table' },
  { name: 'own policy of a tenant table for a role' },
  { name: 'generated column anew' },
  { name: 'a column becomes generated', hints: [] },
  { name: 'no foreign key indexes', tenancy: { foreignKeyIndexes: true } as any },
  {
    name: 'rename table, column and index at once',
    hints: [
      rename('table', ['public', 'teams'], ['public', 'squads']),
      rename('column', ['public', 'squads', 'lead_id'], ['public', 'squads', 'chief_id']),
      rename('column', ['public', 'squads', 'name'], ['public', 'squads', 'title']),
      rename('index', ['public', 'squads', 'by name'], ['public', 'squads', 'by title']),
    ],
    renames: { teams: 'squads' },
  },
  { name: 'swap names of two tables', hints: [] },
  { name: 'self reference with set null' },
  { name: 'set null away' },
  { name: 'a second tenant in a row' },
  { name: 'roles renamed', tenancy: { roles: { application: 'hard app 2' } } as any },
  { name: 'rls off and roles away', tenancy: { rls: false, roles: undefined } as any },
  { name: 'everything at once', hints: [create('table', ['public', 'fresh'])], tenancy: { rls: true } as any },
];
const hardAt = named(hardSteps);
function hard(n: number): Record<string, any> {
  const has = (name: string) => n >= hardAt(name);
  const between = (a: string, b: string) => has(a) && !has(b);
  const core = has('the root moves') ? pgSchema('core') : undefined;
  const orgs: any = (core ? tenantSchema(core).table : tenantTable)('orgs', {
    id: org.id(has('the root column is renamed') ? 'org_id' : 'id').primaryKey(),
    name: text().notNull(),
  } as any);
  const tenant = (name = 'org_id') => org.id(name).references(() => orgs.id, { onDelete: 'cascade' });
  const kind = between('text to enum', 'enum to text, drop the enum') ? pgEnum('kind', ['x', 'y']) : undefined;
  const people: any = tenantTable(
    'people',
    {
      orgId: tenant(),
      id: integer().primaryKey(),
      age: between('text to integer', 'integer to text again, under a view') ? integer() : text(),
      kind: kind ? kind().notNull() : text().notNull(),
      mail: text().notNull(),
      ...(has('generated column anew')
        ? { shout: text().generatedAlwaysAs(has('everything at once') ? sql`upper(mail) || '!'` : sql`upper(mail)`) }
        : {}),
    } as any,
    ((c: any) => [
      ...(has('unique key that a foreign key needs') ? [unique('mail_key').on(c.mail)] : []),
      ...(has('own policy of a tenant table for a role')
        ? [pgPolicy('sees', { for: 'select', to: 'public', using: sql`true` })]
        : []),
    ]) as any,
  );
  const renamed = has('rename table, column and index at once');
  const teams: any = tenantTable(
    renamed ? 'squads' : 'teams',
    {
      orgId: tenant(),
      id: integer().primaryKey(),
      leadId: integer(renamed ? 'chief_id' : 'lead_id').references(() => people.id),
      name: text(renamed ? 'title' : 'name').notNull(),
      ...(has('foreign key to another column')
        ? { mail: text().references(() => people.mail, { onUpdate: 'no action' }) }
        : {}),
    } as any,
    ((c: any) => [index(renamed ? 'by title' : 'by name').on(c.name)]) as any,
  );
  const plain: any = has('plain with children to tenant')
    ? tenantTable('plain', { id: integer().primaryKey(), orgId: org.id('org_id'), name: text() } as any)
    : pgTable('plain', { id: integer().primaryKey(), org: uuid().notNull(), name: text() });
  const plainKids: any = has('plain with children to tenant')
    ? tenantTable('plain_kids', {
        orgId: org.id('org_id'),
        id: integer().primaryKey(),
        plainId: integer('plain_id')
          .notNull()
          .references(() => plain.id),
      } as any)
    : pgTable('plain_kids', {
        id: integer().primaryKey(),
        plainId: integer('plain_id')
          .notNull()
          .references(() => plain.id),
      });
  const lookup: any = has('drop the table that another points at')
    ? undefined
    : referenceTable('lookup', { id: integer().primaryKey(), name: text() });
  const uses: any = tenantTable('uses', {
    orgId: tenant(),
    id: integer().primaryKey(),
    lookupId: lookup ? integer('lookup_id').references(() => lookup.id) : integer('lookup_id'),
    ...(has('a second tenant in a row') ? { other: org.ref('other_org') } : {}),
  } as any);
  const chain: any = tenantTable(
    'chain',
    { orgId: tenant(), id: integer().primaryKey(), parent: integer() } as any,
    ((c: any) => [
      ...(has('self reference with set null')
        ? [
            foreignKey({ columns: [c.parent], foreignColumns: [c.id], name: 'up' }).onDelete(
              has('set null away') || onCitus ? 'no action' : 'set null',
            ),
          ]
        : []),
    ]) as any,
  );
  const ages: any = has('integer to text again, under a view')
    ? pgView('ages', { orgId: org.id('org_id'), mail: text() } as any).as(sql.raw('select org_id, mail from people'))
    : undefined;
  const fresh: any = has('everything at once')
    ? tenantTable('fresh', {
        orgId: tenant(),
        id: uuid().primaryKey(),
        personId: integer('person_id').references(() => people.id, { onDelete: 'cascade' }),
      } as any)
    : undefined;
  return Object.fromEntries(
    Object.entries({ core, orgs, kind, people, teams, plain, plainKids, lookup, uses, chain, ages, fresh }).filter(
      ([, it]) => it !== undefined,
    ),
  );
}

export const teams: Team[] = [
  { name: 'hard', schemaAt: hard, steps: hardSteps },
  { name: 'erp', schemaAt: erp, steps: erpSteps },
  { name: 'chat', schemaAt: chat, steps: chatSteps },
  { name: 'market', schemaAt: market, steps: marketSteps },
];
