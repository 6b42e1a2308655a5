/** The handles: `withTenancy`, `forTenant` and their like. Each is Drizzle's own handle on a scoped dialect. */
import { entityKind, is, SQL, sql, Subquery, type SQLWrapper } from 'drizzle-orm';
import { PgDialect, QueryBuilder } from 'drizzle-orm/pg-core';
import { RelationalQueryBuilder } from 'drizzle-orm/pg-core/query-builders/query';
import { PgAsyncRelationalQuery } from 'drizzle-orm/pg-core/async';
import { classOf } from '../schema/classify.js';
import { InvalidTenantIdError, TenantMismatchError, UnsupportedTenantOperationError } from '../schema/index.js';
import { relationsConfig } from '../schema/relations.js';
import { declaredTenancies, type AnyTenancy } from '../schema/tenancy.js';
import { Marks } from '../drivers/marks.js';
import type { WithTenancyOptions } from './database.types.js';
import { promiseBinding } from '../drivers/binding.js';
import { markBuilt, scopedDialect } from '../scope/dialect.js';
import { Gate } from '../scope/gate.js';
import type { ScopedDialect } from '../scope/handles.js';
import { lasting } from '../drivers/outdated.js';
import { checkable } from '../rls/checked.js';
import { isNodePostgres, onWatchedClients } from '../drivers/safe-node-postgres.js';
import { withSafeTransactions } from '../drivers/safe-postgres-js.js';
import { Scope, type Reach } from '../scope/scope.js';
import { WaitingQuery } from '../scope/compiled.js';
import { ScopedSession } from '../scope/session.js';
import { settingsOf } from '../rls/settings.js';
import { tenantName, tenantSlot } from './tenant-placeholder.js';
import { isPostgresJs, preparesByItself, Statements } from '../drivers/prepares.js';
import { loadParser } from '../sql/load.js';
import { refuseTextRunners } from '../sql/runs-text.js';
import { FairQueue, nobody, placesOf, whoOf } from './fair.js';
import { closing, isTransaction, Lifetime, transactionConfig } from './transaction.js';
import { streamed, streamedWith } from './stream.js';
import { assertBatches, batchedBy, runBatch } from './batch.js';
import { withKeptMappers } from './mappers.js';
import { promiseTurns } from './turns.js';
import { inTurn, roleOf, sessionOf, transact, type Across, type On, type Running, type Shared } from './on.js';
import { namesOfTenancies, parsed, reasonOf } from './given.js';

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
  lasting,
  inner: (outer, run) => outer.inTurn(run),
  closing,
  binding: promiseBinding,
  select: streamed,
  with: streamedWith,
  turns: promiseTurns,
};

/** Where a handle runs; undefined for what is none. Nothing that a handle leads to gives it. */
let onOf: (handle: object) => On | undefined;

/** Drizzle's handle, with a scoped dialect and session in place of its own. */
class ScopedDatabase {
  readonly #on: On;
  readonly #drizzle: any;
  readonly #shared: Shared;
  readonly dialect: ScopedDialect;
  readonly session: ScopedSession;
  readonly tagged = false;
  #query: object | undefined;

  constructor(on: On, scope: Scope) {
    const { drizzle, shared, lifetime } = on;
    this.#on = on;
    this.#drizzle = drizzle;
    this.#shared = shared;
    this.dialect = new shared.Dialect(scope);
    this.session = new ScopedSession(
      inTurn(sessionOf(on, scope), on, scope),
      this.dialect,
      lifetime,
      shared.running.after,
      shared.running.lasting,
      shared.statements,
      shared.marks,
      lifetime ? undefined : this.#begin,
    );
    shared.running.made?.(this);
  }

  static {
    onOf = (handle) => (#on in handle ? handle.#on : undefined);
  }

  get query(): object {
    return (this.#query ??= Object.create(this.#shared.query, { handle: { value: this } }));
  }

  get tenantId(): unknown {
    const { reach } = this.dialect.scope;
    if (reach.kind !== 'one') return undefined;
    if (reach.id !== tenantSlot) return reach.id;
    throw new UnsupportedTenantOperationError(
      'Pass what depends on the tenant to run(id, { name: value }): a statement that is prepared for every ' +
        'tenant has no tenantId.',
    );
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
            ...(tags === undefined
              ? {}
              : {
                  tags: [tags]
                    .flat()
                    .flatMap((tag) => this.dialect.scope.tags(tag, this.#shared.tenancies ?? declaredTenancies())),
                }),
          }),
        ),
    };
  }

  with(...queries: unknown[]) {
    return this.#shared.running.with(this.#drizzle.with.apply(this, queries));
  }

