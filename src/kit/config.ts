/** `defineTenantConfig`: what `drizzle.config.ts` exports, so that plain drizzle-kit writes Citus-ready SQL. */
import type { Config } from 'drizzle-kit';
import { TenantConfigError } from './errors.js';
import { hookIntoDrizzleKit } from './generate/hook.js';
import { readKey, readOptions, setForeignKeyIndexes, type ReadConfig, type TenancyOptions } from './options.js';

/** Of drizzle-kit's configs, those for PostgreSQL. */
export type Postgres<T> = T extends { dialect: infer Dialect }
  ? 'postgresql' extends Dialect
    ? Omit<T, 'dialect'> & { dialect: 'postgresql' }
    : never
  : never;

/** drizzle-kit's config for PostgreSQL. */
export type PostgresConfig = Postgres<Config>;

/** drizzle-kit's config for PostgreSQL, and `tenancy`. */
export type TenantConfig = PostgresConfig & { tenancy: TenancyOptions };

/**
 * drizzle-kit's `defineConfig` for schemas with tenant tables. `npx drizzle-kit generate` then checks the schema
 * against Citus's rules, and leaves a `migration.sql` that distributes the tables, and a `tenancy.json` beside it.
 *
 * @param config drizzle-kit's config for PostgreSQL, and `tenancy`: `citus`, `rls`, `mode` and `rules`
 * @returns drizzle-kit's config
 * @throws TenantConfigError when `tenancy` is not what it has to be
 * @example
 * export default defineTenantConfig({
 *   dialect: 'postgresql', schema: './src/schema.ts', out: './drizzle', dbCredentials: { url },
 *   tenancy: { citus: { shardCount: 32 } },
 * });
 */
export function defineTenantConfig(config: TenantConfig): PostgresConfig {
  const { tenancy, ...rest } = config as TenantConfig & Record<string, any>;
  if (rest.dialect !== 'postgresql')
    throw new TenantConfigError(`Set dialect to 'postgresql': tenant tables are PostgreSQL tables.`);
  const options = readOptions(tenancy);
  const read: ReadConfig = { options, schema: rest.schema ?? [], out: rest.out ?? 'drizzle', config: rest };
  // The tables make these indexes when drizzle-kit reads them, in this process and after the config.
  setForeignKeyIndexes(options.foreignKeyIndexes);
  hookIntoDrizzleKit(read);
  if (options.citus) {
    // Citus's own views in public, and its schemas, which push would drop.
    rest.tablesFilter = [...[rest.tablesFilter ?? '*'].flat(), '!citus_tables', '!citus_schemas'];
    rest.schemaFilter = [
      ...[rest.schemaFilter ?? '*'].flat(),
      '!citus',
      '!citus_internal',
      '!columnar',
      '!columnar_internal',
    ];
  }
  // The command line may run another copy of this module than the config imports.
  return Object.defineProperty({ ...rest }, readKey, { value: read }) as unknown as PostgresConfig;
}
