/**
 * Views at random, against PostgreSQL: whatever the rule `view-tenant` accepts shows a tenant among many what it shows
 * a tenant alone. VIEWS_SEED=n draws the same again, VIEWS=n so many.
 */
import postgres from 'postgres';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { loadParser, proveView, Tables } from '../../src/sql/index.js';
import { Dice, ViewText } from './draw-view-text.js';

const seed = Number(process.env.VIEWS_SEED ?? (process.env.CI ? 1 : Math.floor(Math.random() * 1_000_000)));
const count = Number(process.env.VIEWS ?? 6_000);
const tenant = 2;

const declared = (name: string, columns: readonly string[]) => ({
  table: {},
  schema: undefined,
  name,
  columns: new Set(columns),
  primaryKey: [],
  uniqueOverAll: [],
  isView: false,
  tenant: columns.includes('tenant') ? { column: 'tenant', type: 'integer', tenancy: 'account' } : undefined,
});
const tables = new Tables([
  declared('tasks', ['tenant', 'id', 'x']),
  declared('projects', ['tenant', 'id', 'x']),
  declared('countries', ['id', 'x']),
]);

const clients = ['views_random_many', 'views_random_alone'].map((schema) => ({
  schema,
  client: postgres(inject('databaseUrl'), {
    max: 1,
    onnotice: () => {},
    prepare: false,
    connection: { search_path: schema, statement_timeout: 20_000 } as any,
  }),
}));

beforeAll(async () => {
  for (const { schema, client } of clients) {
    const dice = new Dice(7);
    const rows = (n: number) =>
      Array.from({ length: n }, (_, i) => [i + 1, dice.chance(0.15) ? 'null' : dice.of(0, 1, 2, 3, 4)]);
    await client.unsafe(`drop schema if exists ${schema} cascade; create schema ${schema}; create table countries
      (id int, x int);
      create table tasks (tenant int not null, id int, x int); create table projects (tenant int not null, id int,
        x int);
      insert into countries values (1, 1), (2, 2), (3, 0);`);
    for (const it of [1, 2, 3, 4]) {
      const values = ['tasks', 'projects'].map(
        (table) =>
          `insert into ${table} values ${rows(2 + it)
            .map(([id, x]) => `(${it}, ${id}, ${x})`)
            .join(', ')};`,
      );
      if (schema.endsWith('many') || it === tenant) await client.unsafe(values.join('\n'));
    }
  }
});
afterAll(async () => {
  for (const { schema, client } of clients) {
    await client.unsafe(`drop schema ${schema} cascade`);
    await client.end();
  }
});

/** What a tenant sees of a view, many tenants or alone: rows, or the state of an error. */
const seen = (text: string) =>
  Promise.all(
    clients.map(({ client }) =>
      client.unsafe(`select to_jsonb(v)::text as row from (${text}) v where v.tenant = ${tenant}`).then(
        (rows) => rows.map((it) => it.row as string).sort(),
        (error) => String(error.code),
      ),
    ),
  );

test('views at random show a tenant among many what they show a tenant alone', { timeout: 300_000 }, async () => {
  const parse = await loadParser();
  const dice = new Dice(seed);
  const kinds: Record<string, RegExp> = {
    window: / over /,
    'window before a subquery': /over [^()]*(\([^()]*\))?\)? (in|= any|< all|not in) \(select/,
    'distinct on': /distinct on/,
    grouped: /group by/,
    'full join': /full join/,
    cte: /^with/,
    set: /\) (union|intersect|except)/,
    subquery: /(in|any|exists|array) ?\(select/,
    lateral: /lateral/,
    limit: / limit /,
  };
  const met: Record<string, number> = Object.fromEntries(Object.keys(kinds).map((it) => [it, 0]));
  let [accepted, telling, mixing] = [0, 0, 0];
  for (let i = 0; i < count; i += 1) {
    const text = new ViewText(dice).view();
    const isAccepted = proveView(parse, text, tables, new Set(['tenant']), 'tenant')?.fault === undefined;
    if (!isAccepted && i % 8 !== 0) continue;
    const [many, alone] = await seen(text);
    const isInvalid = typeof many === 'string' && many === alone;
    const isSame = JSON.stringify(many) === JSON.stringify(alone);
    if (!isAccepted) {
      if (!isSame) mixing += 1;
      continue;
    }
    if (isInvalid) continue;
    if (!isSame)
      throw new Error(
        `VIEWS_SEED=${seed}, view ${i}:\n${text}\namong many: ${JSON.stringify(many)}\nalone: ${JSON.stringify(alone)}`,
      );
    accepted += 1;
    if (many!.length > 0) telling += 1;
    for (const [kind, is] of Object.entries(kinds)) if (is.test(text)) met[kind]! += 1;
  }
  console.log(
    `VIEWS_SEED=${seed}: ${count} views, ${accepted} accepted, ${telling} of them with rows, ` +
      `${mixing} refused of every eighth that mix; ${JSON.stringify(met)}`,
  );
  expect(accepted / count).toBeGreaterThan(0.15);
  expect(telling / accepted).toBeGreaterThan(0.7);
  expect(mixing / count).toBeGreaterThan(0.005);
  expect(Object.entries(met).filter(([, n]) => n < count / 600)).toEqual([]);
});
