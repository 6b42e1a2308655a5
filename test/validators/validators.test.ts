/**
 * Validators of tenant tables: without the tenant column, in the types and when they run; what they accept can be
 * inserted.
 */
import { type } from 'arktype';
import { sql } from 'drizzle-orm';
import { Schema } from 'effect';
import { bigint, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { Value } from 'typebox/value';
import type { Static } from 'typebox';
import * as v from 'valibot';
import { expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  tenancy,
  tenantTable,
  type InferInsertModel,
  type InferSelectModel,
  type TenantDatabase,
} from '../../src/index.js';
import * as arktype from '../../src/validators/arktype.js';
import * as effect from '../../src/validators/effect-schema.js';
import * as typebox from '../../src/validators/typebox.js';
import * as valibot from '../../src/validators/valibot.js';
import * as zod from '../../src/validators/zod.js';

const account = tenancy('account', uuid);
const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull(),
  budget: integer(),
  size: bigint({ mode: 'number' }).generatedAlwaysAs(sql`1`),
});
const plain = pgTable('plain', { id: integer().primaryKey(), accountId: text() });

type New = InferInsertModel<typeof projects>;
type Own = Omit<InferSelectModel<typeof projects>, 'accountId'>;
const row = { id: '00000000-0000-4000-8000-000000000001', name: 'x', budget: null, size: 1 };
const stray = { ...row, accountId: '00000000-0000-4000-8000-00000000000a' };
const keys = (value: object) => Object.keys(value).sort();

/** Compiles, and that is what is tested. */
export function inserts(tdb: TenantDatabase<'account'>, value: unknown) {
  return [
    tdb.insert(projects).values(zod.createInsertSchema(projects).parse(value)),
    tdb.insert(projects).values(v.parse(valibot.createInsertSchema(projects), value)),
    tdb.insert(projects).values(arktype.createInsertSchema(projects).assert(value)),
    tdb.insert(projects).values(Value.Parse(typebox.createInsertSchema(projects), value)),
    tdb.insert(projects).values(Schema.decodeUnknownSync(effect.createInsertSchema(projects))(value)),
    tdb.update(projects).set(zod.createUpdateSchema(projects).parse(value)),
    tdb.update(projects).set(v.parse(valibot.createUpdateSchema(projects), value)),
    tdb.update(projects).set(arktype.createUpdateSchema(projects).assert(value)),
    tdb.update(projects).set(Value.Parse(typebox.createUpdateSchema(projects), value)),
    tdb.update(projects).set(Schema.decodeUnknownSync(effect.createUpdateSchema(projects))(value)),
  ];
}

it('zod', () => {
  const insert = zod.createInsertSchema(projects, { name: (schema) => schema.min(1) });
  expectTypeOf<z.output<typeof insert>>().toExtend<New>();
  expectTypeOf<keyof z.output<typeof insert>>().toEqualTypeOf<'id' | 'name' | 'budget'>();
  const select = zod.createSelectSchema(projects);
  expectTypeOf<z.output<typeof select>>().toExtend<Own>();
  expect([keys(insert.shape), keys(select.shape), keys(zod.createUpdateSchema(projects).shape)]).toEqual([
    ['budget', 'id', 'name'],
    ['budget', 'id', 'name', 'size'],
    ['budget', 'id', 'name'],
  ]);
  expect(insert.parse(stray)).toEqual({ id: row.id, name: 'x', budget: null });
  expect(() => insert.parse({ name: '' })).toThrow();
  // @ts-expect-error the tenant column is not there to be refined
  zod.createInsertSchema(projects, { accountId: (schema) => schema });
  expect(keys(zod.createInsertSchema(plain).shape)).toEqual(['accountId', 'id']);
});

it('valibot', () => {
  const insert = valibot.createInsertSchema(projects, { name: (schema) => v.pipe(schema, v.minLength(1)) });
  expectTypeOf<keyof v.InferOutput<typeof insert>>().toEqualTypeOf<'id' | 'name' | 'budget'>();
  expect([
    keys(insert.entries),
    keys(valibot.createSelectSchema(projects).entries),
    keys(valibot.createUpdateSchema(projects).entries),
  ]).toEqual([
    ['budget', 'id', 'name'],
    ['budget', 'id', 'name', 'size'],
    ['budget', 'id', 'name'],
  ]);
  expect(v.parse(insert, stray)).toEqual({ id: row.id, name: 'x', budget: null });
  expect(() => v.parse(insert, { name: '' })).toThrow();
});

it('arktype', () => {
  const insert = arktype.createInsertSchema(projects, { name: (schema) => schema.atLeastLength(1) });
  expectTypeOf<keyof typeof insert.infer>().toEqualTypeOf<'id' | 'name' | 'budget'>();
  expect(insert.props.map((it) => it.key).sort()).toEqual(['budget', 'id', 'name']);
  expect(
    arktype
      .createSelectSchema(projects)
      .props.map((it) => it.key)
      .sort(),
  ).toEqual(['budget', 'id', 'name', 'size']);
  expect(insert({ name: '' })).toBeInstanceOf(type.errors);
});

it('typebox', () => {
  const insert = typebox.createInsertSchema(projects);
  expectTypeOf<keyof Static<typeof insert>>().toEqualTypeOf<'id' | 'name' | 'budget'>();
  expect([
    keys(insert.properties),
    keys(typebox.createSelectSchema(projects).properties),
    keys(typebox.createUpdateSchema(projects).properties),
  ]).toEqual([
    ['budget', 'id', 'name'],
    ['budget', 'id', 'name', 'size'],
    ['budget', 'id', 'name'],
  ]);
  expect([Value.Check(insert, { name: 'x' }), Value.Check(insert, {})]).toEqual([true, false]);
});

it('Effect Schema', () => {
  const insert = effect.createInsertSchema(projects);
  expectTypeOf<keyof typeof insert.Type>().toEqualTypeOf<'id' | 'name' | 'budget'>();
  expect([
    keys(insert.fields),
    keys(effect.createSelectSchema(projects).fields),
    keys(effect.createUpdateSchema(projects).fields),
  ]).toEqual([
    ['budget', 'id', 'name'],
    ['budget', 'id', 'name', 'size'],
    ['budget', 'id', 'name'],
  ]);
  expect(Schema.decodeUnknownSync(insert)(stray)).toEqual({ id: row.id, name: 'x', budget: null });
});
