/**
 * THE place where tenant predicates are added. Every statement of a scoped handle passes here, one method per kind of
 * statement: it adds the predicate of each table that the statement names, scopes what the user wrote in SQL, and hands
 * the rest to Drizzle's own dialect. A statement that was not built here is read by `Template` as text, and refused
 * unless every table in it can be scoped.
 *
 * The rules, for a reader who audits them:
 * - FROM, CROSS JOIN: the predicate stands in WHERE. INNER and LEFT JOIN: in ON. RIGHT JOIN: in WHERE.
 * - A table to the left of a RIGHT or FULL JOIN, and the right side of a FULL JOIN: a derived table, since neither
 *   WHERE nor ON keeps its rows from showing as nulls.
 * - UPDATE and DELETE: in WHERE. INSERT: the tenant column of every row is set.
 * - What a user wrote (where, on, order by, selected SQL, ...) is closed in parentheses behind AND.
 */
import { is, Param, SQL, sql, StringChunk, Subquery, Table } from 'drizzle-orm';
import { aliasedColumn, aliasedTableColumn, getOriginalColumnFromAlias } from 'drizzle-orm/alias';
import * as utils from 'drizzle-orm/utils';
import type { TableClass, TenantClass } from '../schema/classify.js';
import { nameOf } from '../schema/classify.js';
import { ImmutableTenantError, RawSqlNotScopedError, UnscopedTableError, UnsupportedTenantOperationError } from '../schema/index.js';
import { builtBy, markBuilt } from './built.js';
import { chunkKindOf, chunkKinds } from './chunks.js';
import { defaultOf } from './computed.js';
import { assertHandle, type ScopedDialect } from './handles.js';
import type { Config } from './parts.js';
import { knownName, namesOf, ownOf, typeOf } from './scope.js';
import type { NamedTables } from './shape.js';
import { checkName, encodedSQL, labelOf, Template } from './template.js';

/**
 * One statement while its predicates are added. Each part of it that Drizzle reads is named, and scoped where an
 * application may have written in it: what is not named here is not handed on.
 */
export class Statement extends Template {
  constructor(
    readonly dialect: ScopedDialect,
    tables?: NamedTables,
  ) {
    assertHandle(dialect);
    super(dialect.scope, tables);
  }

  /** The CTEs that this statement has, and what its parts expect where its WITH does not reach. */
  #ctes: Set<string> | undefined;
  readonly #outer = new Template(this.scope);

