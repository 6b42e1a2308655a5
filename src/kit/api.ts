/** For programs that call `drizzle-kit/api-postgres` themselves: from its statements to ours. */
import { is, Table } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import { classOf } from '../schema/classify.js';
import type { Declared } from './declared.js';
import { plan } from './generate.js';
import { readOptions, type TenancyOptions } from './options.js';
import type { Fault } from './rules.js';
import { Entities, type Row } from './snapshot.js';
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
 * @returns the statements to run in one transaction, the state to keep for the next time, and faults that only warn
 * @throws TenantRuleError with every fault of the schema
 * @example
 * const to = await generateDrizzleJson(schema, from.id);
 * const statements = await generateMigration(from, to);
 * const { statements: all, state } = tenantStatements({ statements, from, to, schema, state: last, tenancy: { citus: {} } });
 */
export function tenantStatements(input: TenantStatementsInput): { statements: string[]; state: TenancyState; warnings: Fault[] } {
  const before = new Entities((input.from?.ddl ?? []) as Row[]);
  const after = before.copy().follow(input.statements).withRows(input.to.ddl as Row[]);
  return plan(input.statements, { before, after, prev: input.state ?? emptyState }, declaredIn(input.schema), readOptions(input.tenancy));
}

/** The tenant and reference tables that a module exports. */
export function declaredIn(schema: Record<string, unknown>): Declared[] {
  const { Schema, OriginalName } = (Table as any).Symbol;
  return Object.values(schema).flatMap((table): Declared[] => {
    if (!is(table, PgTable)) return [];
    const found = classOf(table);
    if (!found) return [];
    const name = { schema: (table as any)[Schema] ?? 'public', name: (table as any)[OriginalName], table };
    return [found.kind === 'tenant' ? { ...name, kind: 'tenant', tenancy: found.tenancy.name, column: found.name } : { ...name, kind: 'reference' }];
  });
}
