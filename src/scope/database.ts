/** The handles: `withTenancy`, `forTenant` and their like. Each is Drizzle's own handle on a scoped dialect. */
import { is, Subquery } from 'drizzle-orm';
import { PgDialect, QueryBuilder } from 'drizzle-orm/pg-core';
import { RelationalQueryBuilder } from 'drizzle-orm/pg-core/query-builders/query';
import { PgAsyncRelationalQuery } from 'drizzle-orm/pg-core/async';
import { classOf } from '../schema/classify.js';
import {
  InvalidTenantIdError,
  TenantMismatchError,
  UnsupportedTenantOperationError,
} from '../schema/index.js';
import { relationsConfig } from '../schema/relations.js';
import { declaredTenancies, idOf, type AnyTenancy } from '../schema/tenancy.js';
import type { WithTenancy, WithTenancyOptions } from './database.types.js';
import { promiseBinding, type Binding } from './binding.js';
import { markBuilt, scopedDialect } from './dialect.js';
import { Gate } from './gate.js';
import type { ScopedDialect } from './handles.js';
import { checkable } from './row-level-security.js';
import { withSafeTransactions } from './safe-postgres-js.js';
import { Scope, type Reach } from './scope.js';
import { WaitingQuery } from './rendered.js';
import { ScopedSession, tagOf, type After, type Lifetime } from './session.js';
import { settingsOf } from './settings.js';
import { tenantName, tenantSlot } from './tenant-slot.js';
import { isPostgresJs, preparesByItself, Statements } from './statements.js';
import { loadParser } from '../sql/parser.js';

/** How handles run: as promises here, as Effects in another entry point. */
export interface Running {
  /** Drizzle's class of relational queries. */
  readonly relationalQuery: unknown;
  /** `use`, and `after` when it has ended in whichever way. */
  readonly ensuring: (use: () => any, after: () => void) => any;
  readonly action: (run: () => Promise<unknown>) => any;
  /** Runs what may throw a refusal. */
  readonly attempt: (run: () => any) => any;
  readonly after: After;
  /** How handles bind their tenant for row-level security. */
  readonly binding: Binding;
}

const promises: Running = {
  relationalQuery: PgAsyncRelationalQuery,
  ensuring: async (use, after) => {
    try {
      return await use();
    } finally {
      after();
    }
  },
  action: (run) => run(),
  attempt: (run) => run(),
  after: async (first, then) => then(await first()),
  binding: promiseBinding,
};

/** What all handles of one `withTenancy` share. */
interface Shared {
  readonly running: Running;
  readonly relations: Record<string, any>;
  readonly tenancies: readonly AnyTenancy[] | undefined;
  readonly filters: boolean;
  /** Undefined without row-level security. */
  readonly binding: Binding | undefined;
  readonly Dialect: new (scope: Scope) => ScopedDialect;
  /** The statements that are prepared without being asked to. */
  readonly statements: Statements | undefined;
  /** The prototype of `query`: a builder for each table of the relations, made when it is asked for. */
  readonly query: object;
}

/** Drizzle's handle, with a scoped dialect and session in place of its own. */
class ScopedDatabase {
  readonly #drizzle: any;
  readonly #shared: Shared;
  readonly dialect: ScopedDialect;
  readonly session: ScopedSession;
  readonly tagged = false;
  /** Whether it runs in a transaction that row-level security knows the tenant of. */
  protected readonly isBound: boolean;
  #query: object | undefined;

  constructor(drizzle: object, shared: Shared, scope: Scope, lifetime?: Lifetime) {
    this.#drizzle = drizzle;
    this.#shared = shared;
    this.dialect = new shared.Dialect(scope);
    this.isBound = lifetime?.isBound ?? false;
    this.session = new ScopedSession(sessionOf(drizzle, shared, scope, lifetime), this.dialect, lifetime, shared.running.after, shared.statements);
  }

