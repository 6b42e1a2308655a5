/** For programs that call `drizzle-kit/api-postgres` themselves: from its statements to ours. */
import { tableName, type Declared } from './generate/declared.js';
import { plan } from './generate/generate.js';
import { TenantConfigError } from './errors.js';
import { foreignKeyIndexesAreOff, readOptions, type TenancyOptions } from './options.js';
import type { OnlineSteps } from './online.js';
import type { Fault } from './faults.js';
import { Entities, type Row } from './snapshot.js';
import { declaredViews, loadViewReader } from './rules/views.js';
import { emptyState, type TenancyState } from './state.js';

/** A snapshot as `generateDrizzleJson` and `reconstruct` return it. */
export interface SchemaSnapshot {
  readonly ddl: readonly object[];
}

export interface TenantStatementsInput {
  /** What `generateMigration(from, to)` returned. */
  readonly statements: readonly string[];
  /** The snapshot before; left out for the first migration. */
  readonly from?: SchemaSnapshot;
  /** The snapshot after, which `generateDrizzleJson(schema)` returned. */
  readonly to: SchemaSnapshot;
  /** The module that declares the tables. */
  readonly schema: Record<string, unknown>;
  /** What this function returned as `state` last time; left out when nothing is distributed yet. */
  readonly state?: TenancyState;
  /** The same as in `defineTenantConfig`. */
  readonly tenancy: TenancyOptions;
}

/**
 * Adds what the tenancy needs to the statements of one migration, at the places where Citus accepts it.
 *
 * @returns the statements to run in one transaction, the state to keep for the next time, what `online` left for after
 *   them, and faults that only warn
 * @throws TenantRuleError with every fault of the schema; TenantConfigError
 * @example
 * const to = await generateDrizzleJson(schema, from.id);
 * const statements = await generateMigration(from, to);
 * const { statements: all, state } = await tenantStatements({
 *   statements,
 *   from,
 *   to,
 *   schema,
 *   state: last,
 *   tenancy: { citus: {} },
 * });
 */
export async function tenantStatements(
  input: TenantStatementsInput,
): Promise<{ statements: string[]; state: TenancyState; left?: OnlineSteps; warnings: Fault[] }> {
  const options = readOptions(input.tenancy);
  if (!options.foreignKeyIndexes && !foreignKeyIndexesAreOff()) {
    throw new TenantConfigError(
      'Call defineTenantConfig() with tenancy.foreignKeyIndexes: false before generateDrizzleJson(): ' +
        'the snapshot has the indexes already.',
    );
  }
  const before = new Entities((input.from?.ddl ?? []) as Row[]);
  const after = before
    .copy()
    .follow(input.statements)
    .withRows(input.to.ddl as Row[]);
  return plan(
    input.statements,
    { before, after, prev: input.state ?? emptyState },
    await declaredIn(input.schema),
    options,
    await loadViewReader(declaredViews(Object.values(input.schema))),
  );
}

/** The tenant and reference tables that a module exports, and plain ones that have a tenant column. */
async function declaredIn(schema: Record<string, unknown>): Promise<Declared[]> {
  // Loaded here and not above: drizzle.config.ts imports this module too, and needs no tables.
  const { classOf } = await import('../schema/classify.js');
  const { tenancyOfColumn } = await import('../schema/tenancy.js');
  return Object.values(schema).flatMap((table: any): Declared[] => {
    if (table?.[Symbol.for('drizzle:IsDrizzleTable')] !== true) return [];
    const found = classOf(table);
    const at = { ...tableName(table), table };
    if (!found) {
      const columns: any[] = Object.values(table[Symbol.for('drizzle:Columns')]);
      return columns.flatMap((it) => {
        const tenancy = tenancyOfColumn(it)?.name;
        return tenancy === undefined ? [] : [{ ...at, kind: 'plain', tenancy, column: it.name }];
      });
    }
    return [
      found.kind === 'tenant'
        ? { ...at, kind: 'tenant', tenancy: found.tenancy.name, column: found.name, everybody: found.everybody }
        : { ...at, kind: 'reference' },
    ];
  });
}
