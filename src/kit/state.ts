/**
 * What the tables are after each migration. `tenancy.json`, beside drizzle-kit's `snapshot.json` in each migration
 * folder, holds the difference from the state of the migration's parents, which are found through the snapshots'
 * `prevIds`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MigrationFolderError, TenancyConflictError } from './errors.js';
import { origin, type Migration } from './snapshot.js';

export interface TableState {
  readonly schema: string;
  readonly name: string;
  readonly kind: 'tenant' | 'reference';
  readonly tenancy?: string;
  /** The tenant column, and its type in SQL. */
  readonly column?: string;
  readonly type?: string;
  /** Whether NULL in the tenant column means everybody's row. */
  readonly everybody?: boolean;
  /** The setting that the policies read, where there are any. `as`: written by a version that knew one policy. */
  readonly rls?: {
    readonly setting: string;
    readonly as?: 'PERMISSIVE' | 'RESTRICTIVE';
    /** The setting before, which policies accept until it is retired, where none of `unless` is set. */
    readonly also?: { readonly setting: string; readonly unless: readonly string[] };
  };
}

export interface TenancyState {
  readonly version: 1;
  readonly citus: boolean;
  readonly tenancies: Readonly<
    Record<string, { readonly root?: string; readonly shardCount: number; readonly colocateWith?: string }>
  >;
  readonly tables: Readonly<Record<string, TableState>>;
  /** The roles that the migrations grant the tables to. */
  readonly roles?: { readonly application: string; readonly administrator?: string };
  /** Tables on their way to a tenancy in write-only mode, and the statements that wait for its end. */
  readonly writeOnly?: {
    readonly tables: readonly string[];
    readonly statements: readonly string[];
    /** The unique keys that the tables have until then, by their columns. */
    readonly keys?: Readonly<Record<string, readonly (readonly string[])[]>>;
  };
}

export const emptyState: TenancyState = { version: 1, citus: false, tenancies: {}, tables: {} };

/** The first words of every migration that has a `tenancy.json`, by which a lost one is noticed. */
export const marker = '-- drizzle-tenant';

const sorted = <T>(record: Readonly<Record<string, T>>) =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** One text for one state. */
export function printState({ version, citus, tenancies, tables, roles, writeOnly }: TenancyState): string {
  const state = { version, citus, tenancies: sorted(tenancies), tables: sorted(tables), roles, writeOnly };
  return `${JSON.stringify(state, null, 2)}\n`;
}

/** What one migration changes of the state: the file `tenancy.json`. What is null is gone. */
interface StateDifference {
  readonly version: 2;
  readonly citus?: boolean;
  readonly tenancies?: Readonly<Record<string, TenancyState['tenancies'][string] | null>>;
  readonly tables?: Readonly<Record<string, TableState | null>>;
  readonly writeOnly?: TenancyState['writeOnly'] | null;
  readonly roles?: TenancyState['roles'] | null;
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** The text of `tenancy.json`. */
export function printDifference(prev: TenancyState, next: TenancyState): string {
  const changed = <T>(from: Readonly<Record<string, T>>, to: Readonly<Record<string, T>>) => {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((key) => !isSame(from[key], to[key]));
    return keys.length === 0 ? undefined : sorted(Object.fromEntries(keys.map((key) => [key, to[key] ?? null])));
  };
  const difference: StateDifference = {
    version: 2,
    ...(prev.citus !== next.citus && { citus: next.citus }),
    tenancies: changed(prev.tenancies, next.tenancies),
    tables: changed(prev.tables, next.tables),
    ...(!isSame(prev.writeOnly, next.writeOnly) && { writeOnly: next.writeOnly ?? null }),
    ...(!isSame(prev.roles, next.roles) && { roles: next.roles ?? null }),
  };
  return `${JSON.stringify(difference, null, 2)}\n`;
}

function follow(prev: TenancyState, { citus, tenancies, tables, writeOnly, roles }: StateDifference): TenancyState {
  const changed = <T>(from: Readonly<Record<string, T>>, by: Readonly<Record<string, T | null>> = {}) =>
    sorted(Object.fromEntries(Object.entries({ ...from, ...by }).filter((it): it is [string, T] => it[1] !== null)));
  const { writeOnly: before, roles: granted, ...rest } = prev;
  const now = writeOnly === undefined ? before : writeOnly;
  const to = roles === undefined ? granted : roles;
  return {
    ...rest,
    citus: citus ?? prev.citus,
    tenancies: changed(prev.tenancies, tenancies),
    tables: changed(prev.tables, tables),
    ...(to && { roles: to }),
    ...(now && { writeOnly: now }),
  };
}

export const sameState = (a: TenancyState, b: TenancyState): boolean => printState(a) === printState(b);

/**
 * The state after the given migrations.
 *
 * @param migrations all migrations of the folder
 * @param ids the snapshots to stand on: one, or the leaves of several branches
 * @throws MigrationFolderError for a damaged or missing file; TenancyConflictError when branches disagree
 */
export function stateAt(migrations: readonly Migration[], ids: readonly string[]): TenancyState {
  const byId = new Map(migrations.map((it) => [it.snapshot.id, it]));
  const known = new Map<string, TenancyState>();
  const at = (id: string): TenancyState => {
    const found = known.get(id);
    if (found) return found;
    const migration = byId.get(id);
    const state = migration ? readState(migration, () => merge(migration.snapshot.prevIds)) : emptyState;
    known.set(id, state);
    return state;
  };
  const ancestors = (id: string): string[] => {
    const found: string[] = [];
    const open = [id];
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      if (found.includes(next)) continue;
      found.push(next);
      open.push(...(byId.get(next)?.snapshot.prevIds ?? []));
    }
    return found;
  };
  const merge = (parents: readonly string[]): TenancyState => {
    const [first = origin, ...others] = parents;
    let state = at(first);
    let lineage = ancestors(first);
    for (const other of others) {
      const common = ancestors(other).find((id) => lineage.includes(id)) ?? origin;
      const names = [first, other].map((id) => byId.get(id)?.folder ?? id) as [string, string];
      state = mergeStates(at(common), state, at(other), names);
      lineage = [...lineage, ...ancestors(other)];
    }
    return state;
  };
  return merge(ids);
}

