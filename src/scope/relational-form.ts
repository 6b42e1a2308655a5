/** The form of a relational query: Drizzle's own objects, whose keys are tables, columns, relations and operators. */
import { type Column, type Param, Table } from 'drizzle-orm';
import { chunkKindOf, chunkKinds } from './chunks.js';
import { type FormReader, noForm } from './form.js';
import type { Config } from './parts.js';
import type { Slot } from './slots.js';

const { Columns } = (Table as any).Symbol;

/** Drizzle binds the value of these to the column. */
const bound = new Set(['eq', 'ne', 'gt', 'gte', 'lt', 'lte']);
/** The value of these is a parameter of its own. */
const unbound = new Set(['like', 'ilike', 'notLike', 'notIlike']);
const ofNull = new Set(['isNull', 'isNotNull']);
const ofLists = new Set(['in', 'notIn']);

const isObject = (it: unknown): it is Config =>
  typeof it === 'object' && it !== null && (Object.getPrototypeOf(it) === Object.prototype || Object.getPrototypeOf(it) === null);
const isPrimitive = (it: unknown) => ['string', 'number', 'boolean', 'bigint'].includes(typeof it);

class RelationalFormReader {
  readonly #form: FormReader;
  #schema!: Config;

  constructor(form: FormReader) {
    this.#form = form;
  }

  query({ schema, table, tableConfig, queryConfig, mode }: Config): Config {
    this.#schema = schema;
    this.#form.key(tableConfig);
    this.#form.key(mode);
    return { schema, table, tableConfig, queryConfig: this.#level(queryConfig, tableConfig), mode };
  }

  #level(config: unknown, tableConfig: Config): unknown {
    const form = this.#form;
    if (config === true) {
      form.key(true);
      return true;
    }
    if (!isObject(config) || chunkKindOf(tableConfig.table) !== chunkKinds.table) noForm();
    return this.#each(config, (key, value) => {
      if (value === undefined && key !== 'where') return undefined;
      switch (key) {
        case 'columns':
          return this.#words(value);
        case 'orderBy':
          // By a relation, it would be the relation's filter, too.
          return isObject(value) && Object.keys(value).every((name) => Object.hasOwn(tableConfig.table[Columns], name)) ? this.#words(value) : noForm();
        case 'limit':
        case 'offset':
          return typeof value === 'number' ? form.value(value) : noForm();
        case 'with':
          return isObject(value) ? this.#each(value, (name, inner) => this.#with(inner, tableConfig.relations[name])) : noForm();
        case 'where':
          return this.#filter(value, tableConfig);
        default:
          return noForm();
      }
    });
  }

  /** Each key, and what stands behind it. */
  #each(given: Config, read: (key: string, value: any) => unknown): Config {
    const copy: Config = {};
    const names = Object.keys(given);
    this.#form.key(names.length);
    for (const name of names) {
      this.#form.key(name);
      copy[name] = read(name, given[name]);
    }
    return copy;
  }

  /** What is selected or ordered by: words alone. */
  #words(given: unknown): Config {
    if (!isObject(given)) noForm();
    return this.#each(given, (_, value) => {
      if (value !== undefined && typeof value !== 'boolean' && typeof value !== 'string') noForm();
      this.#form.key(value);
      return value;
    });
  }

  #with(config: unknown, relation: Config | undefined): unknown {
    if (config === undefined || config === false) {
      this.#form.key(false);
      return false;
    }
    return relation ? this.#level(config, this.#target(relation)) : noForm();
  }

  #target(relation: Config): Config {
    this.#constants(relation['where']);
    return this.#schema[relation['targetTableName']] ?? noForm();
  }

  /** A relation's own filter, whose values are in the text's parameters for good: one that is a function may give others the next time. */
  #constants(given: unknown): void {
    if (given === null || (typeof given !== 'object' && typeof given !== 'function')) return this.#form.key(given);
    if (!isObject(given) && !Array.isArray(given)) noForm();
    const entries = Object.entries(given);
    this.#form.key(entries.length);
    for (const [name, value] of entries) {
      this.#form.key(name);
      this.#constants(value);
    }
  }

  #filter(filter: unknown, tableConfig: Config): Config {
    if (!isObject(filter) || chunkKindOf(tableConfig.table) !== chunkKinds.table) noForm();
    return this.#each(filter, (key, value) => {
      if (key === 'OR' || key === 'AND') return this.#list(value, (it) => this.#filter(it, tableConfig));
      if (key === 'NOT') return this.#filter(value, tableConfig);
      if (key === 'RAW') return noForm();
      const columns = tableConfig.table[Columns];
      if (Object.hasOwn(columns, key)) return this.#field(value, columns[key]);
      const relation = Object.hasOwn(tableConfig.relations, key) ? tableConfig.relations[key] : noForm();
      const target = this.#target(relation);
      if (typeof value !== 'boolean') return this.#filter(value, target);
      this.#form.key(value);
      return value;
    });
  }

  #list<T>(given: unknown, read: (it: unknown) => T): T[] {
    if (!Array.isArray(given) || given.length === 0) noForm();
    this.#form.key(given.length);
    return given.map(read);
  }

  #field(filter: unknown, column: Column): unknown {
    if (chunkKindOf(column) !== chunkKinds.column) noForm();
    if (isPrimitive(filter)) return { eq: this.#form.param(filter, column) };
    if (!isObject(filter)) noForm();
    return this.#each(filter, (operator, value): unknown => {
      if (operator === 'NOT') return this.#field(value, column);
      if (operator === 'OR' || operator === 'AND') return this.#list(value, (it) => this.#field(it, column));
      if (ofNull.has(operator)) {
        if (typeof value !== 'boolean') noForm();
        this.#form.key(value);
        return value;
      }
      if (ofLists.has(operator)) return this.#list(value, (it) => this.#value(it, column));
      if (bound.has(operator)) return this.#value(value, column);
      return unbound.has(operator) ? this.#slot(value) : noForm();
    });
  }

  #value(value: unknown, column: Column): Param | undefined {
    return isPrimitive(value) || value === null || value instanceof Date ? this.#form.param(value, column) : noForm();
  }

  #slot(value: unknown): Slot | undefined {
    return isPrimitive(value) ? this.#form.value(value) : noForm();
  }
}

/** @returns a copy of what Drizzle is to build, where the reader copies */
export const relationalForm = (form: FormReader, config: Config): Config => new RelationalFormReader(form).query(config);
