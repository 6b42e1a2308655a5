/**
 * THE place where tenant predicates are added. Every statement of a scoped handle is built by this dialect, one
 * method per kind of statement: it adds the predicate of each table that the statement names, scopes what the
 * user wrote in SQL, and hands the rest to Drizzle's own dialect. A statement that was not built here is read by
 * `Template` as text, and refused unless every table in it can be scoped.
 *
 * The rules, for a reader who audits them:
 * - FROM, CROSS JOIN: the predicate stands in WHERE. INNER and LEFT JOIN: in ON. RIGHT JOIN: in WHERE.
 * - A table to the left of a RIGHT or FULL JOIN, and the right side of a FULL JOIN: a derived table, since neither
 *   WHERE nor ON keeps its rows from showing as nulls.
 * - UPDATE and DELETE: in WHERE. INSERT: the tenant column of every row is set.
 * - What a user wrote (where, on, order by, selected SQL, ...) is closed in parentheses behind AND.
 */
import { Column, is, Param, SQL, sql, StringChunk, Subquery, Table, View } from 'drizzle-orm';
import { aliasedColumn, aliasedTableColumn, getOriginalColumnFromAlias } from 'drizzle-orm/alias';
import * as utils from 'drizzle-orm/utils';
import { PgTable, type PgDialect } from 'drizzle-orm/pg-core';
import { Prover } from '../prover/index.js';
import type { TableClass, TenantClass } from '../schema/classify.js';
import { nameOf } from '../schema/classify.js';
import { ImmutableTenantError, RawSqlNotScopedError, UnscopedTableError, UnsupportedTenantOperationError } from '../schema/index.js';
import { chunkKindOf, chunkKinds } from './chunks.js';
import { knownName, namesOf, type Scope } from './scope.js';
import { builtBy, checkName, encodedSQL, markBuilt, Template, unreadCount } from './template.js';

/** Drizzle's dialect with a scope. */
export interface ScopedDialect extends PgDialect {
  readonly scope: Scope;
  readonly tables: ReadonlyMap<string, object>;
  readonly prover: Prover;
}

type Config = Record<string, any>;

/** The queries that this library rendered, with their scopes: nothing else passes the session. */
export const rendered = new WeakMap<object, Scope>();

/** The dialects of handles: no other object that inherits from one builds or renders in its name. */
const handles = new WeakSet<object>();

/** The dialect of a handle: the scoping dialect, with the handle's scope. */
export function dialectOf(dialect: object, scope: Scope): ScopedDialect {
  const handle = Object.freeze(Object.create(dialect, { scope: { value: scope } }));
  handles.add(handle);
  return handle;
}

function assertHandle(dialect: object): void {
  if (!handles.has(dialect)) throw new UnsupportedTenantOperationError('Build and run queries with a handle of withTenancy(): this dialect is not its own.');
}

/** Those of them that hold text which was not understood: they are proved before they are sent. */
export const unproved = new WeakSet<object>();

/**
 * @param driver the dialect of the application's Drizzle handle
 * @param tables the tables of the relations, by schema and name
 * @returns its scoping twin; a handle's own dialect inherits from it and adds its `scope`
 */
