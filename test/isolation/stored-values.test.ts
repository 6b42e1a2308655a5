/**
 * What one tenant stored makes another tenant's query fail, where PostgreSQL looks at the user's condition before
 * the predicate. Without row-level security this is a limit, which SECURITY.md states; with it, the policy comes first.
 * Nothing of the row is shown but what the message quotes of it.
 */
import { sql } from 'drizzle-orm';
import { integer, jsonb, text, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { asRole, createRole, grants, policiesOf } from '../support/rls.js';

const account = tenancy('account', uuid);
const rules = tenantTable('stored_rules', {
  tenant: account.id(),
  id: integer().primaryKey(),
  pattern: text().notNull(),
  data: jsonb().notNull(),
  n: integer().notNull(),
});
const relations = defineTenantRelations({ rules });
const [mine, other] = ['aaaaaaaa-0000-4000-8000-00000000000a', 'bbbbbbbb-0000-4000-8000-00000000000b'].map((it) =>
  account.parse(it),
) as [typeof account.$id, typeof account.$id];

const database = `stored_${process.pid}_${Date.now()}`;
const clients: postgres.Sql[] = [];
let admin: postgres.Sql;
let plain: any;
let locked: any;

beforeAll(async () => {
  const server = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await server.unsafe(`create database ${database}`);
  await server.end();
  const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${database}` }).href;
  admin = postgres(url, { max: 1, onnotice: () => {} });
  await admin.unsafe(
    `${createRole}; create table stored_rules (tenant uuid not null, id integer, pattern text not null, ` +
      'data jsonb not null, n integer not null, primary key (tenant, id))',
  );
  await admin`insert into stored_rules select ${mine}, i, '^x', '{"n": 1}', 1 from generate_series(1, 3) i`;
  for (const statement of [...policiesOf('stored_rules', 'tenant', 'uuid', 'account', true), ...grants('public')])
    await admin.unsafe(statement);
  await admin`analyze stored_rules`;
  const connect = (to: string) => {
    clients.push(postgres(to, { max: 1, onnotice: () => {} }));
    return drizzle({ client: clients.at(-1)! });
  };
  plain = withTenancy(connect(url), { relations });
  locked = withTenancy(connect(asRole(url)), { relations, rls: true });
});
afterAll(async () => {
  await Promise.all([...clients, admin].map((it) => it?.end()));
  const server = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await server.unsafe(`drop database if exists ${database} with (force)`);
  await server.end();
});

/** What the other tenant stores, and what this tenant asks. */
const programs: Record<
  string,
  {
    stored: [pattern: string, data: string, n: number];
    run: (tdb: any) => Promise<unknown>;
    code: string;
    says?: string;
  }
> = {
  'a regular expression that is none, in text by hand': {
    stored: ['(', '{"n": 1}', 1],
    run: (tdb) => tdb.execute(sql`select id from stored_rules where 'xyz' ~ pattern and tenant = ${mine} order by id`),
    code: '2201B',
  },
  'a path that a document lacks, in text by hand': {
    stored: ['x', '{}', 1],
    run: (tdb) =>
      tdb.execute(
        sql`select id from stored_rules where jsonb_path_exists(data, 'strict $.n') and tenant = ${mine} order by id`,
      ),
    code: '2203A',
  },
  'a value of another type, by the query builder': {
    stored: ['x', '{"n": "a secret"}', 1],
    run: (tdb) =>
      tdb
        .select({ id: rules.id })
        .from(rules)
        .where(sql`json_value(${rules.data}, '$.n' returning integer error on error) is not null`)
        .orderBy(rules.id),
    code: '22P02',
    says: 'a secret',
  },
};

describe.each(Object.keys(programs))('%s', (name) => {
  const { stored, run, code, says = '' } = programs[name]!;
  const rowsOf = async (db: any) => [...((await run(db.forTenant(mine))) as any)].map((it: any) => it.id);

  test('fails this tenant without row-level security, and does not with it', async () => {
    expect(await rowsOf(plain)).toEqual([1, 2, 3]);
    await admin`insert into stored_rules values (${other}, 1, ${stored[0]}, ${stored[1]}::text::jsonb, ${stored[2]})`;
    try {
      await expect(rowsOf(plain)).rejects.toMatchObject({ cause: { code, message: expect.stringContaining(says) } });
      expect(await rowsOf(locked)).toEqual([1, 2, 3]);
    } finally {
      await admin`delete from stored_rules where tenant = ${other}`;
    }
  });
});

test('a division, which costs more than the predicate, comes behind it', async () => {
  await admin`insert into stored_rules values (${other}, 1, 'x', '{}', 0)`;
  try {
    for (const db of [plain, locked])
      expect(await db.forTenant(mine).select({ id: rules.id }).from(rules).where(sql`1 / ${rules.n} > 0`)).toHaveLength(
        3,
      );
  } finally {
    await admin`delete from stored_rules where tenant = ${other}`;
  }
});
