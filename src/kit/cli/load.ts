/** Reads `drizzle.config.ts` and the schema outside drizzle-kit, for the command line. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { readConfig, type ReadConfig } from '../options.js';
import { declaredState, listen, plainOf, type Declared } from '../generate/declared.js';
import { SchemaLoadError, TenantConfigError, TenantRuleError } from '../errors.js';
import { definitionFaults } from '../generate/hook.js';
import { settleSettings } from '../generate/settings.js';
import { type Fault } from '../faults.js';
import { faultsOf } from '../rules/rules.js';
import { importOf, schemaFiles } from '../schema-files.js';
import { Entities, leavesOf, readMigrations, type Row } from '../snapshot.js';
import { stateAt, type TenancyState } from '../state.js';
import { declaredViews, loadViewReader } from '../rules/views.js';

export interface Project extends ReadConfig {
  readonly declared: readonly Declared[];
  readonly entities: Entities;
  /** What the schema asks for. */
  readonly state: TenancyState;
  readonly warnings: readonly Fault[];
  /** drizzle-kit's own statements that make all of the schema. */
  statements(): Promise<readonly string[]>;
}

const configNames = ['drizzle.config.ts', 'drizzle.config.js', 'drizzle.config.json'];

/**
 * Loads the config only.
 *
 * @param path the config's path; without it, drizzle-kit's default name in the current folder
 * @throws TenantConfigError when there is none, or it is not made by `defineTenantConfig`
 */
export async function loadConfig(path?: string): Promise<ReadConfig> {
  const file = resolve(path ?? configNames.find((it) => existsSync(resolve(it))) ?? configNames[0]!);
  if (!existsSync(file)) {
    throw new TenantConfigError(
      `Pass --config, or run the command in the folder of drizzle.config.ts: there is no ${file}.`,
    );
  }
  const config = await load(
    file,
    (error) => new TenantConfigError(`Correct ${file}, which does not load: ${error.message}`, { cause: error }),
  );
  const read = readConfig((config as any).default ?? config);
  if (!read) throw new TenantConfigError(`Export defineTenantConfig({...}) from ${file}, as its default export.`);
  return { ...read, out: resolve(read.out) };
}

/**
 * Loads the config and the schema, and checks the rules.
 *
 * @throws TenantConfigError, SchemaLoadError; TenantRuleError with every fault
 */
export async function loadProject(path?: string): Promise<Project> {
  const declared = listen();
  const read = await loadConfig(path);
  const exported = await loadSchema(read.schema);
  const definitions = definitionFaults(declared);
  const broken = new Set(definitions.map((it) => it.table));
  const sound = Object.fromEntries(
    Object.entries(exported).filter(
      ([, value]) =>
        !declared.some(
          (it) => it.table === value && broken.has(it.schema === 'public' ? it.name : `${it.schema}.${it.name}`),
        ),
    ),
  );
  const { generateDrizzleJson, generateMigration } = await import('drizzle-kit/api-postgres');
  const json = await generateDrizzleJson(sound);
  const entities = new Entities((json as { ddl: readonly object[] }).ddl as Row[]);
  const asked = declaredState(declared, entities, read.options);
  const state = read.options.rls ? settleSettings(asked, migratedState(read.out), read.options) : asked;
  const faults = [
    ...definitions,
    ...faultsOf({
      entities,
      state,
      options: read.options,
      plain: plainOf(declared, entities),
      views: await loadViewReader(declaredViews(Object.values(exported))),
    }),
  ].filter((it) => it.rule === 'definition' || !broken.has(it.table));
  const errors = faults.filter((it) => it.level === 'error');
  if (errors.length > 0) throw new TenantRuleError(errors);
  const statements = async () => generateMigration(await generateDrizzleJson({}), json);
  return { ...read, declared, entities, state, warnings: faults, statements };
}

/**
 * What the schema's files export, each by a name of its own.
 *
 * @throws SchemaLoadError
 */
export async function loadSchema(schema: string | string[]): Promise<Record<string, unknown>> {
  const exported: Record<string, unknown> = {};
  const seen = new Set<unknown>();
  for (const [i, file] of schemaFiles(schema).entries()) {
    const module = await load(
      file,
      (error) => new SchemaLoadError(`Correct ${file}, which does not load: ${error.message}`, { cause: error }),
    );
    for (const [name, value] of Object.entries(module)) {
      // An index file exports again what another one declares.
      if (!seen.has(value)) exported[`${i}.${name}`] = value;
      seen.add(value);
    }
  }
  return exported;
}

/** The state that the migrations lead to. @throws MigrationFolderError, TenancyConflictError */
export function migratedState(out: string): TenancyState {
  const migrations = readMigrations(out);
  return stateAt(migrations, leavesOf(migrations));
}

let loader: ReturnType<typeof createJiti> | undefined;

async function load(file: string, failed: (error: Error) => Error): Promise<Record<string, unknown>> {
  loader ??= createJiti(dirname(file), { interopDefault: true });
  try {
    return await importOf(loader, file);
  } catch (error) {
    const known = error as Error & { _tag?: string };
    if (known._tag === 'TenantConfigError') throw known;
    throw failed(known instanceof Error ? known : new Error(String(error)));
  }
}

/** A module that a command is given. @throws SchemaLoadError */
export const loadModule = (file: string) =>
  load(
    file,
    (error) => new SchemaLoadError(`Correct ${file}, which does not load: ${error.message}`, { cause: error }),
  );
