/** `withTenancy`, whose databases have `tenantData`. */
import { getColumns, is, Table } from 'drizzle-orm';
import { InvalidTenantIdError, UnsupportedTenantOperationError } from '../errors.js';
import { classOf, declaredTables, nameOf } from '../schema/classify.js';
import { namesOfTable } from '../schema/names.js';
import { relationsConfig } from '../schema/relations.js';
import { soleSetting, tenantSetting } from '../rls/names.js';
import { declaredTenancies, driverValueOf, idOf, tenancyReferredTo, type AnyTenancy } from '../schema/tenancy.js';
import { promiseHandles } from '../handle/database.js';
import type { WithTenancyOptions } from '../handle/database.types.js';
import type { DeclaredTable, Subject } from './catalog.js';
import type { WithTenancy } from './database.types.js';
import { withReplicas } from './replicas.js';
import { TenantData } from './tenant-data.js';

interface Known {
  readonly db: any;
  readonly subjectOf: (id: unknown, tenancy?: AnyTenancy) => Subject;
}
const databases = new WeakMap<object, Known>();

/**
 * Takes a Drizzle handle away from tenant tables, and gives handles that are confined to one tenant.
 *
 * @param db a handle of any of Drizzle's PostgreSQL drivers
 * @param options `relations` from `defineTenantRelations`; `mode: 'write-only'` while old rows have no tenant yet;
 * `rls` and `across` where the database has row-level security
 * @returns a database with no query methods of its own: choose a tenant first. Of what Drizzle's `withReplicas`
 * returned, it has `$replica`, `$replicas` and `$primary`, which are such databases
 * @example
 * const db = withTenancy(drizzle({ client: postgres(url) }), { relations });
 * const projects = await db.forTenant(id).query.projects.findMany();
 */
export const withTenancy: WithTenancy = (db: any, options: WithTenancyOptions<any> = {}): any => {
  const handles = promiseHandles(db, options) as any;
  const subjectOf = (id: unknown, tenancy?: AnyTenancy) => subjectFor(id, options, tenancy);
  databases.set(handles, { db, subjectOf });
  const tenantData = (id: unknown, { tenancy }: { tenancy?: AnyTenancy } = {}) =>
    new TenantData(
      { db },
      id,
      (it) => subjectOf(it, tenancy),
      (other, it) => otherOf(other, it, tenancy),
    );
  Object.defineProperties(handles, {
    tenantData: { value: tenantData, enumerable: true },
    transaction: { value: transactionOf(handles), enumerable: true },
  });
  return Array.isArray(db.$replicas) ? withReplicas(handles, db, options, withTenancy) : handles;
};

/** A transaction's handles have what the database's have, but for this. */
function tenantDataWithin(): never {
  throw new UnsupportedTenantOperationError(
    'Use db.tenantData() outside of a transaction: it opens one of its own, on a connection of its own.',
  );
}

const transactionOf =
  ({ transaction }: any) =>
  (run: (tx: any) => unknown, config?: unknown) =>
    transaction(
      (tx: any) =>
        run(
          Object.defineProperties(tx, {
            tenantData: { value: tenantDataWithin },
            transaction: { value: transactionOf(tx), enumerable: true },
          }),
        ),
      config,
    );

function otherOf(other: object, id: unknown, tenancy: AnyTenancy | undefined) {
  const known = databases.get(other);
  if (!known) throw new UnsupportedTenantOperationError('Pass what withTenancy() returned for the other database.');
  return { source: { db: known.db }, subject: known.subjectOf(id, tenancy) };
}

function subjectFor(id: unknown, { relations }: WithTenancyOptions<any>, given: AnyTenancy | undefined): Subject {
  const related = Object.entries<any>(relationsConfig(relations, true)).flatMap(([title, { table }]) =>
    is(table, Table) ? [[title, table] as const] : [],
  );
  const known = new Set(related.flatMap(([, table]) => tenancyOf(table) ?? []));
  const tenancy = given ?? tenancyFor(id, known.size > 0 ? [...known] : declaredTenancies());
  const tables = new Map<string, DeclaredTable & { titles: string[] }>();
  const elsewhere: Subject['elsewhere'][number][] = [];
  const add = (table: Table, title: string | undefined, isOptional: boolean) => {
    const found = classOf(table);
    if (!found) return;
    const [schema, original] = namesOfTable(table);
    if (found.kind === 'tenant' && found.tenancy !== tenancy) return void elsewhere.push({ schema, name: original });
    const name = nameOf(table);
    const there = tables.get(name);
    if (there) return void (title && there.titles.push(title));
    tables.set(name, {
      schema,
      name: original,
      column: found.kind === 'tenant' ? found.name : undefined,
      references: Object.values<any>(getColumns(table)).flatMap((column) =>
        tenancyReferredTo(column) === tenancy ? [column.name] : [],
      ),
      isOptional,
      titles: title ? [title] : [],
      keys: Object.fromEntries(Object.entries<any>(getColumns(table)).map(([key, column]) => [key, column.name])),
    });
  };
  for (const [title, table] of related) add(table, title, false);
  for (const table of declaredTables()) add(table, undefined, related.length > 0);
  return {
    tenancy: tenancy.name,
    id: String(driverValueOf(tenancy.parse(id), tenancy)),
    tables: [...tables.values()],
    elsewhere,
    settings: [...new Set([soleSetting, tenantSetting(tenancy.name, false)])],
  };
}

function tenancyOf(table: object): AnyTenancy | undefined {
  const found = classOf(table);
  return found?.kind === 'tenant' ? found.tenancy : undefined;
}

/** The tenancy whose id it is. A whole tenant is not deleted on a guess. */
function tenancyFor(id: unknown, tenancies: readonly AnyTenancy[]): AnyTenancy {
  const fitting = tenancies.filter((it) => idOf(id, it) !== undefined);
  if (fitting.length === 1) return fitting[0]!;
  const names = tenancies.map((it) => it.name).join(' or ') || 'application';
  throw new InvalidTenantIdError(
    names,
    fitting.length === 0
      ? 'it is an id of none of them'
      : 'it may be an id of several of them: say which, as in tenantData(id, { tenancy: account })',
  );
}
