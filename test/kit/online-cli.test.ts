/**
 * `tenancy.online` from the command line, with the real generate: what check warns of, online.json, plan, apply and
 * migrate.
 */
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hazardsOf } from '../../src/kit/rules/hazards.js';
import { Entities } from '../../src/kit/snapshot.js';
import { createDatabase, type Database } from './database.js';
import { configure, tenantIn } from './in-process.js';
import { account, Project, removeProjects } from './project.js';

const notes = (columns: string, extra = '') => `${account}
import { index, unique } from 'drizzle-orm/pg-core';
export const accounts = tenantTable('accounts', { id: account.id().primaryKey() });
export const notes = tenantTable('notes', { accountId: account.id('account_id').references(() => accounts.id),
  id: integer().primaryKey(), ${columns} }, (t) => [${extra}]);
`;

let database: Database;
let sql: postgres.Sql;
let project: Project;
beforeAll(async () => {
  database = await createDatabase();
  sql = postgres(database.url(), { max: 1, onnotice: () => {} });
  project = new Project({ 'schema.ts': notes('title: text()') });
  configure(project, 'citus: false, online: true', database.url());
}, 60_000);
afterAll(async () => {
  await sql?.end();
  await database?.drop();
  removeProjects();
});
const tenant = (...args: string[]) => tenantIn(project, ...args);

test('a migration leaves what holds a table for long, and the command line does it before the next one', {
  timeout: 240_000,
}, async () => {
  expect(await project.drizzleKit('generate')).toMatchObject({ code: 0 });
  expect(await tenant('migrate')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Done: 1 migration, 0 steps.'),
  });
  expect(await tenant('plan')).toMatchObject({ code: 0 });
  await sql`INSERT INTO accounts VALUES ('00000000-0000-4000-8000-00000000000a')`;
  await sql`INSERT INTO notes SELECT '00000000-0000-4000-8000-00000000000a', g, 'title ' || g
    FROM generate_series(1, 10) g`;

  project.write(
    'schema.ts',
    notes('title: text().notNull()', `unique('notes_titles').on(t.title), index('notes_title').on(t.title)`),
  );
  expect(await project.drizzleKit('generate')).toMatchObject({ code: 0 });
  expect(JSON.parse(project.last('online.json'))).toMatchObject({
    version: 1,
    fills: [],
    drops: [],
    indexes: [expect.stringContaining('"notes_title"')],
  });
  expect(await tenant('check')).toMatchObject({ code: 0, stderr: '' });
  // What a second one builds on, in the same run.
  project.write('schema.ts', notes('name: text().notNull()', `unique('notes_titles').on(t.name)`));
  expect(
    await project.drizzleKit(
      'generate',
      '--hints',
      JSON.stringify([
        { type: 'rename', kind: 'column', from: ['public', 'notes', 'title'], to: ['public', 'notes', 'name'] },
      ]),
    ),
  ).toMatchObject({ code: 0 });

  const [, second, third] = project.migrations;
  expect(await tenant('plan')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(
      `Run "npx drizzle-kit migrate" first: 2 migrations did not run here yet (${second}, ${third}).`,
    ),
  });
  const run = await tenant('migrate');
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const said = run.stdout
    .split('\n')
    .filter((it) => !it.startsWith('      '))
    .map((it) => it.replace(/ \(.*/, ''));
  expect(said.slice(0, -2)).toEqual([
    second,
    '[1/4] notes: title NOT NULL',
    '[2/4] notes: an index for the unique constraint notes_titles, built beside',
    '[3/4] notes: with the unique constraint notes_titles',
    '[4/4] notes: with the index notes_title',
    third,
    '[1/1] notes: without the index notes_title',
  ]);
  expect(await tenant('plan')).toMatchObject({ code: 0 });
  expect((await sql`SELECT name FROM drizzle.__drizzle_migrations ORDER BY id`).map((it) => it['name'])).toEqual(
    project.migrations,
  );
  // drizzle-kit takes the notes for its own.
  expect(await project.drizzleKit('migrate')).toMatchObject({ code: 0 });
  expect(await sql`SELECT count(*)::int AS runs FROM drizzle.__drizzle_migrations`).toEqual([{ runs: 3 }]);
});

