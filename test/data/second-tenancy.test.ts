/** Two tenancies in one database, whose rows a foreign key from before leads from one to the other. */
import { createHash } from 'node:crypto';
import { integer, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineTenantRelations, referenceTable, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';

const team = tenancy('team', integer);
const person = tenancy('person', integer);
const teams = tenantTable('teams', { id: team.id().primaryKey() });
const members = tenantTable('members', { teamId: team.id(), id: integer().primaryKey(), who: person.ref() });
const persons = tenantTable('persons', { id: person.id().primaryKey(), secret: text() });
const handles = referenceTable('handles', { name: text().primaryKey(), owner: team.ref() });
const relations = defineTenantRelations({ teams, members, persons, handles });

let client: postgres.Sql;
let data: any;
beforeAll(async () => {
  client = postgres((await freshDatabase('alone')).url, { max: 2, onnotice: () => {} });
  await client.unsafe(`drop schema public, crm cascade; create schema public;
    create table teams (id integer primary key);
    create table persons (id integer primary key, secret text);
    create table members ("teamId" integer not null, id integer not null, who integer references persons,
      primary key ("teamId", id));
    create table handles (name text primary key, owner integer);
    insert into handles values ('one', 1), ('two', 2);
    insert into teams values (1), (2); insert into persons values (7, 'hers'), (8, 'his');
    insert into members values (1, 1, 7), (2, 1, 8)`);
  data = (id: any) => (withTenancy(drizzle({ client }), { relations }) as any).tenantData(id, { tenancy: team });
});
afterAll(async () => {
  await client?.end();
  await dropDatabases();
});
const textOf = async (bytes: AsyncIterable<Uint8Array>) => {
  const all: Uint8Array[] = [];
  for await (const it of bytes) all.push(it);
  return Buffer.concat(all).toString();
};

test('an export has the rows of its tenant, and of nobody whom they point at', async () => {
  const exported = await textOf(data(1).export({ gzip: false }));
  expect(exported).toContain('["1","1","7"]');
  expect(exported).not.toMatch(/secret|hers|public\.persons/);
});

test('a file that says that such rows are shared adds none', async () => {
  const lines = (await textOf(data(1).export({ gzip: false }))).trimEnd().split('\n');
  const [head, end] = [JSON.parse(lines[0]!), JSON.parse(lines.at(-1)!)];
  const [name, row] = ['public.persons', '["9","a stranger"]'];
  const columns = ['id', 'secret'].map((it) => ({ name: it, type: it === 'id' ? 'integer' : 'text' }));
  const lying = { ...head, tables: [{ name, kind: 'reference', columns, key: ['id'], tenant: [] }, ...head.tables] };
  const sha256 = createHash('sha256').update(`${row}\n`).digest('hex');
  const told = { digests: [{ name, rows: 1, sha256 }, ...end.digests] };
  const all = [JSON.stringify(lying), `{"table":"${name}"}`, row, ...lines.slice(1, -1), JSON.stringify(told)];
  await expect(data(1).import([Buffer.from(all.join('\n'))], { into: 'replace' })).rejects.toMatchObject({
    _tag: 'SchemaDifferenceError',
    message: expect.stringContaining('no row of the tenant points at it so here'),
  });
});

test.each(['cascade', 'set null'])(
  'rows of the other tenancy do not go along, nor change: ON DELETE %s',
  async (action) => {
    await client.unsafe(`alter table persons add column home integer default 1 references teams on delete ${action}`);
    const named = expect.stringMatching(
      /^Let go of the foreign key "persons_home_fkey" of "public\.persons": rows of another/,
    );
    await expect(data(1).erase({ reason: 'test' })).rejects.toMatchObject({ message: named });
    await client.unsafe('alter table persons drop column home');
  },
);

test('nor are they erased, though nobody else points at them', async () => {
  await expect(data(1).erase({ reason: 'test', shared: ['persons'] })).rejects.toThrow(/"persons" is none/);
  // A shared row that names it by ref() is the tenant's, too, whatever the column is called.
  await expect(data(1).erase({ reason: 'test' })).rejects.toThrow(/remain in "public.handles" \("owner": 1\)/);
  await data(1).erase({ reason: 'test', keep: ['handles'], allowEmpty: true });
  expect(await client`select id from persons order by id`).toMatchObject([{ id: 7 }, { id: 8 }]);
});
