/** The dialect of the handles: each statement that Drizzle builds with it is scoped, and nothing else is rendered. */
import { type SQL, sql } from 'drizzle-orm';
import type { PgDialect } from 'drizzle-orm/pg-core';
import { RawSqlNotScopedError, UnsupportedTenantOperationError } from '../schema/index.js';
import { classOf } from '../schema/classify.js';
import type { AnyTenancy } from '../schema/tenancy.js';
import { builtBy, markBuilt, markPlanned } from './built.js';
import { chunkKindOf, chunkKinds } from './chunks.js';
import { computedRows, computedSet } from './computed.js';
import { assertHandle, handlesOf, type ScopedDialect } from './handles.js';
import { type Config, partsOf, read } from './parts.js';
import type { FormKind, Plans } from './plans.js';
import { proverOf } from './raw.js';
import { RenderedQuery } from './rendered.js';
import { Scope } from './scope.js';
import type { NamedTables } from './shape.js';
import { tenantSlot } from './tenant-slot.js';
import { Statement } from './statement.js';
import { Template, unreadCount } from './template.js';

/**
 * @param driver the dialect of the application's Drizzle handle
 * @param tables the tables of the relations, by schema and name
 * @returns the dialects of its handles, each with its scope
 */
export function scopingDialect(driver: PgDialect, tables: NamedTables): new (scope: Scope) => ScopedDialect {
  // What it is given is scoped: the driver's own dialect builds it.
  const drizzle = driver as any;

  const statementOf = (kind: 'select' | 'insert' | 'update' | 'delete', method: string) => (dialect: ScopedDialect, config: Config) => {
    const statement = new Statement(dialect);
    return statement.done(drizzle[method](statement[kind](config)));
  };
  const build: Record<FormKind, (dialect: ScopedDialect, config: Config) => any> = {
    select: statementOf('select', 'buildSelectQuery'),
    insert: statementOf('insert', 'buildInsertQuery'),
    update: statementOf('update', 'buildUpdateQuery'),
    delete: statementOf('delete', 'buildDeleteQuery'),
    relational: (dialect, config) => {
      const { sql: query, selection } = drizzle.buildRelationalQuery(config);
      const statement = new Statement(dialect, dialect.tables);
      return { sql: statement.done(statement.scoped(query, 'statement')), selection };
    },
    statement: ({ scope }, query) => {
      const template = new Template(scope);
      const scoped = template.query(query as SQL);
      return markBuilt(scoped, scope, template.expects);
    },
  };
  const render = (dialect: ScopedDialect, query: SQL, source?: unknown) => {
    const before = unreadCount();
    const { sql: text, params } = drizzle.sqlToQuery.call(dialect, query, source);
    return { text, params, isRead: unreadCount() === before };
  };

  loadPlans();
  const plans = new Map<AnyTenancy, Plans>();
  /** The plans for a tenant's handle. */
  const plansOf = (dialect: ScopedDialect, config?: Config): Plans | undefined => {
    const { reach, filters, isOwn } = dialect.scope;
    if (!PlansClass || reach.kind !== 'one' || chunkKindOf(reach.id) === chunkKinds.placeholder) return undefined;
    const tenancy = dialect.scope.tenancy ?? met(dialect.scope, config?.table);
    if (!tenancy) return undefined;
    let found = plans.get(tenancy);
    if (!found) {
      const any = new Handle(new Scope({ kind: 'one', id: tenantSlot }, filters, tenancy, isOwn));
      plans.set(tenancy, (found = new PlansClass((kind, config) => build[kind](any, config), (query) => render(any, query))));
    }
    return found;
  };
  /** By a plan, or anew. */
  const make = (dialect: ScopedDialect, kind: 'select' | 'insert' | 'update' | 'delete', config: Config): SQL => {
    assertHandle(dialect);
    const found = plansOf(dialect, config)?.find(kind, config, dialect.scope);
    return found ? markPlanned(found) : build[kind](dialect, config);
  };

  const Handle = handlesOf(Object.freeze(Object.assign(Object.create(driver), {
    tables,
    prover: proverOf([...tables.values()]),

    buildSelectQuery(this: ScopedDialect, given: Config): SQL {
      return make(this, 'select', partsOf(given));
    },

    buildUpdateQuery(this: ScopedDialect, given: Config): SQL {
      const config = partsOf(given);
      config.set = computedSet(config.table, config.set);
      return make(this, 'update', config);
    },

    buildDeleteQuery(this: ScopedDialect, given: Config): SQL {
      return make(this, 'delete', partsOf(given));
    },

    buildUpdateSet(this: ScopedDialect, table: object, set: Config): SQL {
      const statement = new Statement(this);
      return statement.done(drizzle.buildUpdateSet(table, statement.set(table, computedSet(table, set))), false);
    },

    buildInsertQuery(this: ScopedDialect, given: Config): SQL {
      const config = partsOf(given);
      if (!config.select) config.values = computedRows(config.table, config.values);
      return make(this, 'insert', config);
    },

    buildRelationalQuery(this: ScopedDialect, config: Config) {
      assertHandle(this);
      const found = plansOf(this, config)?.find('relational', config, this.scope);
      if (!found) return build.relational(this, config);
      const { usedTables, selection } = found.plan;
      for (const table of usedTables) config.usedTables?.add(table);
      return { sql: markPlanned(found), selection };
    },

    buildRefreshMaterializedViewQuery(this: ScopedDialect, given: Config): SQL {
      const config = read(given);
      assertHandle(this);
      this.scope.admit(config.view);
      if (this.scope.reach.kind !== 'all') {
        throw new UnsupportedTenantOperationError(
          "Refresh a materialized view with db.acrossTenants({ reason }): it holds every tenant's rows, and is refreshed for all of them.",
        );
      }
      return markBuilt(drizzle.buildRefreshMaterializedViewQuery(config), this.scope, new Set());
    },

    sqlToQuery(this: ScopedDialect, query: SQL, source?: unknown) {
      assertHandle(this);
      const { scope } = this;
      const known = builtBy(query);
      const found = source !== undefined || (query as any).shouldInlineParams ? undefined : (known ?? plansOf(this)?.find('statement', query, scope));
      const kept = found?.scope === scope && found.expects.size === 0 ? found.planned : undefined;
      if (kept) return new RenderedQuery(kept.text, kept.params, scope, true);
      const isAll = scope.reach.kind === 'all';
      const template = new Template(scope);
      const scoped = isAll && !known ? query : template.query(query);
      for (const name of template.expects) {
        throw new UnsupportedTenantOperationError(
          `Add the CTE to the query, as in tdb.with(${name}).select(): without it, "${name}" would name a table of that name.`,
        );
      }
      const commented = scope.reach.kind === 'all' ? sql`${scoped} ${sql.raw(scope.reach.comment)}` : scoped;
      const { text, params, isRead } = render(this, commented, source);
      return new RenderedQuery(text, params, scope, isRead || isAll);
    },

    // Drizzle escapes whatever has the method that it calls: an object would say itself what is written.
    escapeName: (name: unknown) => drizzle.escapeName(asString(name)),
    escapeString: (value: unknown) => drizzle.escapeString(asString(value)),

    _sqlToQuery(): never {
      throw new UnsupportedTenantOperationError('Use a driver that takes SQL as text: this one takes it in pieces, which a scoped handle does not check.');
    },
  })));
  return Handle;
}

let PlansClass: typeof Plans | undefined;

/** Plans make statements faster, and no other: they come when they come. */
function loadPlans(): void {
  if (!PlansClass) import('./plans.js').then((it) => (PlansClass = it.Plans), () => {});
}

function asString(value: unknown): string {
  if (typeof value !== 'string') throw new RawSqlNotScopedError('a name or a text is not a string', '');
  return value;
}

/** The tenancy of an id that may be of several: the first table that a statement names tells. Building it says what is wrong with that. */
function met(scope: Scope, table: unknown): AnyTenancy | undefined {
  try {
    if (typeof table === 'object' && table !== null && classOf(table)?.kind === 'tenant') scope.admit(table);
  } catch {
    return undefined;
  }
  return scope.tenancy;
}
