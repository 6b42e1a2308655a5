/** `forTenants` of more than two, over every type of key: their predicate names the type. */
import { sql } from 'drizzle-orm';
import { bigint, integer, pgEnum, pgSchema, smallint, text, uuid, varchar } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { expect, inject, test } from 'vitest';
import { tenancy, tenantTable, withTenancy, defineTenantRelations } from '../../src/index.js';
const kind = pgEnum('TenantKind', ['x', 'y', 'z', 'w']);
const app = pgSchema('app lab');
const other = app.enum('Other', ['x', 'y', 'z', 'w']);
const u = (n: number) => `aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaa${n}`;
/** The name of each, its column, its type in SQL, and ids of four tenants, of which the handle has three. */
const types: [string, any, string, any[]][] = [
  ['int', integer, 'integer', [1, 2, 3, 4]],
  ['small', smallint, 'smallint', [1, 2, 3, 4]],
  ['big', () => bigint({ mode: 'number' }), 'bigint', [1, 2, 3, 4]],
  ['bign', () => bigint({ mode: 'bigint' }), 'bigint', [1n, 2n, 3n, 4n]],
  ['text', text, 'text', ['a', "b'", 'c', 'd']],
  ['varchar', () => varchar({ length: 20 }), 'varchar(20)', ['a', 'b', 'c', 'd']],
  ['uuid', uuid, 'uuid', [1, 2, 3, 4].map(u)],
  ['enum', () => kind(), '"TenantKind"', ['x', 'y', 'z', 'w']],
  ['enum2', () => other(), '"app lab"."Other"', ['x', 'y', 'z', 'w']],
];
for (const [name, factory, sqlType, ids] of types)
  test(name, async () => {
    const client = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
    await client.unsafe(
      'create schema if not exists "app lab"; do $$ begin create type "TenantKind" ' +
        `as enum ('x','y','z','w'); create type "app lab"."Other" as enum ('x','y','z','w'); exception ` +
        `when duplicate_object then null; end $$; drop table if exists lab_${name}; ` +
        `create table lab_${name} (tenant ${sqlType}, id int)`,
    );
    const t = tenancy(`lab ${name}`, factory);
    const table = tenantTable(`lab_${name}`, { tenant: t.id(), id: integer() });
    const db = withTenancy(drizzle({ client }), { relations: defineTenantRelations({ table } as any) }) as any;
    for (const id of ids) await db.forTenant(t.parse(id)).insert(table).values({ id: 1 });
    const rows = await db
      .forTenants(ids.slice(0, 3).map((id) => t.parse(id)))
      .select()
      .from(table)
      .where(sql`true`);
    expect(rows.map((it: any) => it.tenant)).toEqual(ids.slice(0, 3));
    expect(
      await db
        .forTenants(ids.slice(0, 3).map((id) => t.parse(id)))
        .update(table)
        .set({ id: 2 })
        .returning(),
    ).toHaveLength(3);
    await client.unsafe(`drop table lab_${name}`);
    await client.end();
  });
