/**
 * drizzle-kit reads a table's definition by itself, and knows nothing of policies, of Citus, and of a SET NULL for one
 * column. `generate` is hooked into by drizzle-tenant/kit. `push` is not: it compares the database with the definition,
 * so that it drops the policies and switches row-level security off. Both are known here, where each has to come by,
 * whether it was started as a command, as a function, or with no config at all.
 */
import { is } from 'drizzle-orm';
import { ForeignKeyBuilder, type PgTable } from 'drizzle-orm/pg-core';
import { TenantDefinitionError } from '../errors.js';

/** What drizzle-tenant/kit says to this copy of the package, and to any other: what a config of the project allows. */
export interface DrizzleKitLeave {
  /** Whether push may change the database: only where it has neither row-level security nor Citus. */
  push?: boolean;
  /** Whether what `generate` writes is completed. */
  generate?: boolean;
}

const leaveKey = Symbol.for('drizzle-tenant:drizzle-kit');
export const drizzleKitLeave = (): DrizzleKitLeave => ((globalThis as any)[leaveKey] ??= {});

const functions = { pushSchema: 'push', runPush: 'push', runGenerate: 'generate', runExport: 'export' } as const;
type Run = 'push' | 'generate' | 'export';

/** What drizzle-kit is doing while it reads a table, or undefined for another reader. */
function drizzleKitRun(): Run | undefined {
  for (const line of callers().split('\n')) {
    const found = /\b(pushSchema|runPush|runGenerate|runExport)\b.*drizzle-kit/.exec(line);
    if (found) return functions[found[1] as keyof typeof functions];
  }
  const argv = (globalThis as { process?: { argv?: string[] } }).process?.argv ?? [];
  return /drizzle-kit[^/\\]*([/\\]bin\.c?js)?$/.test(argv[1] ?? '') && argv[2] === 'push' ? 'push' : undefined;
}

/** The functions that wait for this one, with their files. */
function callers(): string {
  const { stackTraceLimit, prepareStackTrace } = Error as any;
  try {
    (Error as any).stackTraceLimit = Infinity;
    (Error as any).prepareStackTrace = (_: unknown, sites: any[]) =>
      sites.map((it) => `${it.getFunctionName()} ${it.getFileName()}`).join('\n');
    return String(new Error().stack);
  } catch {
    return '';
  } finally {
    try {
      Object.assign(Error, { stackTraceLimit, prepareStackTrace });
    } catch {
      // Frozen, and so never changed.
    }
  }
}

/**
 * Called when a table's constraints are read.
 *
 * @param table the table, by the name of `name`
 * @param extra what its `extra` gives
 * @throws TenantDefinitionError where drizzle-kit would leave a database without what the tenancy needs
 */
export function refuseBareDrizzleKit(table: PgTable, name: string, extra: readonly unknown[]): void {
  const run = drizzleKitRun();
  if (run === undefined) return;
  const leave = drizzleKitLeave();
  const fault = (column: string, remedy: string) => new TenantDefinitionError(name, column, remedy);
  if (run === 'generate') {
    if (leave.generate) return;
    throw fault(
      '-',
      'Export defineTenantConfig({...}) from drizzle.config.ts, and run "npx drizzle-kit generate": ' +
        'without it the migration would have neither policies nor distribution',
    );
  }
  if (run === 'export') {
    throw fault(
      '-',
      'Export defineTenantConfig({...}) from drizzle.config.ts, and run "npx drizzle-kit export" without ' +
        '--schema: past the config it would print neither policies nor distribution',
    );
  }
  if (leave.push !== true) {
    throw fault(
      '-',
      'Use "npx drizzle-kit generate" and "npx drizzle-kit migrate": push would drop the policies of ' +
        'row-level security, switch it off, and leave tables undistributed. ' +
        'A database that has neither is pushed to with defineTenantConfig({ ..., tenancy: { citus: ' +
        'false } }) in drizzle.config.ts; a program that calls pushSchema imports that file first',
    );
  }
  const inline = (table as any)[Symbol.for('drizzle:PgInlineForeignKeys')] as readonly any[];
  for (const key of [...inline, ...extra.filter((it) => is(it, ForeignKeyBuilder))] as any[]) {
    if ((key._onDelete ?? key.onDelete) !== 'set null') continue;
    const { columns } = key.reference();
    if (columns.length > 1) {
      throw fault(
        columns.map((it: any) => it.name).join(', '),
        'Use "npx drizzle-kit generate" and "npx drizzle-kit migrate": push would write an ON DELETE ' +
          'SET NULL that also clears the tenant column',
      );
    }
  }
}