  get query(): object {
    return (this.#query ??= Object.create(this.#shared.query, { handle: { value: this } }));
  }

  get $with() {
    return new QueryBuilder(this.dialect).$with;
  }

  get $cache() {
    const invalidate = this.#drizzle.$cache?.invalidate;
    return {
      invalidate: ({ tags, ...params }: { tags?: string | string[]; tables?: unknown }) =>
        this.#shared.running.action(async () =>
          invalidate?.call(this.#drizzle.$cache, {
            ...params,
            ...(tags === undefined ? {} : { tags: [tags].flat().map((tag) => tagOf(this.dialect, tag)) }),
          }),
        ),
    };
  }

  with(...queries: unknown[]) {
    return this.#drizzle.with.apply(this, queries);
  }

  insert(...args: unknown[]) {
    return this.#drizzle.insert.apply(this, args);
  }

  select(...args: unknown[]) {
    return this.#drizzle.select.apply(this, args);
  }

  selectDistinct(...args: unknown[]) {
    return this.#drizzle.selectDistinct.apply(this, args);
  }

  selectDistinctOn(...args: unknown[]) {
    return this.#drizzle.selectDistinctOn.apply(this, args);
  }

  update(...args: unknown[]) {
    return this.#drizzle.update.apply(this, args);
  }

  delete(...args: unknown[]) {
    return this.#drizzle.delete.apply(this, args);
  }

  $count(...args: unknown[]) {
    return markBuilt(this.#drizzle.$count.apply(this, args), this.dialect);
  }

  refreshMaterializedView(...args: unknown[]) {
    return this.#drizzle.refreshMaterializedView.apply(this, args);
  }

  execute(...args: unknown[]) {
    try {
      return this.#drizzle.execute.apply(this, args);
    } catch (refusal) {
      // As all that a promise or an Effect is made for, it fails when it is run.
      const query = new WaitingQuery(() => {
        throw refusal;
      });
      return this.#drizzle.execute.apply({ dialect: { sqlToQuery: () => query }, session: this.session }, args);
    }
  }

  transaction(run: (tx: any) => unknown, given?: unknown) {
    const { running, binding } = this.#shared;
    const { scope } = this.dialect;
    return running.attempt(() => {
      const config = transactionConfig(given);
      // A savepoint keeps what was set before it.
      const settings = this.isBound ? undefined : binding && settingsOf(scope);
      const lifetime: Lifetime = { open: true, isBound: this.isBound || settings !== undefined };
      return this.#drizzle.transaction((tx: object) => {
        const body = () =>
          running.ensuring(
            () => run(new ScopedTransaction(tx, this.#shared, scope, lifetime)),
            () => void (lifetime.open = false),
          );
        return settings ? binding!.transaction(tx, settings, body) : body();
      }, config);
    });
  }
}

/** Drizzle's session, which binds the tenant where that is asked for, and not done. */
function sessionOf(drizzle: any, { binding }: Shared, scope: Scope, lifetime: Lifetime | undefined): object {
  const { session } = drizzle;
  if (!binding || lifetime?.isBound) return session;
  return lifetime ? binding.statementsWithin(session, (values) => settingsOf(scope, values)) : binding.statements(session, (values) => settingsOf(scope, values));
}

class ScopedTransaction extends ScopedDatabase {
  readonly #tx: any;
  readonly #running: Running;

  constructor(tx: object, shared: Shared, scope: Scope, lifetime: Lifetime) {
    super(tx, shared, scope, lifetime);
    this.#tx = tx;
    this.#running = shared.running;
  }

  rollback(): unknown {
    return this.#tx.rollback();
  }

  setTransaction(config: unknown) {
    return this.#running.attempt(() => {
      return this.#tx.setTransaction(transactionConfig(config) ?? {});
    });
  }
}

const isolationLevels = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'];
const accessModes = ['read only', 'read write'];

