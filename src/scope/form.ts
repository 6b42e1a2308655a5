/**
 * The form of a statement: what its text depends on, as a sequence of keys. Two statements with the same sequence have
 * the same text. So each part that is rendered adds a key, and what is not known here has no form.
 */
import { type Column, Param, SQL, sql, StringChunk, Subquery, Table } from 'drizzle-orm';
import { OriginalColumn } from 'drizzle-orm/column-common';
import { classOf, type TableClass } from '../schema/classify.js';
import { builtBy } from './built.js';
import { chunkKindOf, chunkKinds, isSQLWrapper } from './chunks.js';
import type { Config } from './parts.js';
import { type Plan, PlannedSQL, planPart } from './planned.js';
import { namesOf, type Scope } from './scope.js';
import { Slot } from './slots.js';
import { fixed } from './values.js';

/** A step from one form to those that begin with it: most have one. */
export class Step {
  /** Undefined for a form that was met once, null for one that has no plan. */
  plan: Plan | null | undefined;
  isMet = false;
  #key: unknown;
  #only: Step | undefined;
  #more: Map<unknown, Step> | undefined;

  next(key: unknown): Step | undefined {
    if (this.#key === key && this.#only) return this.#only;
    return this.#more?.get(key);
  }

  add(key: unknown): Step {
    const step = new Step();
    if (this.#only) (this.#more ??= new Map()).set(key, step);
    else [this.#key, this.#only] = [key, step];
    return step;
  }
}

/** A form as it was read. */
export interface Form {
  /** The step of this form; undefined where it was never met. */
  readonly step: Step | undefined;
  /** The last step that is known, and the keys behind it. */
  readonly last: Step;
  readonly rest: readonly unknown[];
  /** The application's values, in the order in which they were read. */
  readonly values: readonly unknown[];
  /** What was read, with a slot for each value, and without what may hold one and is not written. */
  readonly copy: unknown;
  encode(): void;
}

/** Leaves a statement that has no form. Not an error that anybody sees: a stack would cost more than the statement. */
export function noForm(): never {
  throw undefined;
}

/** Keys that no application can name: each says what the keys behind it are. */
const keys = Object.fromEntries(
  ['name', 'aliasedColumn', 'table', 'aliasedTable', 'subquery', 'cte', 'label', 'open', 'close', 'param', 'sqlValue', 'value', 'list', 'wrapper', 'bare',
    'with', 'join', 'on', 'where', 'having', 'fields', 'orderBy', 'groupBy', 'limit', 'offset', 'distinct', 'operator', 'lock', 'set', 'from', 'returning', 'codec', 'columns', 'conflict']
    .map((name) => [name, Symbol(name)]),
) as Record<string, symbol>;

const { Columns, IsAlias, Name } = (Table as any).Symbol;
/** A statement with more values than this is a list of its own. */
const maxValues = 500;

/** Reads a statement as Drizzle renders it. */
export class FormReader implements Form {
  copy: unknown;
  step: Step | undefined;
  last: Step;
  readonly rest: unknown[] = [];
  readonly values: unknown[] = [];
  readonly #encoders: (Param['encoder'] | undefined)[] = [];

  constructor(
    first: Step,
    readonly scope: Scope,
    /** Whether to copy what is read. */
    readonly copies = false,
  ) {
    this.step = this.last = first;
  }

  key(key: unknown): void {
    if (this.step) {
      const next = this.step.next(key);
      this.step = next;
      if (next) {
        this.last = next;
        return;
      }
    }
    this.rest.push(key);
  }

  /** A value of the application's. */
  value(value: unknown, encoder?: Param['encoder']): Slot | undefined {
    this.key(keys.value);
    return this.slot(value, encoder);
  }

  /** The place of a value, which `encoder` encodes where there is one. No key: what is read before it tells that it is there. */
  slot(value: unknown, encoder?: Param['encoder']): Slot | undefined {
    const index = this.values.length;
    if (index >= maxValues) noForm();
    this.values.push(value);
    this.#encoders.push(encoder);
    return this.copies ? new Slot(index) : undefined;
  }

  /** A value, as a parameter of a column. */
  param(value: unknown, encoder: Param['encoder']): Param | undefined {
    if (chunkKindOf(value) === chunkKinds.placeholder) noForm();
    this.key(keys.param);
    if (chunkKindOf(encoder) === chunkKinds.column) this.column(encoder as unknown as Column);
    else this.key(encoder);
    const slot = this.slot(value, encoder);
    return slot && new Param(slot, encoder);
  }

  /** Encodes the values, which is done once. A type that makes SQL of its values has no form. */
  encode(): void {
    for (let i = 0; i < this.values.length; i++) {
      const encoder = this.#encoders[i];
      let value = this.values[i];
      if (encoder && value !== null && !(encoder.mapToDriverValue as any).isNoop) {
        value = encoder.mapToDriverValue(value);
        if (chunkKindOf(value) === chunkKinds.sql) noForm();
      }
      this.values[i] = fixed(value);
    }
  }

  /** A column as it was declared is its own key. That of an alias or of a subquery is another object each time. */
  column(column: Column): void {
    const { table, isAlias, name } = column as any;
    if (!isAlias && !table[IsAlias]) return this.key(column);
    this.key(keys.aliasedColumn);
    this.key(name);
    this.key(table[Name]);
    // Drizzle does not tell whose a subquery's column was: what of it is written says as much.
    if (isAlias) this.column((column as any)[OriginalColumn]());
    else for (const key of [column.dataType, column.getSQLType(), (column as any).codec, (column as any).dimensions]) this.key(key);
  }

  table(table: object): TableClass {
    const found = classOf(table) ?? noForm();
    this.key((table as any)[IsAlias] ? keys.aliasedTable : keys.table);
    if (chunkKindOf(table) === chunkKinds.table) this.key(found);
    else this.key(table);
    this.key(namesOf(table)[2]);
    return found;
  }

  chunk(chunk: any): unknown {
    const kind = chunkKindOf(chunk);
    switch (kind) {
      case chunkKinds.string: {
        const { value } = chunk;
        if (typeof value !== 'string') noForm();
        this.key(value);
        return this.copies ? new StringChunk(value) : undefined;
      }
      case chunkKinds.sql:
        return this.sql(chunk);
      case chunkKinds.name: {
        const { value } = chunk;
        this.key(keys.name);
        this.key(value);
        return this.copies ? sql.identifier(value) : undefined;
      }
      case chunkKinds.column:
        this.column(chunk);
        return chunk;
      case chunkKinds.param: {
        const { value, encoder } = chunk;
        if (chunkKindOf(value) !== chunkKinds.sql) return this.param(value, encoder);
        this.key(keys.sqlValue);
        const copy = this.sql(value);
        return this.copies ? new Param(copy, encoder) : undefined;
      }
      case chunkKinds.table:
      case chunkKinds.view:
        this.table(chunk);
        return chunk;
      case chunkKinds.subquery:
        return this.subquery(chunk);
      case chunkKinds.aliased:
        if (chunk.fieldAlias !== undefined) {
          this.label(chunk);
          return chunk;
        }
        return noForm();
      case chunkKinds.placeholder:
      case chunkKinds.valueRows:
        return noForm();
    }
    // Drizzle writes a comma beside it.
    if (chunk === undefined) return void this.key(undefined);
    if (typeof chunk === 'function') noForm();
    if (Array.isArray(chunk)) return this.list(keys.list, chunk);
    if (!isSQLWrapper(chunk)) return this.value(chunk);
    const isBare = (chunk as any).shouldOmitSQLParens?.() === true;
    this.key(isBare ? keys.bare : keys.wrapper);
    const query = chunk.getSQL();
    if (chunkKindOf(query) !== chunkKinds.sql) noForm();
    const copy = this.sql(query);
    return this.copies ? { shouldOmitSQLParens: () => isBare, getSQL: () => copy } : undefined;
  }

  sql(query: SQL): SQL | undefined {
    if ((query as any).shouldInlineParams) noForm();
    const built = builtBy(query);
    if (built) {
      if (!(built instanceof PlannedSQL) || !this.scope.includes(built.scope)) return noForm();
      this.key(built.plan);
      const first = this.values.length;
      for (const value of built.values) this.slot(value);
      return this.copies ? planPart(built, first) : undefined;
    }
    // Not before: what was built here makes its chunks when somebody asks for them.
    const { queryChunks } = query as any;
    this.key(keys.open);
    const chunks = this.copies ? queryChunks.map((it: unknown) => this.chunk(it)) : undefined;
    if (!chunks) for (let i = 0; i < queryChunks.length; i++) this.chunk(queryChunks[i]);
    this.key(keys.close);
    return chunks && new SQL(chunks);
  }

  subquery(subquery: Subquery): Subquery | undefined {
    const { alias, isWith, sql: query } = subquery._;
    this.key(isWith ? keys.cte : keys.subquery);
    this.key(alias);
    const copy = isWith ? this.copies && sql.empty() : this.sql(query);
    return copy ? new Subquery(copy, {}, alias, isWith) : undefined;
  }

  label({ origin, fieldAlias }: any): void {
    this.key(keys.label);
    this.key(origin);
    this.key(fieldAlias);
  }

  list(key: unknown, given: readonly unknown[] | undefined): unknown[] | undefined {
    if (!given) return undefined;
    this.key(key);
    this.key(given.length);
    if (this.copies) return given.map((it) => this.chunk(it));
    for (let i = 0; i < given.length; i++) this.chunk(given[i]);
    return undefined;
  }

  /** A clause that may be left out. */
  clause(key: unknown, given: unknown): unknown {
    if (!given) return given;
    this.key(key);
    return this.chunk(given);
  }

  ctes(list: readonly Subquery[] | undefined): Subquery[] | undefined {
    if (!list || list.length === 0) return undefined;
    return list.map(({ _: { alias, sql: query } }) => {
      this.key(keys.with);
      this.key(alias);
      const copy = this.sql(query);
      return copy && new Subquery(copy, {}, alias, true);
    }) as Subquery[];
  }

  source(source: any): unknown {
    this.key(keys.from);
    return this.chunk(source);
  }

  joins(given: readonly Config[] | undefined): Config[] | undefined {
    return given?.map(({ table, joinType, lateral, alias, on }) => {
      this.key(keys.join);
      this.key(joinType);
      this.key(Boolean(lateral));
      this.key(alias);
      return { table: this.source(table), joinType, lateral, alias, on: this.clause(keys.on, on) };
    });
  }

  fields(key: unknown, given: readonly Config[] | undefined): Config[] | undefined {
    if (!given) return undefined;
    this.key(key);
    this.key(given.length);
    const copies: Config[] | undefined = this.copies ? [] : undefined;
    for (let i = 0; i < given.length; i++) {
      const { path, field, fieldType, column, codecOverride } = given[i]!;
      const kind = chunkKindOf(field);
      let copy = field;
      if (kind === chunkKinds.column) this.column(field);
      else if (kind === chunkKinds.aliased && !field.isSelectionField) {
        const { fieldAlias, origin, sql: given } = field;
        this.label(field);
        const inner = this.sql(given);
        copy = inner && Object.assign(new SQL.Aliased(inner, fieldAlias) as any, { origin });
      } else copy = this.chunk(field);
      if (fieldType !== 'Column') {
        this.key(fieldType);
        if (column) this.column(column);
        else this.key(undefined);
      }
      if (codecOverride !== undefined) {
        this.key(keys.codec);
        this.key(codecOverride);
      }
      copies?.push({ path, field: copy, fieldType, column, codecOverride });
    }
    this.key(keys.close);
    return copies;
  }

  /** LIMIT and OFFSET, which Drizzle leaves out where they are no number of rows. */
  rows(key: unknown, given: unknown): unknown {
    if (given === undefined) return undefined;
    if (given === null || (typeof given !== 'number' && typeof given !== 'object')) noForm();
    if (typeof given === 'number' && !(key === keys.offset ? given : given >= 0)) return undefined;
    this.key(key);
    return this.chunk(given);
  }

  statement(query: unknown): unknown {
    return this.chunk(query);
  }

  select(config: Config): Config {
    const { lockingClause, distinct, comment } = config;
    if (comment !== undefined || lockingClause?.config?.of) noForm();
    this.key(Boolean(config.useSelectionCastCodecs));
    const withList = this.ctes(config.withList);
    const fieldsFlat = this.fields(keys.fields, config.fieldsFlat);
    const table = this.source(config.table);
    const joins = this.joins(config.joins);
    const where = this.clause(keys.where, config.where);
    const having = this.clause(keys.having, config.having);
    const orderBy = this.list(keys.orderBy, config.orderBy);
    const groupBy = this.list(keys.groupBy, config.groupBy);
    const limit = this.rows(keys.limit, config.limit);
    const offset = this.rows(keys.offset, config.offset);
    if (distinct) this.key(keys.distinct);
    const on = distinct && distinct !== true ? { on: this.list(keys.on, distinct.on ?? noForm()) } : distinct;
    if (lockingClause) {
      const { strength, config: { noWait, skipLocked } = {} as Config } = lockingClause;
      for (const key of [keys.lock, strength, Boolean(noWait), Boolean(skipLocked)]) this.key(key);
    }
    const setOperators = config.setOperators.map((operator: Config) => this.operator(operator));
    const setFieldsFlat = setOperators.length > 0 ? this.fields(keys.fields, config.setFieldsFlat) : undefined;
    return { ...config, withList, fieldsFlat, table, joins, where, having, orderBy, groupBy, limit, offset, distinct: on, setOperators, setFieldsFlat };
  }

  operator({ type, isAll, rightSelect, orderBy, limit, offset }: Config): Config {
    for (const key of [keys.operator, type, Boolean(isAll)]) this.key(key);
    const query = this.sql(rightSelect.getSQL());
    return {
      type,
      isAll,
      rightSelect: { getSQL: () => query },
      orderBy: this.list(keys.orderBy, orderBy),
      limit: this.rows(keys.limit, limit),
      offset: this.rows(keys.offset, offset),
    };
  }

  update(config: Config): Config {
    const { table, set: given, comment } = config;
    if (comment !== undefined) noForm();
    this.key(Boolean(config.useSelectionCastCodecs));
    const withList = this.ctes(config.withList);
    this.table(table);
    const set: Config = {};
    for (const key of Object.keys(table[Columns])) {
      if (given[key] === undefined) continue;
      this.key(keys.set);
      this.key(key);
      set[key] = this.chunk(given[key]);
    }
    const from = config.from && this.source(config.from);
    const joins = this.joins(config.joins);
    const where = this.clause(keys.where, config.where);
    return { ...config, withList, set, from, joins, where, returning: this.fields(keys.returning, config.returning) };
  }

  insert(config: Config): Config {
    const { table, values, select, columnList, overridingSystemValue_ } = config;
    if (config.comment !== undefined || select) noForm();
    this.key(Boolean(config.useSelectionCastCodecs));
    const withList = this.ctes(config.withList);
    const found = this.table(table);
    const tenantKey = found.kind === 'tenant' ? found.key : undefined;
    this.key(overridingSystemValue_);
    if (columnList) for (const key of [keys.columns, ...columnList, keys.close]) this.key(key);
    this.key(values.length);
    const columns = Object.entries<any>(table[Columns]);
    const rows = values.map((row: Config) => {
      const copy: Config = {};
      for (const [key, column] of columns) copy[key] = this.cell(row[key], column, key === tenantKey);
      return copy;
    });
    const onConflict = this.clause(keys.conflict, config.onConflict);
    return { ...config, withList, values: rows, onConflict, returning: this.fields(keys.returning, config.returning) };
  }

  /** A value of a row. That of the tenant column is not looked at here, where it is given. */
  cell(value: unknown, column: any, isTenant: boolean): unknown {
    if (value !== undefined) {
      const kind = chunkKindOf(value);
      if (isTenant || (kind !== chunkKinds.other && kind !== chunkKinds.sql)) noForm();
      if (kind !== chunkKinds.sql) return this.value(value, column);
      this.key(keys.sqlValue);
      return this.sql(value as SQL);
    }
    return void this.key(undefined);
  }

  delete(config: Config): Config {
    if (config.comment !== undefined) noForm();
    this.key(Boolean(config.useSelectionCastCodecs));
    const withList = this.ctes(config.withList);
    this.table(config.table);
    const where = this.clause(keys.where, config.where);
    return { ...config, withList, where, returning: this.fields(keys.returning, config.returning) };
  }
}
