/** The dialect of the handles: Drizzle builds and renders as for one tenant, and the gate confines what comes out. */
import { is, Param, Placeholder, SQL, sql, StringChunk } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { TenantMismatchError, UnscopedTableError, UnsupportedTenantOperationError } from '../errors.js';
import { columnOf } from '../schema/tenancy.js';
import { parser, type Parse } from '../sql/load.js';
import { tablesIn, withTables } from './aliases.js';
import type { Gate, Passed } from './gate.js';
import { guard, guardedValues, type Guard, type Tenant } from './guards.js';
import { assertHandle, handlesOf, tenantOf, type ScopedDialect } from './handles.js';
import { ProvedQuery, WaitingQuery } from './compiled.js';
import type { Scope } from './scope.js';

/** The handle for which a statement is being rendered. Rendering is synchronous. */
let rendering: Scope | undefined;

/**
 * Stands in what a handle built, without a text of its own, and refuses to be rendered for another tenant's handle, or
 * by plain Drizzle, which confines nothing. What `db.shared` built holds no tenant.
 */
class BuiltBy {
  constructor(readonly scope: Scope) {}

  shouldOmitSQLParens(): boolean {
    return true;
  }

  getSQL(): SQL {
    if (!rendering) return this.scope.reach.kind === 'shared' ? nothing : unrendered;
    if (!rendering.includes(this.scope)) {
      throw new TenantMismatchError(
        'Build every part of a query with one handle: a part of this one was built for another tenant, ' +
          'or by a handle that reaches further.',
      );
    }
    return nothing;
  }
}

/** Marks SQL as built by a handle. */
export function markBuilt<T extends SQL>(query: T, { scope }: ScopedDialect): T {
  query.queryChunks.push(new BuiltBy(scope) as any);
  return query;
}

/** Text that is refused where it is asked for, and not where Drizzle only looks for the tables of a query. */
const refused = Object.defineProperty(new StringChunk(''), 'value', {
  get() {
    throw new TenantMismatchError(
      'Run it with the handle that built it, and give plain Drizzle its rows, or declare the other tables ' +
        'with tenantTable() or referenceTable(): a part of this query was built by a handle, ' +
        'and plain Drizzle would send it for every tenant.',
    );
  },
});
const [nothing, unrendered] = [new SQL([]), new SQL([refused])];
for (const { queryChunks } of [nothing, unrendered]) Object.freeze(queryChunks);

/**
 * @param driver the dialect of the application's Drizzle handle
 * @param gate of the handles
 * @returns the dialects of its handles, each with its scope
 */