/** Drizzle writes the settings of a transaction into the text as they are. */
function transactionConfig(config: any): object | undefined {
  if (config === undefined || config === null) return undefined;
  const { isolationLevel, accessMode, deferrable, snapshot } = config;
  if ((isolationLevel !== undefined && !isolationLevels.includes(isolationLevel)) || (accessMode !== undefined && !accessModes.includes(accessMode))) {
    throw new UnsupportedTenantOperationError(
      `Begin a transaction with one of the isolation levels (${isolationLevels.join(', ')}) and access modes (${accessModes.join(', ')}).`,
    );
  }
  if (snapshot !== undefined && typeof snapshot !== 'string') {
    throw new UnsupportedTenantOperationError('Name the snapshot of a transaction with a string, as pg_export_snapshot() gives it.');
  }
  return { isolationLevel, accessMode, deferrable, snapshot };
}

/**
 * Takes a Drizzle handle away from tenant tables, and gives handles that are confined to one tenant.
 *
 * @param db a handle of any of Drizzle's PostgreSQL drivers
 * @param options `relations` from `defineTenantRelations`; `mode: 'write-only'` while old rows have no tenant yet
 * @returns a database with no query methods of its own: choose a tenant first
 * @example
 * const db = withTenancy(drizzle({ client: postgres(url) }), { relations });
 * const projects = await db.forTenant(id).query.projects.findMany();
 */
export const withTenancy: WithTenancy = (db: any, options: WithTenancyOptions<any> = {}): any => scopedHandles(db, options, promises);

/**
 * `withTenancy`, for handles that may run otherwise than as promises.
 *
 * @param only the tenancy of all handles for tenants, where there is but one
 */
export function scopedHandles(db: any, options: WithTenancyOptions<any>, running: Running, only?: AnyTenancy): any {
  if (!is(db?.dialect, PgDialect)) {
    throw new UnsupportedTenantOperationError('Pass withTenancy() a Drizzle handle of PostgreSQL, as in withTenancy(drizzle({ client })).');
  }
  const filters = options.mode !== 'write-only';
  if (options.rls && !filters) {
    throw new UnsupportedTenantOperationError(
      "Leave out rls while the mode is 'write-only': the policies would hide the rows that have no tenant yet.",
    );
  }
  const relations = relationsConfig(options.relations, filters);
  const tables = new Set<object>(options.views);
  const tenancies = new Set<AnyTenancy>();
  for (const { table } of Object.values(relations)) {
    if (is(table, Subquery)) continue; // Drizzle makes a CTE of it.
    tables.add(table);
    const found = classOf(table);
    if (found?.kind === 'tenant') tenancies.add(found.tenancy);
  }
  const query = Object.create(null);
  for (const [name, config] of Object.entries(relations)) {
    Object.defineProperty(query, name, {
      get(this: { handle: ScopedDatabase }) {
        const { dialect, session } = this.handle;
        return new RelationalQueryBuilder(relations, config.table, config, dialect, session as any, false, running.relationalQuery as any);
      },
    });
  }
  const shared: Shared = {
    running,
    relations,
    tenancies: only ? [only] : tenancies.size > 0 ? [...tenancies] : undefined,
    filters,
    binding: options.rls ? running.binding : undefined,
    Dialect: scopedDialect(db.dialect, new Gate(tables, filters, new Set(options.functions))),
    statements: (options.prepare ?? preparesByItself(db)) ? new Statements() : undefined,
    query,
  };
  shared.binding?.load?.();
  const drizzle = isPostgresJs(db) ? withSafeTransactions(db) : db;
  // Whoever needs it loads it again, and hears what is wrong.
  loadParser().catch(() => {});
  const handle = (reach: Reach, tenancy?: AnyTenancy) => new ScopedDatabase(drizzle, shared, new Scope(reach, shared.filters, tenancy));
  const refuseSeveral = (method: string) => {
    if (!shared.binding) return;
    throw new UnsupportedTenantOperationError(
      `Call ${method}() on a database of its own, as in withTenancy(drizzle({ client: admin }), { relations }), whose role has BYPASSRLS: ` +
        'with rls: true the policies show the rows of one tenant only.',
    );
  };

  return checkable({
    get ready() {
      return loadParser().then(() => {});
    },
    forTenant: (id: unknown) => {
      const { value, tenancy } = parsed(id, shared.tenancies);
      return handle({ kind: 'one', id: value }, tenancy);
    },
    forTenants: (ids: unknown) => {
      refuseSeveral('forTenants');
      if (!Array.isArray(ids) || ids.length === 0) {
        throw new InvalidTenantIdError(namesOfTenancies(shared.tenancies), 'expected at least one id in an array');
      }
      const all = ids.map((id) => parsed(id, shared.tenancies));
      const tenancies = new Set(all.map((it) => it.tenancy));
      return handle({ kind: 'several', ids: [...new Set(all.map((it) => it.value))] }, tenancies.size === 1 ? all[0]!.tenancy : undefined);
    },
    acrossTenants: (options: { reason?: unknown }) => {
      refuseSeveral('acrossTenants');
      return handle({ kind: 'all', reason: reasonOf(options?.reason) });
    },
    shared: handle({ kind: 'shared' }),
    prepare: (tenancy: AnyTenancy, build: (tdb: ScopedDatabase) => any) => {
      const tdb = handle({ kind: 'one', id: tenantSlot }, tenancy);
      const query = build(tdb);
      const prepared = query?._prepare?.(undefined, true);
      if (!tdb.session.hasPrepared(prepared)) {
        throw new TenantMismatchError('Return a query of the handle that prepare() gives, as in db.prepare(account, (tdb) => tdb.select().from(projects)).');
      }
      return {
        run: (id: unknown, values?: Record<string, unknown>) => {
          const tenant = tenancy.parse(id);
          const all = Object.assign(new PlaceholderValues(tenant), values);
          all[tenantName] = tenant;
          return prepared.execute(all);
        },
      };
    },
  }, { session: db.session, relations, isBound: shared.binding !== undefined });
}