  insert(...args: unknown[]) {
    return this.#drizzle.insert.apply(this, args);
  }

  select(...args: unknown[]) {
    return this.#shared.running.select(this.#drizzle.select.apply(this, args));
  }

  selectDistinct(...args: unknown[]) {
    return this.#shared.running.select(this.#drizzle.selectDistinct.apply(this, args));
  }

  selectDistinctOn(...args: unknown[]) {
    return this.#shared.running.select(this.#drizzle.selectDistinctOn.apply(this, args));
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
      const [query, ...mode] = args as [SQLWrapper | string];
      // A copy: the template stays the application's own.
      const built = new SQL([typeof query === 'string' ? sql.raw(query) : query.getSQL()]);
      return this.#drizzle.execute.apply(this, [markBuilt(built, this.dialect), ...mode]);
    } catch (refusal) {
      // As all that a promise or an Effect is made for, it fails when it is run.
      const query = new WaitingQuery(() => {
        throw refusal;
      });
      return this.#drizzle.execute.apply({ dialect: { sqlToQuery: () => query }, session: this.session }, args);
    }
  }

  batch(queries: readonly unknown[]) {
    const { drizzle, lifetime, signal, shared } = this.#on;
    const { binding, across, queue, running } = shared;
    const { scope } = this.dialect;
    return running.action(async () => {
      assertBatches(drizzle.session, lifetime !== undefined, binding !== undefined);
      const batched = batchedBy(this.session, queries, await loadParser());
      // Told of the tables, the scope knows its tenancy.
      const run = () => runBatch(drizzle.session, batched, binding && settingsOf(scope, roleOf(across)));
      if (queue) return running.turns.statement(queue, whoOf(scope, undefined), run, signal);
      return signal ? running.turns.unless(signal, run) : run();
    });
  }

  transaction(run: (tx: any) => unknown, given?: unknown) {
    return this.#transact(given, (on) => run(new ScopedTransaction(on, this.dialect.scope)));
  }

  readonly #begin = (body: (session: any) => Promise<void>): Promise<unknown> =>
    this.#transact(undefined, (on) => {
      on.lifetime?.turn?.stream();
      return body(inTurn(sessionOf(on, this.dialect.scope), on, this.dialect.scope));
    });

  #transact(given: unknown, run: (on: On) => unknown): any {
    const { binding, across } = this.#shared;
    const { lifetime } = this.#on;
    const { scope } = this.dialect;
    // A savepoint keeps what was set before it.
    const settings = lifetime || !binding ? undefined : settingsOf(scope, roleOf(across));
    // Nobody else's statements run in a transaction of this handle alone.
    const isBound = lifetime ? lifetime.isBound : settings !== undefined || scope.reach.kind !== 'one';
    return transact(this.#on, () => whoOf(scope, undefined), given, settings, isBound, run);
  }
}

class ScopedTransaction extends ScopedDatabase {
  readonly #on: On;

  constructor(on: On, scope: Scope) {
    super(on, scope);
    this.#on = on;
  }