test('check names statements that hold a table, or destroy, and what to write instead', () => {
  const before = new Entities([
    { entityType: 'tables', schema: 'public', name: 't' },
    ...[
      ['a', 'text'],
      ['n', 'integer'],
      ['v', 'varchar(10)'],
      ['s', 'timestamp'],
    ].map(([name, type]) => ({ entityType: 'columns', schema: 'public', table: 't', name, type })),
  ]);
  const found = (statement: string) =>
    hazardsOf([statement], before).map((it) => `${it.kind} ${it.table}: ${it.what}; ${it.instead}`)[0];
  const dangerous: [string, RegExp][] = [
    ['CREATE INDEX IF NOT EXISTS "i" ON "t" ("a");', /^locks t: writes wait until the index is built; tenancy\.online/],
    ['ALTER TABLE "t" ADD CONSTRAINT "u" UNIQUE("a");', /^locks t: reads and writes wait/],
    ['ALTER TABLE "t" ADD PRIMARY KEY ("a");', /^locks/],
    [
      'ALTER TABLE "t" ADD CONSTRAINT "f" FOREIGN KEY ("a") REFERENCES "x"("id");',
      /^locks t: writes wait until every row is checked; .*NOT VALID/,
    ],
    ['ALTER TABLE "t" ADD CONSTRAINT "c" CHECK (a > 0);', /^locks/],
    ['ALTER TABLE "t" ALTER COLUMN "a" SET NOT NULL;', /^locks/],
    ['ALTER TABLE "t" ADD COLUMN "b" uuid DEFAULT gen_random_uuid() NOT NULL;', /^locks t: .*written anew/],
    ['ALTER TABLE "t" ADD COLUMN "b" bigserial NOT NULL;', /^locks/],
    ['ALTER TABLE "t" ADD COLUMN "b" text NOT NULL;', /^locks t: it fails where the table has rows/],
    ['UPDATE "t" SET "a" = 1;', /^locks t: whoever writes one of the rows waits/],
    [
      'ALTER TABLE "t" ALTER COLUMN "n" SET DATA TYPE bigint USING "n"::bigint;',
      /^locks t: .*written anew; a new column beside it/,
    ],
    ['ALTER TABLE "t" ALTER COLUMN "n" SET DATA TYPE smallint;', /^destroys t: values that do not fit smallint/],
    ['ALTER TABLE "t" ALTER COLUMN "v" SET DATA TYPE varchar(5);', /^destroys/],
    ['ALTER TABLE "t" ALTER COLUMN "a" SET DATA TYPE integer USING "a"::integer;', /^destroys/],
    ['ALTER TABLE "t" DROP COLUMN "a";', /^destroys t: its values are gone/],
    ['-- a comment\nDROP TABLE "t";', /^destroys t: its rows are gone/],
  ];
  for (const [statement, words] of dangerous)
    expect([statement, found(statement)]).toEqual([statement, expect.stringMatching(words)]);
  const harmless = [
    'CREATE INDEX CONCURRENTLY "i" ON "t" ("a");',
    'ALTER TABLE "t" ADD CONSTRAINT "f" FOREIGN KEY ("a") REFERENCES "x"("id") NOT VALID;',
    'ALTER TABLE "t" ADD COLUMN "b" text;',
    `ALTER TABLE "t" ADD COLUMN "b" text DEFAULT 'f(x)' NOT NULL;`,
    'ALTER TABLE "t" ADD COLUMN "b" timestamp DEFAULT now() NOT NULL;',
    'ALTER TABLE "t" ALTER COLUMN "v" SET DATA TYPE varchar(20);',
    'ALTER TABLE "t" ALTER COLUMN "v" SET DATA TYPE text;',
    'ALTER TABLE "t" ALTER COLUMN "a" DROP NOT NULL;',
    'DROP TABLE "other";',
  ];
  for (const statement of harmless) expect([statement, found(statement)]).toEqual([statement, undefined]);
  expect(hazardsOf(['CREATE TABLE "new" ("id" integer);', 'CREATE INDEX "i" ON "new" ("id");'], before)).toEqual([]);
});
