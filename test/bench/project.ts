/** An application of a hundred tables and three hundred queries, plain or scoped, as TypeScript. */

/** Each as `{ scoped, plain }`: what differs is how a table is declared and which handle runs the queries. */
const kinds = {
  scoped: {
    imports:
      `import { defineTenantRelations, referenceTable, tenancy, tenantTable } from '#lib';\nexport const ` +
      "account = tenancy('account', uuid);",
    table: 'tenantTable',
    reference: 'referenceTable',
    tenant: 'account.id()',
    relations: 'defineTenantRelations',
    where: (_table: string, condition: string) => condition,
    handle:
      `import { drizzle } from 'drizzle-orm/postgres-js';\nimport { withTenancy, type TenantId } from ` +
      `'#lib';\nimport { relations } from './schema.js';\nconst db = withTenancy(drizzle('postgres://x'), ` +
      `{ relations });\nexport const handle = (id: TenantId<'account'>) => db.forTenant(id);\nexport type Db ` +
      `= ReturnType<typeof handle>;\nexport type Id = TenantId<'account'>;\n`,
  },
  plain: {
    imports: `import { defineRelations } from 'drizzle-orm';\nimport { pgTable } from 'drizzle-orm/pg-core';`,
    table: 'pgTable',
    reference: 'pgTable',
    tenant: 'uuid().notNull()',
    relations: 'defineRelations',
    where: (table: string, condition: string) => `and(eq(${table}.accountId, id), ${condition})`,
    handle:
      `import { drizzle } from 'drizzle-orm/postgres-js';\nimport { relations } from './schema.js';\nconst ` +
      `db = drizzle('postgres://x', { relations });\nexport const handle = (_id: ` +
      `string) => db;\nexport type Db = ReturnType<typeof handle>;\nexport type Id = string;\n`,
  },
} as const;
export type Kind = keyof typeof kinds;

const tables = 100;
const files = 30;

/** @returns the files of the application, by name */
export function applicationOf(kind: Kind): Record<string, string> {
  const { imports, table, reference, tenant, relations, where, handle } = kinds[kind];
  const declared = Array.from({ length: tables }, (_, i) => {
    const parent = i === 0 ? '' : ` parentId: integer().references(() => t${i - 1}.id),`;
    return (
      `export const t${i} = ${table}('t${i}', { accountId: ${tenant}, id: integer().primaryKey(),${parent} ` +
      'name: text().notNull(), ' +
      "note: text(), done: boolean().notNull().default(false), amount: numeric({ mode: 'number' }), meta: " +
      `jsonb().$type<{ a: number }>(), at: timestamp() }, (t) => [index().on(t.name)]);\n`
    );
  });
  const related = Array.from({ length: tables }, (_, i) => {
    const one = i === 0 ? '' : ` parent: r.one.t${i - 1}({ from: r.t${i}.parentId, to: r.t${i - 1}.id }),`;
    const many = i === tables - 1 ? '' : ` children: r.many.t${i + 1}({ from: r.t${i}.id, to: r.t${i + 1}.parentId }),`;
    return `  t${i}: {${one}${many} },\n`;
  });
  const names = Array.from({ length: tables }, (_, i) => `t${i}`);
  const schema =
    'import { boolean, index, integer, jsonb, numeric, text, timestamp, ' +
    `uuid } from 'drizzle-orm/pg-core';\n${imports}\n` +
    `export const countries = ${reference}('countries', { id: integer().primaryKey(), name: ` +
    `text().notNull() });\n${declared.join('')}` +
    `export const relations = ${relations}({ countries, ${names.join(', ')} }, (r) => ({\n${related.join('')}}));\n`;

  const queries = (file: number) =>
    Array.from({ length: 10 }, (_, n) => {
      const i = (file * 10 + n) % (tables - 2);
      const [a, b] = [`t${i}`, `t${i + 1}`];
      const tenant = kind === 'plain' ? ' accountId: id,' : '';
      return [
        `export const q${n} = (db: Db, id: Id) ` +
          `=> db.select().from(s.${a}).where(${where(`s.${a}`, `eq(s.${a}.id, 1)`)});`,
        `export const q${n} = (db: Db, id: Id) => db.select({ a: s.${a}.name, ` +
          `b: s.${b} }).from(s.${a}).leftJoin(s.${b}, ${where(`s.${b}`, `eq(s.${b}.parentId, s.${a}.id)`)});`,
        `export const q${n} = (db: Db, id: Id) => db.select({ n: count(), a: s.${a}.done ` +
          `}).from(s.${a}).innerJoin(s.${b}, ` +
          `${where(`s.${b}`, `eq(s.${b}.parentId, s.${a}.id)`)}).groupBy(s.${a}.done);`,
        `export const q${n} = (db: Db, id: Id) => db.query.${a}.findMany({ ` +
          `where: {${tenant} id: { gt: 1 } }, with: { children: { columns: { name: true } } } });`,
        `export const q${n} = (db: Db, id: Id) => db.insert(s.${a}).values({${tenant} id: 1, name: 'x' }).returning();`,
        `export const q${n} = (db: Db, id: Id) => db.update(s.${a}).set({ name: 'y', ` +
          `done: true }).where(${where(`s.${a}`, `eq(s.${a}.id, 1)`)}).returning({ id: s.${a}.id });`,
        `export const q${n} = (db: Db, id: Id) => db.delete(s.${a}).where(${where(`s.${a}`, `gt(s.${a}.id, 1)`)});`,
        `export const q${n} = (db: Db, id: Id) => { const sq = db.select({ id: s.${a}.id, ` +
          `name: s.${a}.name }).from(s.${a}).where(${where(`s.${a}`, `gt(s.${a}.id, 1)`)}).as('sq'); return ` +
          'db.select().from(sq).where(eq(sq.id, 2)); };',
        `export const q${n} = (db: Db, id: Id) => db.query.${b}.findFirst({ ` +
          `where: {${tenant} name: { like: 'a%' } }, with: { parent: true }, orderBy: { id: 'asc' } });`,
        `export const q${n} = (db: Db, id: Id) => db.select().from(s.${a}).leftJoin(s.countries, ` +
          `eq(s.countries.id, s.${a}.id)).where(${where(`s.${a}`, `isNull(s.${a}.note)`)})` +
          `.orderBy(s.${a}.name).limit(10);`,
      ][n]!;
    }).join('\n');
  const files_ = Object.fromEntries(
    Array.from({ length: files }, (_, file) => [
      `queries${file}.ts`,
      `import { and, count, eq, gt, isNull } from 'drizzle-orm';\n` +
        `import type { Db, Id } from './handle.js';\nimport * as s from './schema.js';\n` +
        `${queries(file)}\nvoid and, count, gt, isNull;\n`,
    ]),
  );
  return { 'schema.ts': schema, 'handle.ts': handle, ...files_ };
}