  rollback(): unknown {
    return rollback(this.#on);
  }

  setTransaction(config: unknown) {
    return setTransaction(this.#on, config);
  }
}

// What runs with a handle alone leads to no class of handles.
for (const { prototype } of [ScopedDatabase, ScopedTransaction])
  Object.defineProperty(prototype, 'constructor', { value: Object });

const rollback = ({ drizzle }: On): unknown => drizzle.rollback();

const setTransaction = ({ drizzle, shared: { running } }: On, config: unknown) =>
  running.attempt(() => drizzle.setTransaction(transactionConfig(config) ?? {}));

/** The handles of a database, as promises: `withTenancy` adds to them. */
export const promiseHandles = (db: any, options: WithTenancyOptions<any> = {}): any =>
  scopedHandles(db, options, promises);

/** Drizzle's handle, which loses connections, and gives up statements, without a trace of them on the next one. */
const safely = (db: any): any =>
  isPostgresJs(db) ? withSafeTransactions(db) : isNodePostgres(db) ? onWatchedClients(db) : db;

/** Sessions of Drizzle that send each statement by itself, or not at all. */
const withoutTransactions: unknown[] = ['PgRemoteSession', 'XataHttpSession'];

/**
 * `withTenancy`, for handles that may run otherwise than as promises.
 *
 * @param queue where statements and transactions wait for their turn
 */
export function scopedHandles(
  db: any,
  options: WithTenancyOptions<any>,
  running: Running,
  queue = options.fair && new FairQueue(options.fair, placesOf(db, options.fair.perTenant)),
): any {
  if (typeof db === 'object' && db !== null && (places.has(db) || onOf(db))) {
    throw new UnsupportedTenantOperationError(
      places.has(db)
        ? 'Use this database as it is: it is what withTenancy() returned. Pass withTenancy() a handle of ' +
            'Drizzle, as in withTenancy(drizzle({ client })).'
        : 'Use this handle as it is: it has its tenant. Pass withTenancy() the handle of Drizzle that all ' +
            'tenants share, as in withTenancy(drizzle({ client })).',
    );
  }
  if (!is(db?.dialect, PgDialect)) {
    throw new UnsupportedTenantOperationError(
      'Pass withTenancy() a Drizzle handle of PostgreSQL, as in withTenancy(drizzle({ client })).',
    );
  }
  if (options.rls && withoutTransactions.includes(db.session?.constructor?.[entityKind])) {
    throw new UnsupportedTenantOperationError(
      'Connect by a driver that has transactions, such as drizzle-orm/postgres-js, node-postgres or ' +
        'neon-serverless, or leave out rls: ' +
        'the policies read a tenant that is set within a transaction, and this driver sends each statement ' +
        'by itself, over HTTP.',
    );
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
        return new RelationalQueryBuilder(
          relations,
          config.table,
          config,
          dialect,
          session as any,
          false,
          running.relationalQuery as any,
        );
      },
    });
  }
  refuseTextRunners(options.functions);
  const shared: Shared = {
    running,
    relations,
    tenancies: tenancies.size > 0 ? [...tenancies] : undefined,
    filters,
    binding: options.rls ? running.binding : undefined,
    across: acrossOf(options),
    Dialect: scopedDialect(withKeptMappers(db.dialect), new Gate(tables, filters, new Set(options.functions))),
    marks: Marks.of(db.dialect),
    statements: (options.prepare ?? preparesByItself(db)) ? new Statements() : undefined,
    queue,
    query,
  };
  shared.binding?.load?.();
  const drizzle = safely(db);
  // Whoever needs it loads it again, and hears what is wrong.
  loadParser().catch(() => {});
  // What is within the application's own transaction is never begun, nor committed, here.
  const lifetime = isTransaction(db) ? new Lifetime(false, undefined, undefined, db.session) : undefined;
  return checkable(handlesOn({ drizzle, shared, lifetime }), {
    session: db.session,
    relations,
    isBound: shared.binding !== undefined,
    functions: options.functions ?? [],
    across: roleOf(shared.across),
  });
}

/** The handles over a database, or over a transaction of it. */
function handlesOn(on: On) {
  const { shared, lifetime } = on;
  const Handle = lifetime ? ScopedTransaction : ScopedDatabase;
  const handle = (reach: Reach, tenancy?: AnyTenancy) => new Handle(on, new Scope(reach, shared.filters, tenancy));
  const handleOfSeveral = (method: string, reach: Reach, tenancy?: AnyTenancy) =>
    new Handle(acrossOn(on, method), new Scope(reach, shared.filters, tenancy));
  let sharedHandle: ScopedDatabase | undefined;

  const handles = {
    get ready() {
      return loadParser().then(() => {});
    },
    forTenant: (id: unknown, options?: { readonly signal?: AbortSignal }) => {
      const { value, tenancy } = parsed(id, shared.tenancies);
      const scope = new Scope({ kind: 'one', id: value }, shared.filters, tenancy);
      return new Handle(options?.signal ? { ...on, signal: options.signal } : on, scope);
    },
    forTenants: (ids: unknown) => {
      if (!Array.isArray(ids) || ids.length === 0) {
        throw new InvalidTenantIdError(namesOfTenancies(shared.tenancies), 'expected at least one id in an array');
      }
      // An array may have a map() of its own.
      const all = Array.from(ids, (id) => parsed(id, shared.tenancies));
      const tenancies = new Set(all.map((it) => it.tenancy));
      const reach: Reach = { kind: 'several', ids: [...new Set(all.map((it) => it.value))] };
      return handleOfSeveral('forTenants', reach, tenancies.size === 1 ? all[0]!.tenancy : undefined);
    },
    acrossTenants: (options: { reason?: unknown }) =>
      handleOfSeveral('acrossTenants', { kind: 'all', reason: reasonOf(options?.reason) }),
    get shared() {
      return (sharedHandle ??= handle({ kind: 'shared' }));
    },
    prepare: (tenancy: AnyTenancy, build: (tdb: ScopedDatabase) => any) => {
      const tdb = handle({ kind: 'one', id: tenantSlot }, tenancy);
      const query = build(tdb);
      const prepared = query?._prepare?.(undefined, true);
      if (!tdb.session.hasPrepared(prepared)) {
        throw new TenantMismatchError(
          'Return a query of the handle that prepare() gives, as in db.prepare(account, (tdb) ' +
            '=> tdb.select().from(projects)).',
        );
      }
      return {
        run: (id: unknown, values?: Record<string, unknown>) => {
          const tenant = tenancy.parse(id);
          const all = new PlaceholderValues(tenant);
          // No name that an application can write is the tenant's.
          for (const name in values) all[name] = values[name];
          return prepared.execute(all);
        },
      };
    },
    transaction: (run: (tx: any) => unknown, config?: unknown) =>
      transact(
        on,
        () => nobody,
        config,
        undefined,
        false,
        (within) =>
          run(
            Object.assign(handlesOn(within), {
              rollback: () => rollback(within),
              setTransaction: (it: unknown) => setTransaction(within, it),
            }),
          ),
      ),
  };
  places.set(handles, on);
  return handles;
}

