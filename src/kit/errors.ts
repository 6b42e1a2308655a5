/**
 * The errors of drizzle-tenant/kit. Each has a `_tag`, and a message that starts with what to do. They are thrown
 * before anything is written or run.
 */
import { pageOf } from '../pages.js';
import type { Fault } from './faults.js';

abstract class KitError extends Error {
  abstract readonly _tag: string;
  /** What the class is called where a bundler has given it another name. */
  static readonly tag: string;

  constructor(message: string, options?: ErrorOptions) {
    const { tag } = new.target;
    super(`${message}${message.includes('\n') ? '\n' : ' '}${pageOf(tag)}`, options);
    this.name = tag;
  }
}

/** `drizzle.config.ts` cannot be read, or its `tenancy` is not what it has to be. */
export class TenantConfigError extends KitError {
  static override readonly tag = 'TenantConfigError';
  readonly _tag = 'TenantConfigError';
}

/** The schema breaks rules of Citus or of tenancy. Holds every fault. */
export class TenantRuleError extends KitError {
  static override readonly tag = 'TenantRuleError';
  readonly _tag = 'TenantRuleError';

  /** @param faults every fault, in the order of the tables' names */
  constructor(readonly faults: readonly Fault[]) {
    super(
      'Correct the schema, then run the command again. Nothing was written. ' +
        `${faults.length} fault${faults.length === 1 ? '' : 's'}:\n` +
        faults.map((fault) => `  ${describeFault(fault)}`).join('\n'),
    );
  }
}

/**
 * One fault on one line.
 *
 * @param fault of a TenantRuleError
 * @example const lines = (error: TenantRuleError) => error.faults.map(describeFault);
 */
export function describeFault(fault: Fault): string {
  const place = fault.column && fault.column !== '-' ? `"${fault.table}" (${fault.column})` : `"${fault.table}"`;
  return `${place} [${fault.rule}] ${fault.remedy}: ${fault.reason}.`;
}

/** The migrations folder is damaged: a snapshot or `tenancy.json` is missing, edited, or of another format. */
export class MigrationFolderError extends KitError {
  static override readonly tag = 'MigrationFolderError';
  readonly _tag = 'MigrationFolderError';
}

/** Two branches of migrations decided differently about one table. */
export class TenancyConflictError extends KitError {
  static override readonly tag = 'TenancyConflictError';
  readonly _tag = 'TenancyConflictError';
}

/** The schema does not load. */
export class SchemaLoadError extends KitError {
  static override readonly tag = 'SchemaLoadError';
  readonly _tag = 'SchemaLoadError';
}

/** The database cannot be reached, or refuses the login. */
export class DatabaseConnectionError extends KitError {
  static override readonly tag = 'DatabaseConnectionError';
  readonly _tag = 'DatabaseConnectionError';
}

/** The database has no Citus, or one that is too old. */
export class CitusRequiredError extends KitError {
  static override readonly tag = 'CitusRequiredError';
  readonly _tag = 'CitusRequiredError';
}

/** The database is in a state that the command does not change: tables are missing, or half-distributed. */
export class DatabaseStateError extends KitError {
  static override readonly tag = 'DatabaseStateError';
  readonly _tag = 'DatabaseStateError';
}