/** The values of a statement's placeholders, the tenant's among them from the start: objects of one shape are fast. */
class PlaceholderValues {
  [name: string]: unknown;

  constructor(tenant: unknown) {
    this[tenantName] = tenant;
  }
}

const namesOfTenancies = (tenancies: readonly AnyTenancy[] | undefined) =>
  (tenancies ?? declaredTenancies()).map((it) => it.name).join(' or ') || 'application';

/**
 * The id, and its tenancy where only one can have made it; otherwise the first table that the handle meets tells. An id that
 * `parse` gave is in its one spelling: a value that a tenancy would spell in another way is none of its ids.
 */
function parsed(id: unknown, known: readonly AnyTenancy[] | undefined): { value: unknown; tenancy: AnyTenancy | undefined } {
  const tenancies = known ?? declaredTenancies();
  const possible = tenancies.map((tenancy) => ({ value: idOf(id, tenancy), tenancy })).filter((it) => it.value !== undefined);
  const own = possible.filter((it) => it.value === id);
  const found = own.length > 0 ? own : possible;
  if (found.length === 1) return found[0]!;
  if (found.length > 1 && found.every((it) => it.value === found[0]!.value)) return { value: found[0]!.value, tenancy: undefined };
  if (tenancies.length === 1) return { value: tenancies[0]!.parse(id), tenancy: tenancies[0] };
  throw new InvalidTenantIdError(namesOfTenancies(known), found.length > 1 ? 'several of them would spell it in different ways: parse it first' : 'it is an id of none of them');
}

function reasonOf(reason: unknown): string {
  if (typeof reason !== 'string' || reason.trim() === '' || reason.includes('\0')) {
    throw new UnsupportedTenantOperationError(
      "Say why, as in db.acrossTenants({ reason: 'nightly report' }): each statement that crosses tenants carries the reason.",
    );
  }
  return reason;
}