export function scopingDialect(driver: PgDialect, tables: ReadonlyMap<string, object>): object {
  const drizzle = driver as any;
  return Object.assign(Object.create(driver), {
    tables,
    prover: new Prover(tables.values()),

    buildSelectQuery(this: ScopedDialect, given: Config): SQL {
      const config = { ...given };
      const statement = new Statement(this);
      return statement.done(drizzle.buildSelectQuery.call(this, statement.select(config)));
    },

    buildUpdateQuery(this: ScopedDialect, given: Config): SQL {
      const config = { ...given };
      const statement = new Statement(this);
      const found = statement.target(config.table);
      const { from, joins, where } = statement.sources(config.from, config.joins, config.table);
      const scoped = {
        ...config,
        withList: statement.ctes(config.withList),
        set: statement.set(config.table, config.set),
        from,
        joins,
        where: statement.where([this.scope.predicate(config.table, found), ...where], config.where),
        returning: statement.fields(config.returning),
        comment: statement.scoped(config.comment),
      };
      return statement.done(drizzle.buildUpdateQuery.call(this, scoped));
    },

    buildUpdateSet(this: ScopedDialect, table: object, set: Config): SQL {
      return drizzle.buildUpdateSet.call(this, table, new Statement(this).set(table, set));
    },

    buildDeleteQuery(this: ScopedDialect, given: Config): SQL {
      const config = { ...given };
      const statement = new Statement(this);
      const found = statement.target(config.table, 'delete');
      const scoped = {
        ...config,
        withList: statement.ctes(config.withList),
        where: statement.where([this.scope.predicate(config.table, found)], config.where),
        returning: statement.fields(config.returning),
        comment: statement.scoped(config.comment),
      };
      return statement.done(drizzle.buildDeleteQuery.call(this, scoped));
    },

    buildInsertQuery(this: ScopedDialect, given: Config): SQL {
      const config = { ...given };
      const statement = new Statement(this);
      return statement.done(drizzle.buildInsertQuery.call(this, statement.insert(config)));
    },

    buildRelationalQuery(this: ScopedDialect, config: Config) {
      const { sql: query, selection } = drizzle.buildRelationalQuery.call(this, config);
      const statement = new Statement(this, this.tables);
      return { sql: statement.done(statement.scoped(query, 'statement')), selection };
    },

    buildRefreshMaterializedViewQuery(this: ScopedDialect, given: Config): SQL {
      const config = { ...given };
      assertHandle(this);
      this.scope.admit(config.view);
      if (this.scope.reach.kind !== 'all') {
        throw new UnsupportedTenantOperationError(
          "Refresh a materialized view with db.acrossTenants({ reason }): it holds every tenant's rows, and is refreshed for all of them.",
        );
      }
      return markBuilt(drizzle.buildRefreshMaterializedViewQuery.call(this, config), this.scope, new Set());
    },

    sqlToQuery(this: ScopedDialect, query: SQL, source?: unknown) {
      assertHandle(this);
      const { scope } = this;
      const isRaw = scope.reach.kind === 'all' && !builtBy(query);
      const template = new Template(scope);
      const scoped = isRaw ? query : template.query(query);
      for (const name of template.expects) {
        throw new UnsupportedTenantOperationError(
          `Add the CTE to the query, as in tdb.with(${name}).select(): without it, "${name}" would name a table of that name.`,
        );
      }
      const commented = scope.reach.kind === 'all' ? sql`${scoped} ${sql.raw(scope.reach.comment)}` : scoped;
      const before = unreadCount();
      const result = drizzle.sqlToQuery.call(this, commented, source);
      if (unreadCount() !== before && scope.reach.kind !== 'all') unproved.add(result);
      // What is sent is what was rendered, and what is proved: nobody changes it on the way.
      for (const param of Object.freeze(result.params)) if (is(param, Param)) Object.freeze(param);
      rendered.set(Object.freeze(result), scope);
      return result;
    },

    // Drizzle escapes whatever has the method that it calls: an object would say itself what is written.
    escapeName: (name: unknown) => drizzle.escapeName(asString(name)),
    escapeString: (value: unknown) => drizzle.escapeString(asString(value)),

    _sqlToQuery(): never {
      throw new UnsupportedTenantOperationError('Use a driver that takes SQL as text: this one takes it in pieces, which a scoped handle does not check.');
    },
  });
}

/** One statement while its predicates are added. */
class Statement extends Template {
  constructor(
    readonly dialect: ScopedDialect,
    tables?: ReadonlyMap<string, object>,
  ) {
    assertHandle(dialect);
    super(dialect.scope, tables);
  }

  /** The CTEs that this statement has, and those that its parts expect where its WITH does not reach. */
  readonly #ctes = new Set<string>();
  readonly #outer = new Template(this.scope);