  /** Marks the finished statement. The CTEs that it still expects, the query around it must have. */
  done(query: SQL, isOpen = true): SQL {
    if (this.expects.size > 0) for (const name of this.expects) if (!this.#ctes?.has(name)) this.#outer.expect(name);
    return markBuilt(query, this.scope, this.#outer.expects, isOpen);
  }

  /** WITH: each query is built, and sees those before it. */
  ctes(list: readonly Subquery[] | undefined): Subquery[] | undefined {
    return list?.map(({ _: { alias, sql: query, selectedFields } }) => {
      const template = new Template(this.scope);
      const scoped = template.query(query);
      for (const name of template.expects) if (!this.#ctes?.has(name)) this.#outer.expect(name);
      (this.#ctes ??= new Set()).add(alias);
      return new Subquery(scoped, selectedFields, alias, true);
    });
  }

  select(config: Config): Config {
    const withList = this.ctes(config.withList);
    const { from, joins, where } = this.sources(config.table, config.joins);
    return {
      withList,
      table: from,
      joins,
      where: this.where(where, config.where),
      fieldsFlat: this.fields(config.fieldsFlat),
      setFieldsFlat: this.fields(config.setFieldsFlat),
      having: this.where([], config.having),
      orderBy: this.list(config.orderBy),
      groupBy: this.groupBy(this.list(config.groupBy), config),
      limit: this.scoped(config.limit),
      offset: this.scoped(config.offset),
      distinct: typeof config.distinct === 'object' ? { on: this.list(config.distinct.on) } : config.distinct,
      setOperators: config.setOperators.length === 0 ? none : config.setOperators.map((operator: Config) => this.operand(operator)),
      lockingClause: config.lockingClause && this.locking(config.lockingClause),
      comment: this.scoped(config.comment),
      useSelectionCastCodecs: config.useSelectionCastCodecs,
    };
  }

  update(config: Config): Config {
    const { table, found } = this.target(config.table);
    const withList = this.ctes(config.withList);
    const { from, joins, where } = this.sources(config.from, config.joins, table);
    return {
      withList,
      table,
      set: this.set(table, config.set),
      from,
      joins,
      where: this.where([this.scope.predicate(table, found), ...where], config.where),
      returning: this.fields(config.returning),
      comment: this.scoped(config.comment),
      useSelectionCastCodecs: config.useSelectionCastCodecs,
    };
  }

  delete(config: Config): Config {
    const { table, found } = this.target(config.table, 'delete');
    return {
      withList: this.ctes(config.withList),
      table,
      where: this.where([this.scope.predicate(table, found)], config.where),
      returning: this.fields(config.returning),
      comment: this.scoped(config.comment),
      useSelectionCastCodecs: config.useSelectionCastCodecs,
    };
  }

  /** FROM and its joins, each with its predicate where that belongs. `target` is the table of an UPDATE. */
  sources(table: object | undefined, given: readonly Config[] = none, target?: object) {
    const joins = given.length === 0 ? none : given.map(({ table, joinType, lateral, alias, on }) => ({ table, joinType, lateral, alias, on }));
    const where: (SQL | undefined)[] = [];
    const tenants: SQL[] = [];
    const lastOuter = joins.length === 0 ? -1 : joins.findLastIndex((join) => join.joinType === 'right' || join.joinType === 'full');
    const place = (given: object, index: number, joinType: string) => {
      if (!joinTypes.has(joinType)) throw new UnsupportedTenantOperationError(`Join with one of Drizzle's methods: "${joinType}" is no join.`);
      if (!isTable(given)) return { source: this.source(given, index), type: joinType, on: none };
      const found = this.scope.admit(given);
      const source = ownOf(given, found);
      const isDerived = index < lastOuter || joinType === 'full';
      const predicate = isDerived ? undefined : this.scope.predicate(source, found);
      const column = this.scope.joinColumn(source, found, isDerived);
      const equal = column && tenants.length > 0 ? sql`${column} = ${sameTenant(tenants, lastOuter >= 0)}` : undefined;
      if (column) tenants.push(column);
      const isOn = joinType === 'inner' || joinType === 'left';
      if (!isOn) where.push(predicate);
      // Before an outer join, an equality in WHERE would drop the rows which that fills up with nulls.
      const type = joinType === 'cross' && equal && index < lastOuter ? 'inner' : joinType;
      const isInWhere = type === 'from' || type === 'cross';
      if (isInWhere) where.push(equal);
      const rows = isDerived ? this.scope.rowsOf(source, found) : undefined;
      if (rows) this.markBare(given);
      return {
        source: rows ? new Subquery(rows, {}, namesOf(source)[2]) : source,
        type,
        on: [isOn ? predicate : undefined, isInWhere ? undefined : equal],
      };
    };
    if (target) {
      const column = this.scope.joinColumn(target, this.scope.admit(target));
      if (column) tenants.push(column);
    }
    const from = table === undefined ? undefined : place(table, -1, 'from').source;
    const scopedJoins = joins.map(({ table, joinType, lateral, alias, on: given }, index) => {
      const { source, type, on } = place(table, index, joinType);
      return {
        table: source,
        joinType: type,
        lateral: Boolean(lateral),
        alias,
        on: type === 'cross' ? undefined : this.on(on, given),
      };
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
  where(predicates: readonly (SQL | undefined)[], given: unknown, isClosed = false): SQL | undefined {
    const chunks: unknown[] = [];
    for (const predicate of predicates) {
      if (!predicate) continue;
      if (chunks.length > 0) chunks.push(and);
      for (const chunk of predicate.queryChunks) chunks.push(chunk);
    }
    if (given) {
      const isFirst = chunks.length === 0;
      if (!isFirst) chunks.push(andOpen);
      else if (isClosed) chunks.push(open);
      this.scopeInto(chunks, given, 'expression', true);
      if (!isFirst || isClosed) chunks.push(close);
    }
    return chunks.length === 0 ? undefined : new SQL(chunks as SQL[]);
  }

  /** As `where`, and always closed: behind ON there is more of FROM, and the WHERE that confines it. */
  on(predicates: readonly (SQL | undefined)[], given: unknown): SQL | undefined {
    return this.where(predicates, given, true);
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
  fields(list: readonly Config[] | undefined): readonly Config[] | undefined {
    if (!list) return undefined;
    const scoped = new Array<Config>(list.length);
    for (let i = 0; i < scoped.length; i++) {
      const { path, field: given, fieldType, column, codecOverride } = list[i]!;
      const kind = chunkKindOf(given);
      const field = this.field(given, kind);
      if (fieldType !== fieldTypes[field === given ? kind : chunkKindOf(field)]) throw new RawSqlNotScopedError('what is selected is neither a column nor SQL', '');
      scoped[i] = { path, field, fieldType, column, codecOverride };
    }
    return scoped;
  }

  field(field: any, kind: number): any {
    if (kind === chunkKinds.column) {
      const { table, isAlias, name } = field;
      checkName(field);
      const isBare = this.isBare(table) && namesOf(table)[0] !== undefined;
      if (!isAlias && !isBare) return field;
      const original: any = isAlias ? getOriginalColumnFromAlias(field) : field;
      if (chunkKindOf(original) !== chunkKinds.column) throw new RawSqlNotScopedError('what stands behind the alias of a column is none', '');
      const column = isBare ? aliasedTableColumn(original, namesOf(table)[2]) : original;
      return isAlias ? aliasedColumn(column, name) : column;
    }
    if (kind === chunkKinds.subquery) return this.subquery(field);
    if (kind !== chunkKinds.aliased) return this.scoped(field);
    if (field.isSelectionField) return labelOf(field);
    const { fieldAlias, origin, sql: given } = field;
    return Object.assign(new SQL.Aliased(this.scoped(given), fieldAlias) as any, { origin });
  }

  /**
   * A primary key became (tenant, key), so that grouping by the key alone no longer determines the row.
   * For one tenant the two mean the same, and the tenant column is added.
   */
  groupBy(columns: any[] | undefined, { table, joins = none }: Config): any[] | undefined {
    if (!columns || this.scope.reach.kind !== 'one') return columns;
    const added: SQL[] = [];
    for (const source of [table, ...joins.map((join: Config) => join.table)]) {
      const found = isTable(source) ? this.scope.admit(source) : undefined;
      if (found?.kind !== 'tenant' || found.primaryKey().length === 0) continue;
      const known = namesOf(source)[2];
      const has = (name: string) => columns.some((it) => it?.table && it.name === name && namesOf(it.table)[2] === known);
      if (found.primaryKey().every(has) && !has(found.name)) added.push(sql`${knownName(source)}.${sql.identifier(found.name)}`);
    }
    return [...columns, ...added];
  }

  /** UNION and the like. The WITH of the left side stands inside its parentheses, and does not reach here. */
  operand(given: Config): Config {
    const operator = { ...given };
    if (!operators.has(operator.type)) throw new UnsupportedTenantOperationError(`Combine queries with one of Drizzle's methods: "${operator.type}" is none.`);
    const query = this.#outer.query(operator.rightSelect.getSQL());
    return {
      type: operator.type,
      isAll: operator.isAll,
      rightSelect: { getSQL: () => query },
      orderBy: operator.orderBy?.map((chunk: unknown) => this.#outer.scoped(chunk)),
      limit: this.#outer.scoped(operator.limit),
      offset: this.#outer.scoped(operator.offset),
    };
  }

  /** The table that a statement writes. */
  target(given: object, statement: 'insert' | 'update' | 'delete' = 'update'): { table: object; found: TableClass } {
    const found = this.scope.admit(given);
    const table = ownOf(given, found);
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
    return { table, found };
  }

  set(target: object, set: Config): Config {
    const { table, found } = this.target(target);
    const result: Config = {};
    for (const [key, column] of Object.entries<any>((table as any)[columns])) {
      const given = set[key];
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
    const { values, select, columnList, overridingSystemValue_, useSelectionCastCodecs } = config;
    const { table, found } = this.target(config.table, 'insert');
    const tenant = found.kind === 'tenant' ? found : undefined;
    return {
      withList: this.ctes(config.withList),
      table,
      values: !select ? this.rows(table, values, tenant) : tenant ? this.insertSelect(table, tenant, values) : this.selected(values),
      select,
      columnList: columnList && tenant ? [...new Set([...columnList, tenant.key])] : columnList,
      overridingSystemValue_,
      onConflict: this.scoped(config.onConflict, 'conflict'),
      returning: this.fields(config.returning),
      comment: this.scoped(config.comment),
      useSelectionCastCodecs,
    };
  }

  /** The rows of an insert, with their tenant. */
  rows(table: object, rows: readonly Config[], tenant: TenantClass | undefined): Config[] {
    const declared = (table as any)[columns];
    const keys = Object.keys(declared);
    return rows.map((row) => {
      const result: Config = {};
      for (const key of keys) {
        const column = declared[key];
        const isTenant = tenant !== undefined && key === tenant.key;
        const value = isTenant ? (this.scope.tenantOf(table, tenant, row[key]) ?? defaultOf(column)) : row[key];
        if (value !== undefined) result[key] = this.cell(value, column);
      }
      return result;
    });
  }

  /** One value of a row: SQL is scoped, whether it was given or a custom type made it. */
  cell(value: unknown, column: any): unknown {
    const kind = chunkKindOf(value);
    const { value: bound, encoder } = kind === chunkKinds.param ? (value as Param) : { value, encoder: column };
    const text = kind === chunkKinds.string ? new SQL([value as StringChunk]) : encodedSQL(bound, encoder);
    return text ? this.scoped(text, 'value') : value;
  }

  /** INSERT ... SELECT into a reference table. */
  selected(query: any) {
    const scoped = this.query(query.getSQL());
    return is(query, SQL) ? scoped : selection(query, scoped);
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
    const column = sql`${tenant}::${typeOf(found.column)}`.as(found.name);
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
/** How Drizzle calls what is selected, by the kind of chunk. */
const fieldTypes: Record<number, string> = {
  [chunkKinds.column]: 'Column',
  [chunkKinds.sql]: 'SQL',
  [chunkKinds.aliased]: 'SQL.Aliased',
  [chunkKinds.subquery]: 'Subquery',
};
const strengths = new Set(['update', 'no key update', 'share', 'key share']);
const isTable = (source: object) => {
  const kind = chunkKindOf(source);
  return kind === chunkKinds.table || kind === chunkKinds.view;
};
const none: readonly never[] = Object.freeze([]);
const [open, close, and, andOpen] = ['(', ')', ' and ', ' and ('].map((text) => Object.freeze(new StringChunk(text)));

/** The tenant of the rows joined so far: behind an outer join, the first that is there. */
const sameTenant = (tenants: readonly SQL[], outer: boolean): SQL =>
  outer && tenants.length > 1 ? sql`coalesce(${sql.join([...tenants], sql`, `)})` : tenants[0]!;

/** A stand-in for the query of INSERT ... SELECT, as far as Drizzle looks at it. */
const selection = (query: any, scoped: SQL) => ({
  getSelectedFields: () => query.getSelectedFields(),
  getSQL: () => scoped,
});
