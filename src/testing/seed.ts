/** `seedTenants`: rows of several tenants for a test, as alike as their keys allow, and always the same ones. */
import type { PgTable } from 'drizzle-orm/pg-core';
import type { TenancyDatabase } from '../data/database.types.js';
import { UnsupportedTenantOperationError } from '../errors.js';
import { idOf, tenancyReferredTo, type AnyTenancy, type TenantId } from '../schema/tenancy.js';
import { inOrder, keyOf, tablesOf, unknown, type Key, type Seeded } from './seed-tables.js';
import { choicesOf, randomOf, valueOf } from './seed-values.js';

/** The row that a value is for. */
export interface SeedRow {
  /** Which row of its tenant in its table, from 0. */
  readonly index: number;
  /** Undefined in a reference table, and for a row of everybody. */
  readonly tenant: TenantId<any> | undefined;
  /** A number from 0 to 1, the same one each time for the same seed. */
  readonly random: () => number;
}

/** Whose rows, and how many. */
export interface SeedOptions {
  /** From `defineTenantRelations`: their tables get rows, in the order of their foreign keys. */
  readonly relations: object;
  /** Ids of tenants; by the name of the tenancy, as in `{ account: [a, b] }`, where there are several tenancies. */
  readonly tenants: readonly TenantId<any>[] | Readonly<Record<string, readonly TenantId<any>[]>>;
  /** How many rows each tenant has in each table, or in the tables that are named: 3 unless told. */
  readonly rows?: number | Readonly<Record<string, number>> | undefined;
  /** Another number gives other values. */
  readonly seed?: number | undefined;
  /** Values of one's own, by the names of the table in the relations and of the column in the table. */
  readonly columns?: Readonly<Record<string, Readonly<Record<string, (row: SeedRow) => unknown>>>> | undefined;
}

type Row = Record<string, unknown>;

/**
 * Gives each tenant rows in every table of the relations: the same number, with the same ids and names where keys are
 * within the tenant, so that a program that mixes tenants up shows it. Foreign keys lead to rows of the tenant; tables
 * of `{ everybody: true }` get rows of everybody, too, through `acrossTenants`.
 *
 * @param db what `withTenancy` returned, over tables without rows
 * @param options the relations, the tenants, and what is to be otherwise than the seeder has it
 * @throws UnsupportedTenantOperationError for a column of which it does not know what to write, with what to add
 * @example
 * it('keeps the projects apart', () =>
 *   expectIsolated(
 *     {
 *       schema,
 *       relations,
 *       tenant: id,
 *       seed: (db) => seedTenants(db, { relations, tenants: [id, account.parse(crypto.randomUUID())] }),
 *     },
 *     (tdb) => tdb.select().from(projects),
 *   ));
 */
export async function seedTenants(db: TenancyDatabase<any, any>, options: SeedOptions): Promise<void> {
  const tables = tablesOf(options.relations);
  const tenants = tenantsOf(tables, options.tenants);
  checkNames(tables, options);
  checkTypes(
    tables.filter(({ found }) => found.kind !== 'tenant' || found.everybody || tenants.get(found.tenancy)!.length > 0),
    options,
  );
  /** The rows of each tenant, and those of nobody by `undefined`. */
  const made = new Map<PgTable, Map<unknown, Row[]>>();
  for (const it of inOrder(tables)) {
    const { table, found } = it;
    const parties: unknown[] = found.kind === 'tenant' ? [...(tenants.get(found.tenancy) ?? [])] : [undefined];
    if (found.kind === 'tenant' && found.everybody && parties.length > 0) parties.push(undefined);
    const rows = new Map<unknown, Row[]>();
    made.set(table, rows);
    for (const [place, tenant] of parties.entries()) {
      const values = rowsFor(it, tenant, place, { options, made, tenants });
      if (values.length === 0) continue;
      const handle: any =
        found.kind !== 'tenant'
          ? db.shared
          : tenant === undefined
            ? db.acrossTenants({ reason: 'seed' })
            : db.forTenant(tenant as never);
      rows.set(tenant, await handle.insert(table).values(values).returning());
    }
  }
}

interface Seeding {
  readonly options: SeedOptions;
  readonly made: ReadonlyMap<PgTable, ReadonlyMap<unknown, readonly Row[]>>;
  readonly tenants: ReadonlyMap<AnyTenancy, readonly unknown[]>;
}

function rowsFor(it: Seeded, tenant: unknown, place: number, seeding: Seeding): Row[] {
  const { options, made, tenants } = seeding;
  const { title, table, found, columns, keys, uniques } = it;
  const { rows = 3, seed = 0 } = options;
  const wanted = it.isRoot ? 1 : typeof rows === 'number' ? rows : (rows[title] ?? 3);
  const parents = new Map(keys.map((key) => [key, candidates(key, table, tenant, made)]));
  const { strides, most } = combinations(it, parents, tenants);
  const isUnique = (name: string) => uniques.some((unique) => unique.includes(name));
  const count = Math.min(wanted, most);
  const result: Row[] = [];
  for (let index = 0; index < count; index++) {
    const row: Row = found.kind === 'tenant' && tenant === undefined ? { [found.key]: null } : {};
    const random = randomOf(seed, title, index, tenant === undefined ? 'everybody' : place);
    const among = (key: unknown, size: number) =>
      strides.has(key) ? Math.floor(index / strides.get(key)!) % size : Math.floor(random() * size);
    const own = options.columns?.[title];
    for (const [name, value] of Object.entries(own ?? {}))
      row[name] = value({ index, tenant: tenant as never, random });
    for (const key of keys) {
      if (key.columns.some(([column]) => own?.[keyOf(columns, column)])) continue;
      const rowsOf = key.to === table ? result : parents.get(key)!;
      const parent = rowsOf[among(key, rowsOf.length)];
      if (!parent && key.columns.some(([column]) => column.notNull)) throw unknown([it, key.columns[0]![0]]);
      for (const [column, foreign] of key.columns) row[keyOf(columns, column)] = parent?.[foreign] ?? null;
    }
    for (const [name, column] of columns) {
      if (name in row || isMade(it, column)) continue;
      const referred = tenancyReferredTo(column) as AnyTenancy | undefined;
      const choices = referred ? (tenants.get(referred) ?? []) : choicesOf(column);
      const n = it.uniqueOverAll.has(column.name)
        ? place * wanted + index
        : isUnique(column.name)
          ? index
          : Math.floor(random() * 1_000);
      const value = choices
        ? choices[among(column, choices.length)]
        : valueOf(column, n + seed * (isUnique(column.name) ? 0 : 7));
      if (value !== undefined) row[name] = value;
      else if (isNeeded(column)) throw unknown([it, column]);
    }
    result.push(row);
  }
  return result;
}