  /** Marks the finished statement. The CTEs that it still expects, the query around it must have. */
  done(query: SQL): SQL {
    for (const name of this.#ctes) this.expects.delete(name);
    for (const name of this.#outer.expects) this.expects.add(name);
    return markBuilt(query, this.scope, this.expects);
  }

  /** WITH: each query is built, and sees those before it. */
  ctes(list: readonly Subquery[] | undefined): Subquery[] | undefined {
    return list?.map(({ _: { alias, sql: query, selectedFields } }) => {
      const template = new Template(this.scope);
      const scoped = template.query(query);
      for (const name of template.expects) if (!this.#ctes.has(name)) this.#outer.expects.add(name);
      this.#ctes.add(alias);
      return new Subquery(scoped, selectedFields, alias, true);
    });
  }

  select(config: Config): Config {
    const { from, joins, where } = this.sources(config.table, config.joins);
    return {
      ...config,
      withList: this.ctes(config.withList),
      table: from,
      joins,
      where: this.where(where, config.where),
      fieldsFlat: this.fields(config.fieldsFlat),
      setFieldsFlat: this.fields(config.setFieldsFlat),
      having: this.scoped(config.having),
      orderBy: this.list(config.orderBy),
      groupBy: this.groupBy(this.list(config.groupBy), [config.table, ...(config.joins ?? []).map((join: Config) => join.table)]),
      limit: this.scoped(config.limit),
      offset: this.scoped(config.offset),
      distinct: typeof config.distinct === 'object' ? { on: this.list(config.distinct.on) } : config.distinct,
      setOperators: config.setOperators.map((operator: Config) => this.operand(operator)),
      lockingClause: config.lockingClause && this.locking(config.lockingClause),
      comment: this.scoped(config.comment),
    };
  }

  /** FROM and its joins, each with its predicate where that belongs. `target` is the table of an UPDATE. */
  sources(table: object | undefined, given: readonly Config[] = [], target?: object) {
    const joins = given.map((join) => ({ ...join }));
    const where: (SQL | undefined)[] = [];
    const tenants: SQL[] = [];
    const lastOuter = joins.findLastIndex((join) => join.joinType === 'right' || join.joinType === 'full');
    const place = (source: object, index: number, joinType: string) => {
      if (!joinTypes.has(joinType)) throw new UnsupportedTenantOperationError(`Join with one of Drizzle's methods: "${joinType}" is no join.`);
      if (!isTable(source)) return { source: this.source(source, index), on: undefined };
      const found = this.scope.admit(source);
      const isDerived = index < lastOuter || joinType === 'full';
      const predicate = isDerived ? undefined : this.scope.predicate(source, found);
      const column = this.scope.joinColumn(source, found, isDerived ? sql`${sql.identifier(namesOf(source)[2])}` : undefined);
      const equal = column && tenants.length > 0 ? sql`${column} = ${sameTenant(tenants, lastOuter >= 0)}` : undefined;
      if (column) tenants.push(column);
      const isOn = joinType === 'inner' || joinType === 'left';
      if (!isOn) where.push(predicate);
      if (joinType === 'from' || joinType === 'cross') where.push(equal);
      const rows = isDerived ? this.scope.rowsOf(source, found) : undefined;
      if (rows) this.bare.add(source);
      return {
        source: rows ? new Subquery(rows, {}, namesOf(source)[2]) : source,
        on: all([isOn ? predicate : undefined, joinType === 'from' || joinType === 'cross' ? undefined : equal]),
      };
    };
    if (target) {
      const column = this.scope.joinColumn(target, this.scope.admit(target));
      if (column) tenants.push(column);
    }
    const from = table === undefined ? undefined : place(table, -1, 'from').source;
    const scopedJoins = joins.map((join, index) => {
      const { source, on } = place(join.table, index, join.joinType);
      const alias = source !== join.table && is(source, Subquery) ? source._.alias : join.alias;
      return { ...join, table: source, alias, on: join.joinType === 'cross' ? undefined : this.on(on, join.on) };
    });
    return { from, joins: scopedJoins, where };
  }

  /** A source that is no table: a subquery, a CTE, or SQL. */
  source(source: object, index: number): object {
    if (is(source, Subquery)) return this.subquery(source);
    if (is(source, SQL)) return this.scoped(source, index < 0 ? 'source' : 'joined source');
    throw new RawSqlNotScopedError('what stands in from() is neither a table nor a query', '');
  }

  /** The predicates, and what the user wrote behind them in parentheses. */
  where(predicates: readonly (SQL | undefined)[], given: SQL | undefined): SQL | undefined {
    const predicate = all(predicates);
    const scoped = this.scoped(given);
    if (!predicate || !scoped) return predicate ?? scoped;
    return sql`${predicate} and (${scoped})`;
  }

  /** As `where`, and always closed: behind ON there is more of FROM, and the WHERE that confines it. */
  on(predicate: SQL | undefined, given: SQL | undefined): SQL | undefined {
    return predicate || !given ? this.where([predicate], given) : sql`(${this.scoped(given)})`;
  }

  locking({ strength, config }: Config): Config {
    if (!strengths.has(strength)) {
      throw new UnsupportedTenantOperationError("Lock rows with for('update'), 'no key update', 'share' or 'key share'.");
    }
    return { strength, config };
  }

  list<T>(chunks: readonly T[] | undefined): T[] | undefined {
    return chunks?.map((chunk) => this.scoped(chunk));
  }

  /** What is selected or returned. */
  fields(list: Config[] | undefined): Config[] | undefined {
    return list?.map((given) => {
      const entry = { ...given };
      entry.field = this.field(entry.field);
      const type = fieldTypes.find(([type]) => is(entry.field, type))?.[1];
      if (type === undefined || type !== entry.fieldType) throw new RawSqlNotScopedError('what is selected is neither a column nor SQL', '');
      return entry;
    });
  }

  field(field: any): any {
    if (is(field, Column)) {
      const { table, isAlias, name } = field as any;
      checkName(field as any);
      const original: any = isAlias ? getOriginalColumnFromAlias(field as any) : field;
      if (chunkKindOf(original) !== chunkKinds.column) throw new RawSqlNotScopedError('what stands behind the alias of a column is none', '');
      const isBare = this.bare.has(table) && namesOf(table)[0] !== undefined;
      const column = isBare ? aliasedTableColumn(original, namesOf(table)[2]) : original;
      return isAlias ? aliasedColumn(column, name) : column;
    }
    if (is(field, Subquery)) return this.subquery(field);
    if (!is(field, SQL.Aliased)) return this.scoped(field);
    const { fieldAlias, isSelectionField, origin, sql: given } = field as any;
    if (isSelectionField) checkName({ name: fieldAlias });
    // Of a selected field only its name is written.
    const copy = new SQL.Aliased(isSelectionField ? sql.empty() : this.scoped(given), fieldAlias) as any;
    copy.isSelectionField = isSelectionField;
    copy.origin = origin;
    return copy;
  }

  /**
   * A primary key became (tenant, key), so that grouping by the key alone no longer determines the row.
   * For one tenant the two mean the same, and the tenant column is added.
   */
  groupBy(columns: any[] | undefined, tables: readonly object[]): any[] | undefined {
    if (!columns || this.scope.reach.kind !== 'one') return columns;
    const added = tables.flatMap((table) => {
      const found = isTable(table) ? this.scope.admit(table) : undefined;
      if (found?.kind !== 'tenant' || found.primaryKey().length === 0) return [];
      const known = namesOf(table)[2];
      const has = (name: string) => columns.some((it) => it?.table && it.name === name && namesOf(it.table)[2] === known);
      if (has(found.name) || !found.primaryKey().every(has)) return [];
      return [sql`${knownName(table)}.${sql.identifier(found.name)}`];
    });
    return [...columns, ...added];
  }

  /** UNION and the like. The WITH of the left side stands inside its parentheses, and does not reach here. */
  operand(given: Config): Config {
    const operator = { ...given };
    if (!operators.has(operator.type)) throw new UnsupportedTenantOperationError(`Combine queries with one of Drizzle's methods: "${operator.type}" is none.`);
    const query = this.#outer.query(operator.rightSelect.getSQL());
    return {
      ...operator,
      rightSelect: { getSQL: () => query },
      orderBy: operator.orderBy?.map((chunk: unknown) => this.#outer.scoped(chunk)),
      limit: this.#outer.scoped(operator.limit),
      offset: this.#outer.scoped(operator.offset),
    };
  }

  /** The table that a statement writes. */
  target(table: object, statement: 'insert' | 'update' | 'delete' = 'update'): TableClass {
    const found = this.scope.admit(table);
    if (!is(table, Table)) throw new UnsupportedTenantOperationError(`Write the table behind "${nameOf(table)}": views are only read.`);
    if (statement !== 'update' && namesOf(table)[1] !== namesOf(table)[2]) {
      // Drizzle writes the alias where the name of the table belongs, and another table may have that name.
      throw new UnsupportedTenantOperationError(`Use "${nameOf(table)}" without an alias in ${statement}().`);
    }
    if (found.kind === 'reference' && this.scope.reach.kind !== 'shared') {
      throw new UnscopedTableError(
        nameOf(table),
        `Write "${nameOf(table)}" through db.shared: a reference table is shared by all tenants, and a scoped handle only reads it.`,
      );
    }
    return found;
  }

  set(table: object, set: Config): Config {
    const found = this.target(table);
    const result: Config = {};
    for (const [key, column] of Object.entries<any>((table as any)[columns])) {
      const given = set[key] === undefined ? valueOf(column.onUpdateFn?.(), column) : set[key];
      if (found.kind === 'tenant' && column.name === found.name) {
        const { reach } = this.scope;
        const isSame = reach.kind === 'one' && is(given, Param) && given.value === reach.id;
        if (given !== undefined && !isSame) throw new ImmutableTenantError(nameOf(table), found.name);
        continue;
      }
      if (given !== undefined) result[key] = this.scoped(given, 'value');
    }
    if (Object.keys(result).length === 0) throw new UnsupportedTenantOperationError(
        `Set another column of "${nameOf(table)}": the tenant of a row cannot change, and nothing else was given.`,
      );
    return result;
  }

  insert(config: Config): Config {
    const found = this.target(config.table, 'insert');
    const shared = {
      ...config,
      withList: this.ctes(config.withList),
      returning: this.fields(config.returning),
      onConflict: this.scoped(config.onConflict, 'conflict'),
      comment: this.scoped(config.comment),
    };
    if (found.kind === 'reference') {
      if (!config.select) return { ...shared, values: this.rows(config.table, config.values) };
      const query = this.query(config.values.getSQL());
      return { ...shared, values: is(config.values, SQL) ? query : selection(config.values, query) };
    }
    const columnList = config.columnList && [...new Set([...config.columnList, found.key])];
    if (config.select) return { ...shared, columnList, values: this.insertSelect(config.table, found, config.values) };
    const tenant = (row: Config) => this.scope.tenantOf(config.table, found, row[found.key]);
    return { ...shared, columnList, values: this.rows(config.table, config.values, { key: found.key, of: tenant }) };
  }

  /** The rows of an insert, with their tenant and the defaults that a table's declaration computes. */
  rows(table: object, rows: readonly Config[], tenant?: { key: string; of: (row: Config) => unknown }): Config[] {
    const declared = Object.entries<any>((table as any)[columns]);
    return rows.map((row) => {
      const result: Config = {};
      for (const [key, column] of declared) {
        const given = key === tenant?.key ? tenant.of(row) : row[key];
        const value =
          given !== undefined ? given : column.defaultFn ? column.defaultFn() : column.default ? undefined : column.onUpdateFn?.();
        if (value !== undefined) result[key] = this.cell(value, column);
      }
      return result;
    });
  }

  /** One value of a row: SQL is scoped, whether it was given or a custom type made it. */
  cell(value: unknown, column: any): unknown {
    const encoded = is(value, Param) ? encodedSQL(value.value, value.encoder) : encodedSQL(value, column);
    const text = encoded ?? (is(value, StringChunk) ? new SQL([value]) : undefined);
    return text ? this.scoped(text, 'value') : value;
  }

  /** INSERT ... SELECT: the tenant column is selected too, as the handle's tenant. */
  insertSelect(table: object, found: TenantClass, query: any) {
    const config = query?._?.config;
    if (builtBy(query?.getSQL?.())?.scope === undefined || !config?.fields) {
      throw new UnsupportedTenantOperationError(
        'Build the query of insert().select() with the same handle, as in tdb.insert(tasks).select(tdb.select({ ... }).from(tasks)).',
      );
    }
    this.query(query.getSQL());
    const { reach } = this.scope;
    if (reach.kind === 'all') return query;
    if (reach.kind !== 'one') {
      throw new UnsupportedTenantOperationError('Insert a selection with forTenant(id), one tenant at a time: each row must be given its tenant.');
    }
    const tenant = new Param(this.scope.tenantOf(table, found, undefined), found.column);
    const column = sql`${tenant}::${sql.raw(found.column.getSQLType())}`.as(found.name);
    const extend = (config: Config): SQL => {
      const { [found.key]: _, ...fields } = config.fields;
      return this.dialect.buildSelectQuery({
        ...config,
        fields: { ...fields, [found.key]: column },
        fieldsFlat: orderSelectedFields({ ...fields, [found.key]: column }, undefined, this.dialect.codecs),
        setFieldsFlat: undefined,
        setOperators: config.setOperators.map((operator: Config) => {
          const right = extend(operator.rightSelect._.config);
          return { ...operator, rightSelect: { getSQL: () => right } };
        }),
      } as any);
    };
    const { [found.key]: _, ...fields } = config.fields;
    return selection({ getSelectedFields: () => ({ ...fields, [found.key]: column }) }, this.query(extend(config)));
  }
}

const columns = Symbol.for('drizzle:Columns');
/** Drizzle's own, which its types leave out. */
const { orderSelectedFields } = utils as any;
const joinTypes = new Set(['from', 'inner', 'left', 'right', 'full', 'cross']);
const operators = new Set(['union', 'intersect', 'except']);
const fieldTypes: readonly [type: any, name: string][] = [
  [Column, 'Column'],
  [SQL, 'SQL'],
  [SQL.Aliased, 'SQL.Aliased'],
  [Subquery, 'Subquery'],
];
const strengths = new Set(['update', 'no key update', 'share', 'key share']);
const isTable = (source: object) => is(source, PgTable) || is(source, View);

function asString(value: unknown): string {
  if (typeof value !== 'string') throw new RawSqlNotScopedError('a name or a text is not a string', '');
  return value;
}

const all = (predicates: readonly (SQL | undefined)[]): SQL | undefined => {
  const present = predicates.filter((it) => it !== undefined);
  return present.length === 0 ? undefined : sql.join(present, sql` and `);
};

/** The tenant of the rows joined so far: behind an outer join, the first that is there. */
const sameTenant = (tenants: readonly SQL[], outer: boolean): SQL =>
  outer && tenants.length > 1 ? sql`coalesce(${sql.join([...tenants], sql`, `)})` : tenants[0]!;

const valueOf = (value: unknown, column: object) =>
  value === undefined || is(value, SQL) ? value : new Param(value, column as any);

/** A stand-in for the query of INSERT ... SELECT, as far as Drizzle looks at it. */
const selection = (query: any, scoped: SQL) => ({
  getSelectedFields: () => query.getSelectedFields(),
  getSQL: () => scoped,
});
