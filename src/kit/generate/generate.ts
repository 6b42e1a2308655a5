/** From drizzle-kit's new migration to ours: what is written into the folder. No file is touched here. */
import { leaveForLater } from './online.js';
import { printOnline, type OnlineSteps } from '../online.js';
import { joinStatements } from '../statements.js';
import { declaredState, plainOf, type Declared } from './declared.js';
import { TenantRuleError } from '../errors.js';
import { migrationStatements } from './migration.js';
import { nameBefore } from '../changes.js';
import { settleSettings } from './settings.js';
import type { Options } from '../options.js';
import { type Fault } from '../faults.js';
import { changeFaults, uniqueFaults } from '../rules/changes.js';
import { faultsOf } from '../rules/rules.js';
import { Entities, entitiesAt, leavesOf, type Migration, type Snapshot } from '../snapshot.js';
import { printDifference, sameState, stateAt, type TenancyState } from '../state.js';
import type { ViewReader } from '../rules/views.js';
import { holdBack, release } from './write-only.js';

export interface Generated {
  readonly sql: string;
  readonly tenancy: string;
  /** `online.json`, where the migration leaves something to `drizzle-tenant apply`. */
  readonly online?: string;
  readonly warnings: readonly Fault[];
}

/**
 * @param drizzle drizzle-kit's statements
 * @param snapshot drizzle-kit's new snapshot
 * @param migrations the migrations before it
 * @param declared the tables that the schema declared
 * @param views what reads views
 * @returns the new files' contents
 * @throws TenantRuleError with every fault; MigrationFolderError, TenancyConflictError
 */
export function generate(
  drizzle: readonly string[],
  snapshot: Snapshot,
  migrations: readonly Migration[],
  declared: readonly Declared[],
  options: Options,
  breakpoints: boolean,
  views: ViewReader,
): Generated {
  const before = entitiesAt(migrations, snapshot.prevIds);
  const after = snapshot.ddl ? new Entities(snapshot.ddl) : before.copy().apply(snapshot.deltas ?? []);
  const prev = stateAt(migrations, snapshot.prevIds);
  const { statements, state, left, warnings } = plan(drizzle, { before, after, prev }, declared, options, views);
  return {
    sql: joinStatements(statements, breakpoints),
    tenancy: printDifference(prev, state),
    ...(left && { online: printOnline(left) }),
    warnings,
  };
}

/** The statements of a migration, and the state after it. */
export function plan(
  drizzle: readonly string[],
  { before, after, prev }: { before: Entities; after: Entities; prev: TenancyState },
  declared: readonly Declared[],
  options: Options,
  views: ViewReader,
): { statements: string[]; state: TenancyState; left?: OnlineSteps; warnings: Fault[] } {
  const asked = settleSettings(declaredState(declared, after, options), prev, options, (it) => nameBefore(it, after));
  const held = options.writeOnly
    ? holdBack(drizzle, { before, after, prev, next: asked })
    : { statements: release(drizzle, prev.writeOnly?.statements ?? []), next: asked };
  const migrated = { before, after, prev, next: held.next };
  const faults = [
    ...faultsOf({ entities: after, state: asked, options, views, plain: plainOf(declared, after) }),
    ...changeFaults(held.statements, migrated, options),
    ...uniqueFaults({ ...migrated, next: asked }, options),
  ];
  const errors = faults.filter((it) => it.level === 'error');
  if (errors.length > 0) throw new TenantRuleError(errors);
  const statements = migrationStatements(held.statements, migrated);
  return {
    ...(options.online ? leaveForLater(statements, migrated) : { statements }),
    state: held.next,
    warnings: faults,
  };
}

/** Whether the schema asks for a change that drizzle-kit cannot see, such as another kind of table or shard count. */
export function isBehind(migrations: readonly Migration[], declared: readonly Declared[], options: Options): boolean {
  const leaves = leavesOf(migrations);
  const after = entitiesAt(migrations, leaves);
  const prev = stateAt(migrations, leaves);
  const asked = settleSettings(declaredState(declared, after, options), prev, options);
  const { next } = options.writeOnly
    ? holdBack([], { before: after, after: after.copy(), prev, next: asked })
    : { next: asked };
  return !sameState(prev, next);
}
