/**
 * The databases of a run. All schemas of a pool live in each of them: `many` holds every tenant, `first` and `second`
 * one tenant of each schema, `pair` two tenants of one tenancy.
 */
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import pg from 'pg';
import { drawSchema, poolSize } from './draw-schema.js';
import { loadSchema } from './load-schema.js';
import { referenceRows, tenantRows } from './rows.js';
import type { SchemaSpec } from './spec.js';
import type { Module } from './state.js';

export const databaseNames = ['many', 'first', 'second', 'pair'] as const;
export type DatabaseName = (typeof databaseNames)[number];

export interface PoolSchema {
  readonly spec: SchemaSpec;
  readonly module: Module;
}

export interface Pool {
  readonly seed: number;
  readonly schemas: readonly PoolSchema[];
  readonly urls: Readonly<Record<DatabaseName, string>>;
  readonly drop: () => Promise<void>;
}

/** Whose rows a database holds of a schema: pairs of a tenancy and a tenant, by number. */
export function contentsOf(
  spec: SchemaSpec,
  database: DatabaseName,
): readonly (readonly [tenancy: number, tenant: number])[] {
  const second = spec.tenancies.length > 1 ? ([1, 0] as const) : ([0, 1] as const);
  switch (database) {
    case 'many':
      return spec.tenancies.flatMap((_, tenancy) => [2, 0, 1].map((tenant) => [tenancy, tenant] as const));
    case 'first':
      return [[0, 0]];
    case 'second':
      return [second];
    case 'pair':
      return [
        [0, 0],
        [0, 1],
      ];
  }
}

/** The statements that fill a database with the rows of a schema. */
export function rowsSql(spec: SchemaSpec, seed: number, database: DatabaseName): string {
  const views = spec.tables
    .filter((it) => it.kind === 'materialized view')
    .map((it) => `refresh materialized view ${it.sqlName};`);
  return [
    referenceRows(spec),
    ...contentsOf(spec, database).map(([tenancy, tenant]) => tenantRows(spec, seed, tenancy, tenant).sql),
    ...views,
  ].join('\n');
}

const isEntity = (name: string) => !['account', 'workspace', 'relations'].includes(name);

/** The statements that create the tables of schemas, as drizzle-kit writes them. */
export async function ddlOfModules(modules: readonly Module[]): Promise<string> {
  const entities = Object.fromEntries(
    modules.flatMap((module, i) =>
      Object.entries(module).flatMap(([name, it]) => (isEntity(name) ? [[`${name}${i}`, it]] : [])),
    ),
  );
  return (await generateMigration(await generateDrizzleJson({}), await generateDrizzleJson(entities))).join(';\n');
}

export const drawPool = (seed: number): PoolSchema[] =>
  Array.from({ length: poolSize }, (_, n) => {
    const spec = drawSchema(seed, n);
    return { spec, module: loadSchema(spec) };
  });

/**
 * Draws the schemas, and makes their databases on a server.
 *
 * @param url of a database of the server
 * @param prepare is run on each new database: policies, roles
 */
export async function openPool(
  url: string,
  seed: number,
  prepare?: (client: pg.Client, schemas: readonly PoolSchema[]) => Promise<unknown>,
): Promise<Pool> {
  const schemas = drawPool(seed);
  const ddl = await ddlOfModules(schemas.map((it) => it.module));
  const prefix = `random_${process.pid}_${seed}_${Date.now().toString(36)}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const urlOf = (name: string) => Object.assign(new URL(url), { pathname: `/${prefix}_${name}` }).href;
  try {
    for (const name of databaseNames) await admin.query(`create database ${prefix}_${name}`);
  } finally {
    await admin.end();
  }
  await Promise.all(
    databaseNames.map(async (name) => {
      const client = new pg.Client({ connectionString: urlOf(name) });
      await client.connect();
      await client.query([ddl, ...schemas.map(({ spec }) => rowsSql(spec, seed, name))].join(';\n'));
      await prepare?.(client, schemas);
      await client.end();
    }),
  );
  return {
    seed,
    schemas,
    urls: Object.fromEntries(databaseNames.map((name) => [name, urlOf(name)])) as Record<DatabaseName, string>,
    drop: async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      for (const name of databaseNames) await client.query(`drop database if exists ${prefix}_${name} with (force)`);
      await client.end();
    },
  };
}