/**
 * Where a handle runs, for services that hold handles: the handles beside it, and the same handle elsewhere.
 *
 * @returns undefined for a handle of a transaction that has one tenant: no other runs in it
 */
export function homeOf(handle: object): ReturnType<typeof handlesOn> | undefined {
  const on = onOf(handle);
  return on && !on.lifetime?.isBound ? handlesOn(on) : undefined;
}

/** Where what `db` or `tx` is gives its handles. */
const places = new WeakMap<object, On>();

/**
 * The handles for tenants of one tenancy, where its name is known beforehand: an id alone does not tell which of two it
 * is of.
 *
 * @param place what `db` or `tx` is
 */
export function handlesFor(
  place: object,
  tenancy: AnyTenancy,
): Pick<ReturnType<typeof handlesOn>, 'forTenant' | 'forTenants'> {
  const on = places.get(place)!;
  return handlesOn({ ...on, shared: { ...on.shared, tenancies: [tenancy] } });
}

/**
 * @param handles what the database is whose transaction, or replica, is to have the handle
 * @throws UnsupportedTenantOperationError for a handle of another database, be it one of the same relations
 */
export function assertIsOf(handles: object, handle: object): void {
  if (onOf(handle)?.shared.Dialect === places.get(handles)?.shared.Dialect) return;
  throw new UnsupportedTenantOperationError(
    'Provide the handles of one database in a transaction, or on a replica: one of these is of another.',
  );
}

/**
 * A handle of the same scope elsewhere: in a transaction, or on a replica.
 *
 * @param place what `db` or `tx` is there
 */
export function handleAt(place: object, handle: ScopedDatabase): object {
  const on = places.get(place)!;
  const { scope } = handle.dialect;
  const { kind } = scope.reach;
  const Handle = on.lifetime ? ScopedTransaction : ScopedDatabase;
  return new Handle(
    kind === 'one' || kind === 'shared' ? on : acrossOn(on, kind === 'all' ? 'acrossTenants' : 'forTenants'),
    scope,
  );
}

/** Where a handle of more than one tenant runs. */
function acrossOn(on: On, method: string): On {
  const { shared, lifetime } = on;
  if (!shared.binding) return on;
  const { across } = shared;
  if (across && 'role' in across) return on;
  if (across && !lifetime)
    return { drizzle: across.drizzle, shared: { ...shared, binding: undefined, queue: undefined }, lifetime };
  throw new UnsupportedTenantOperationError(
    lifetime
      ? `Pass across: { role: 'name' } to withTenancy() for ${method}() in a transaction, ` +
          'a role with BYPASSRLS that this one is a member of: ' +
          'with rls: true the policies show the rows of one tenant only, and another connection would be ' +
          'outside of the transaction.'
      : `Pass across to withTenancy() for ${method}(), a Drizzle handle whose role has BYPASSRLS, or { role: ` +
          "'name' } of a role that has it: " +
          'with rls: true the policies show the rows of one tenant only.',
  );
}

function acrossOf({ across, rls }: WithTenancyOptions<any>): Across | undefined {
  if (across === undefined || !rls) return undefined;
  if (is((across as any).dialect, PgDialect)) return { drizzle: safely(across) };
  const { role } = across as { role?: unknown };
  if (typeof role === 'string' && /^[^\0]+$/.test(role) && role !== 'none') return { role };
  throw new UnsupportedTenantOperationError(
    'Pass across a Drizzle handle whose role has BYPASSRLS, or the name of such a role, as in across: ' +
      "{ role: 'app_admin' }.",
  );
}

/** The values of a statement's placeholders, the tenant's among them from the start: objects of one shape are fast. */
class PlaceholderValues {
  [name: string]: unknown;

  constructor(tenant: unknown) {
    this[tenantName] = tenant;
  }
}