/**
 * A unique key of columns that hold little, rows that a foreign key leads to, tenants or values of an enum, has so many
 * rows as there are combinations, and each row is another one.
 *
 * @returns after how many rows the next of each is taken, and how many rows there can be
 */
function combinations(
  { table, columns, keys, uniques }: Seeded,
  parents: ReadonlyMap<Key, readonly Row[]>,
  tenants: Seeding['tenants'],
) {
  const sizeOf = (name: string): readonly [what: unknown, size: number] | undefined => {
    const key = keys.find((it) => it.columns.some(([own]) => own.name === name));
    // Rows of the same table come to be meanwhile.
    if (key) return key.to === table ? undefined : [key, parents.get(key)!.length];
    const [, column] = columns.find(([, it]) => it.name === name)!;
    const referred = tenancyReferredTo(column) as AnyTenancy | undefined;
    const choices = referred ? tenants.get(referred) : choicesOf(column);
    // Without a tenant to name, the row says what is missing.
    return choices && choices.length > 0 ? [column, choices.length] : undefined;
  };
  const strides = new Map<unknown, number>();
  let most = Infinity;
  for (const unique of uniques) {
    const sizes = unique.map(sizeOf);
    if (sizes.includes(undefined)) continue;
    let stride = 1;
    for (const [what, size] of new Map(sizes as (readonly [unknown, number])[])) {
      if (!strides.has(what)) strides.set(what, stride);
      stride *= size;
    }
    most = Math.min(most, stride);
  }
  return { strides, most };
}

/** The rows that a foreign key may lead to. */
function candidates({ to, isWithin }: Key, from: PgTable, tenant: unknown, made: Seeding['made']): readonly Row[] {
  if (to === from) return [];
  const rows = made.get(to);
  if (!rows) return [];
  return isWithin ? (rows.get(tenant) ?? []) : [...rows.values()].flat();
}

const isGenerated = (column: any) =>
  column.generated?.type === 'always' ||
  column.generatedIdentity?.type === 'always' ||
  /Serial/.test(column.columnType);

/** Whether the handle or the database makes a column's values. */
const isMade = ({ found }: Seeded, column: any) =>
  (found.kind === 'tenant' && column === found.column) || isGenerated(column);

/** Whether a row is not to be had without a value of it. */
const isNeeded = (column: any) => column.notNull && !column.hasDefault;

function tenantsOf(tables: readonly Seeded[], given: SeedOptions['tenants']): Map<AnyTenancy, readonly unknown[]> {
  const tenancies = [...new Set(tables.flatMap(({ found }) => (found.kind === 'tenant' ? [found.tenancy] : [])))];
  const ids = (tenancy: AnyTenancy): readonly unknown[] =>
    Array.isArray(given) ? given : ((given as any)[tenancy.name] ?? []);
  if (Array.isArray(given) && tenancies.length > 1) {
    throw new UnsupportedTenantOperationError(
      'Name the tenancies of the tenants, as in tenants: ' +
        `{ ${tenancies.map((it) => `${it.name}: [id]`).join(', ')} }: the relations have several.`,
    );
  }
  return new Map(
    tenancies.map((it) => [it, ids(it).map((id) => (idOf(id, it) === undefined ? it.parse(id) : idOf(id, it)))]),
  );
}

/** Before anything is written, and all at once: tables with some rows could not be seeded again. */
function checkTypes(tables: readonly Seeded[], { columns: given = {}, rows = {} }: SeedOptions): void {
  const found = tables
    .filter(({ title }) => typeof rows === 'number' || rows[title] !== 0)
    .flatMap((it) =>
      it.columns.flatMap(([key, column]) =>
        isNeeded(column) &&
        !isMade(it, column) &&
        !given[it.title]?.[key] &&
        !it.keys.some(({ columns }) => columns.some(([own]) => own.name === column.name)) &&
        tenancyReferredTo(column) === undefined &&
        choicesOf(column) === undefined &&
        valueOf(column, 0) === undefined
          ? [[it, column] as const]
          : [],
      ),
    );
  if (found.length > 0) throw unknown(...found);
}

function checkNames(tables: readonly Seeded[], { columns = {}, rows = {} }: SeedOptions): void {
  for (const title of [...Object.keys(columns), ...(typeof rows === 'number' ? [] : Object.keys(rows))]) {
    const found = tables.find((it) => it.title === title);
    const wrong = found
      ? Object.keys(columns[title] ?? {}).find((name) => !found.columns.some(([key]) => key === name))
      : title;
    if (wrong !== undefined)
      throw new UnsupportedTenantOperationError(
        'Name tables as the relations do, and columns as the tables do: ' +
          `"${title}"${found ? ` has no column "${wrong}"` : ' is none of them'}.`,
      );
  }
}