/** What each branch changed, taken together. */
function mergeStates(
  base: TenancyState,
  left: TenancyState,
  right: TenancyState,
  folders: readonly [string, string],
): TenancyState {
  const pick = <T>(what: string, b: T, l: T, r: T): T => {
    const [bs, ls, rs] = [b, l, r].map((it) => JSON.stringify(it));
    if (ls === rs || rs === bs) return l;
    if (ls === bs) return r;
    throw new TenancyConflictError(
      `Delete the migration ${folders[0]} or ${folders[1]} with what follows it, then run generate again: ` +
        `the two decide differently about ${what}.`,
    );
  };
  const records = <T>(
    what: string,
    b: Readonly<Record<string, T>>,
    l: Readonly<Record<string, T>>,
    r: Readonly<Record<string, T>>,
  ) => {
    const merged: Record<string, T> = {};
    for (const key of new Set([...Object.keys(b), ...Object.keys(l), ...Object.keys(r)])) {
      const value = pick(`the ${what} "${key}"`, b[key], l[key], r[key]);
      if (value !== undefined) merged[key] = value;
    }
    return merged;
  };
  const writeOnly = pick('write-only mode', base.writeOnly, left.writeOnly, right.writeOnly);
  const roles = pick('the roles', base.roles, left.roles, right.roles);
  return {
    version: 1,
    citus: pick('citus', base.citus, left.citus, right.citus),
    tenancies: records('tenancy', base.tenancies, left.tenancies, right.tenancies),
    tables: records('table', base.tables, left.tables, right.tables),
    ...(roles && { roles }),
    ...(writeOnly && { writeOnly }),
  };
}

/** @param before the state of the migration's parents */
function readState({ path }: Migration, before: () => TenancyState): TenancyState {
  const file = join(path, 'tenancy.json');
  if (!existsSync(file)) {
    const sql = join(path, 'migration.sql');
    if (existsSync(sql) && readFileSync(sql, 'utf8').startsWith(marker)) {
      throw new MigrationFolderError(`Restore ${file} from git: its migration.sql was written together with it.`);
    }
    return before();
  }
  let state: any;
  try {
    state = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new MigrationFolderError(`Restore ${file} from git: it is not JSON.`);
  }
  const isTable = (it: any) =>
    typeof it?.schema === 'string' &&
    typeof it.name === 'string' &&
    (it.kind === 'reference' ||
      (it.kind === 'tenant' && typeof it.column === 'string' && typeof it.tenancy === 'string'));
  const isRecord = (it: unknown) => typeof it === 'object' && it !== null;
  const isDifference = state?.version === 2;
  // Version 1 held all of the state.
  const { tenancies = isDifference ? {} : undefined, tables = isDifference ? {} : undefined } = state ?? {};
  if (
    !isRecord(tables) ||
    !isRecord(tenancies) ||
    !Object.values(tables).every((it) => (isDifference && it === null) || isTable(it))
  ) {
    throw new MigrationFolderError(`Restore ${file} from git: it does not say what the tables were.`);
  }
  if (state.version !== 1 && !isDifference) {
    throw new MigrationFolderError(
      `Upgrade drizzle-tenant: ${file} has format ${state.version}, and this version reads formats 1 and 2.`,
    );
  }
  return isDifference ? follow(before(), state) : state;
}