export function scopedDialect(driver: PgDialect, gate: Gate): new (scope: Scope) => ScopedDialect {
  const drizzle = driver as any;
  // Whatever marks the driver's parameters have: the parser reads PostgreSQL's.
  const rendered = Object.create(driver, { escapeParam: { value: PgDialect.prototype.escapeParam } });
  const render = (scope: Scope, query: SQL, source?: unknown): { sql: string; params: unknown[] } => {
    const before = rendering;
    rendering = scope;
    try {
      return drizzle.sqlToQuery.call(rendered, query, source);
    } finally {
      rendering = before;
    }
  };

  const encode = (scope: Scope) => encodedTenant(drizzle, scope);
  const prove = (parse: Parse, handle: ScopedDialect, text: string, params: unknown[]): ProvedQuery => {
    const { scope } = handle;
    const passed = gate.pass(parse, scope, text, params.length);
    if (!passed.usesTenant && passed.guards.length === 0) return new ProvedQuery(passed, params, scope);
    const tenant: Tenant =
      scope.reach.kind === 'all' ? { kind: 'all', tenancy: passed.tenancy } : tenantOf(handle, encode);
    const guards = addTenant(params, passed, tenant);
    return new ProvedQuery(
      passed,
      params,
      scope,
      guards.length > 0 ? (values) => guardedValues(guards, values, tenant) : undefined,
    );
  };

  /** What a builder was given where a table stands. */
  const recognize = (table: object | undefined, joins?: readonly { readonly table: object }[]): void => {
    if (table) gate.recognize(table);
    if (joins) for (const it of joins) gate.recognize(it.table);
  };
  const built = (dialect: ScopedDialect, query: SQL): SQL => {
    assertHandle(dialect);
    return markBuilt(query, dialect);
  };

  return handlesOf(
    Object.freeze(
      Object.assign(Object.create(driver), {
        // Each by itself: the engine reads a config fast where it has met one shape alone.
        buildSelectQuery(this: ScopedDialect, config: any) {
          recognize(config.table, config.joins);
          return built(this, drizzle.buildSelectQuery(config));
        },

        buildUpdateQuery(this: ScopedDialect, config: any) {
          recognize(config.table, config.joins);
          recognize(config.from);
          return built(this, drizzle.buildUpdateQuery(config));
        },

        buildDeleteQuery(this: ScopedDialect, config: any) {
          recognize(config.table);
          return built(this, drizzle.buildDeleteQuery(config));
        },

        buildInsertQuery(this: ScopedDialect, config: any) {
          recognize(config.table);
          return built(this, drizzle.buildInsertQuery(config));
        },

        buildRefreshMaterializedViewQuery(this: ScopedDialect, config: any) {
          return built(this, drizzle.buildRefreshMaterializedViewQuery(config));
        },

        buildRelationalQuery(this: ScopedDialect, config: any) {
          const { kind } = this.scope.reach;
          // Drizzle's other strategy puts LIMIT into a query in FROM, which counts the rows of several tenants there.
          const isMany = kind === 'several' || kind === 'all';
          const queryConfig = isMany ? { ...config.queryConfig, strategy: 'basic' } : config.queryConfig;
          const query = drizzle.buildRelationalQuery({ ...config, queryConfig });
          built(this, query.sql);
          return query;
        },

        sqlToQuery(this: ScopedDialect, query: SQL, source?: unknown) {
          assertHandle(this);
          const { scope } = this;
          const { sql: text, params } = render(scope, query, source);
          const pass = (parse: Parse, given: unknown[]) => {
            try {
              return prove(parse, this, text, given);
            } catch (refusal) {
              const spelled = refusal instanceof UnscopedTableError ? withTables(query) : undefined;
              if (!spelled) throw gate.explained(refusal, tablesIn(query));
              const again = render(scope, spelled, source);
              return prove(parse, this, again.sql, again.params);
            }
          };
          const parse = parser();
          // What waits may be asked more than once: each time adds the tenant to a copy.
          return parse ? pass(parse, params) : new WaitingQuery((it) => pass(it, [...params]));
        },

        // Only what is tagged is taken in pieces, and no handle of this library is.
        _sqlToQuery(this: ScopedDialect, query: SQL) {
          return this.sqlToQuery(query);
        },
      }),
    ),
  );
}

/** What the driver is given for the tenant. */
export function encodedTenant(drizzle: any, { reach, tenancy }: Scope): Tenant {
  if (reach.kind === 'all' || reach.kind === 'shared' || !tenancy) return { kind: 'all', tenancy };
  const encoded = (id: unknown) => drizzle.sqlToQuery(sql`${new Param(id, columnOf(tenancy))}`).params[0];
  const primitive = (id: unknown) => {
    const value = encoded(id);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
    throw new UnsupportedTenantOperationError(
      `Let the column of the tenancy "${tenancy.name}" encode its ids as text or numbers.`,
    );
  };
  if (reach.kind === 'several') return { kind: 'several', values: new Set(reach.ids.map(primitive)) };
  return is(reach.id, Placeholder)
    ? { kind: 'slot', param: Object.freeze(encoded(reach.id)) }
    : { kind: 'one', value: primitive(reach.id) };
}

/**
 * Looks at the parameters that stand where a row names its tenant, and puts the tenant behind all of them.
 *
 * @returns the guards that are to be looked at when their values are known
 */
export function addTenant(params: unknown[], passed: Passed, tenant: Tenant): Guard[] {
  const guards = guard(params, passed, tenant);
  if (passed.usesTenant) params.push(parameterOf(tenant));
  return guards;
}

/** The tenant's parameter: several are one array, as text. */
function parameterOf(tenant: Tenant): unknown {
  if (tenant.kind === 'one') return tenant.value;
  if (tenant.kind === 'slot') return tenant.param;
  if (tenant.kind === 'all') return undefined;
  return `{${[...tenant.values].map((it) => `"${String(it).replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
