/** Loads the files of a schema, as often as they change, and tells what they declare. */
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { createJiti } from 'jiti';
import { declaredState, listen, plainOf } from '../generate/declared.js';
import { SchemaLoadError } from '../errors.js';
import { definitionFaults } from '../generate/hook.js';
import { keyOf, plain, type TableName } from '../names.js';
import { readOptions, type TenancyOptions } from '../options.js';
import type { Fault } from '../faults.js';
import { faultsOf } from '../rules/rules.js';
import { importOf } from '../schema-files.js';
import { Entities, type Row } from '../snapshot.js';
import { declaredViews, loadViewReader } from '../rules/views.js';

/** A table, and where it is declared. */
export interface Declared extends TableName {
  readonly file: string;
  /** The name by which the file exports it. */
  readonly name_: string;
  /** From a column's name in the database to its key. */
  readonly keys: ReadonlyMap<string, string>;
  /** The names of the columns to which the schema gives values by a function. */
  readonly made: ReadonlySet<string>;
}

export interface LoadedSchema {
  readonly entities: Entities;
  readonly tables: ReadonlyMap<string, Declared>;
  /** Whether it declares a tenant or reference table. */
  readonly hasTenants: boolean;
  /** What is wrong with it, as the options see it. */
  readonly faults: readonly Fault[];
}

const isTable = (value: unknown): value is object => (value as any)?.[Symbol.for('drizzle:IsDrizzleTable')] === true;

/**
 * @param files the files, with their whole paths
 * @throws SchemaLoadError with the file that does not load
 */
export async function loadTables(files: readonly string[], tenancy: TenancyOptions): Promise<LoadedSchema> {
  const { cache } = createRequire(import.meta.url);
  for (const path of Object.keys(cache)) if (!path.includes(`${sep}node_modules${sep}`)) delete cache[path];
  const jiti = createJiti(dirname(files[0]!), { interopDefault: true, fsCache: false });
  const heard = listen();
  const exported: Record<string, unknown> = {};
  const seen = new Set<unknown>();
  const tables = new Map<string, Declared>();
  for (const [i, file] of files.entries()) {
    let module: Record<string, unknown>;
    try {
      module = await importOf(jiti, file);
    } catch (error) {
      throw new SchemaLoadError(`Correct ${file}, which does not load: ${(error as Error).message}`, { cause: error });
    }
    for (const [name, value] of Object.entries(module)) {
      if (seen.has(value)) continue; // An index file exports it again.
      seen.add(value);
      exported[`${i}.${name}`] = value;
      if (!isTable(value)) continue;
      const [schema, table] = ['Schema', 'OriginalName'].map(
        (it) => (value as any)[Symbol.for(`drizzle:${it}`)] as string | undefined,
      );
      const at = { schema: schema ?? 'public', name: table! };
      const columns = Object.entries<any>((value as any)[Symbol.for('drizzle:Columns')]);
      if (tables.has(keyOf(at))) continue;
      tables.set(keyOf(at), {
        ...at,
        file,
        name_: name,
        keys: new Map(columns.map(([key, column]) => [column.name, key])),
        made: new Set(columns.filter(([, column]) => column.defaultFn !== undefined).map(([, column]) => column.name)),
      });
    }
  }
  const definitions = definitionFaults(heard);
  const broken = new Set(definitions.map((it) => it.table));
  const isSound = (value: unknown) =>
    !isTable(value) || !heard.some((it) => it.table === value && broken.has(plain(it)));
  const { generateDrizzleJson } = await import('drizzle-kit/api-postgres');
  const sound = Object.fromEntries(Object.entries(exported).filter(([, value]) => isSound(value)));
  const entities = new Entities(((await generateDrizzleJson(sound)) as { ddl: readonly object[] }).ddl as Row[]);
  const options = readOptions(tenancy);
  const state = declaredState(heard, entities, options);
  const rules =
    heard.length === 0
      ? []
      : faultsOf({
          entities,
          state,
          options,
          plain: plainOf(heard, entities),
          views: await loadViewReader(declaredViews(Object.values(exported))),
        });
  return {
    entities,
    tables,
    hasTenants: heard.some((it) => it.kind !== 'plain'),
    faults: [...definitions, ...rules.filter((it) => it.rule === 'definition' || !broken.has(it.table))],
  };
}
