/**
 * Scopes what a user writes in SQL: an expression, a `sql` template, a whole statement. Every table in it that
 * is a source of rows becomes a derived table with its predicate inside, which no text around it can weaken.
 */
import { is, type Column, Param, SQL, sql, StringChunk, Subquery } from 'drizzle-orm';
import { aliasedTableColumn } from 'drizzle-orm/alias';
import { classOf } from '../schema/classify.js';
import { RawSqlNotScopedError, TenantMismatchError } from '../schema/index.js';
import { chunkKindOf, chunkKinds, isSQLWrapper, withoutEncoding } from './chunks.js';
import { copyOfPlain } from './plain.js';
import { isAlias, namesOf, originalName, type Scope } from './scope.js';
import { addsValue, isCalledByName, readTables, tokensOf, type FragmentUse, type TableUse, type Token } from './sql-text.js';

/** What is known of a piece of SQL that this library built: for whom, and which CTEs it expects around it. */
interface Built {
  readonly scope: Scope;
  readonly expects: ReadonlySet<string>;
  /** Whether it is a query without parentheses, which text beside it would add to. */
  readonly isOpen: boolean;
}

const built = new WeakMap<SQL, Built>();

/** Marks SQL as scoped, and freezes it: what is appended to it later would not be. */
export function markBuilt(query: SQL, scope: Scope, expects: ReadonlySet<string>, isOpen = true): SQL {
  freeze(query);
  built.set(query, { scope, expects, isOpen });
  return query;
}

let rendered = 0;

/** SQL that goes as it is into a statement that is to be proved: rendering it is what tells. */
function unread(query: SQL): SQL {
  const wrapper = {
    shouldOmitSQLParens: () => true,
    getSQL: () => {
      rendered++;
      return query;
    },
  };
  const copy = new SQL([Object.freeze(wrapper)]) as any;
  copy.decoder = (query as any).decoder;
  copy.shouldInlineParams = (query as any).shouldInlineParams;
  Object.freeze(copy.queryChunks);
  return Object.freeze(copy);
}

/** How many times unread SQL was rendered. Rendering is synchronous: a difference is of the statement between. */
export const unreadCount = (): number => rendered;

function freeze(query: SQL): void {
  if (Object.isFrozen(query.queryChunks)) return;
  Object.freeze(query.queryChunks);
  for (const chunk of query.queryChunks) if (chunkKindOf(chunk) === chunkKinds.sql) freeze(chunk as SQL);
}

const isBuilt = (query: SQL) => built.has(query);
export const builtBy = (query: SQL): Built | undefined => built.get(query);

/** One statement under construction: its scope, and the CTEs that its parts expect around them. */
export class Template {
  readonly expects = new Set<string>();
  /** The tables that became derived tables: known by their bare names, without a schema. */
  readonly bare = new Set<object>();

  /**
   * @param scope whose rows
   * @param tables the tables that a relational query names by plain names, by schema and name
   */
  constructor(
    readonly scope: Scope,
    readonly tables?: ReadonlyMap<string, object>,
  ) {}

  /**
   * Scopes anything that a clause may hold. Returns a copy: the application may add to its own SQL later. What was
   * written by hand and is not understood goes as it is, and the statement around it is proved before it is sent.
   */
  scoped<T>(chunk: T, use: FragmentUse = 'expression'): T {
    if (chunk === undefined || chunk === null || typeof chunk !== 'object') return chunk;
    const plain = use === 'expression' && !this.tables && this.bare.size === 0 ? copyOfPlain(chunk, isBuilt) : undefined;
    if (plain !== undefined) return plain as T;
    const expected = [...this.expects];
    try {
      return this.#read(chunk, use);
    } catch (error) {
      // A relational query is scoped by its text alone, and its tables would be left as they are. A value is one value,
      // which the prover, who reads the whole, cannot tell.
      if (this.tables || (error as RawSqlNotScopedError).reason === addsValue || !(error instanceof RawSqlNotScopedError) || !is(chunk, SQL)) throw error;
      this.expects.clear();
      for (const name of expected) this.expects.add(name);
      return unread(chunk) as T;
    }
  }

  #read<T>(chunk: T, use: FragmentUse): T {
    const reader = new Reader(this);
    const out: unknown[] = [];
    reader.read(chunk, out);
    reader.flush();
    const { tokens, slots } = reader;
    // Only a name that has a slot can be replaced: one that was written by hand, in quotes, names no table here.
    const named = new Set(slots.map((it) => it.token));
    const knows = (schema: Token | undefined, name: Token) =>
      named.has(name) && (!schema || named.has(schema)) && this.tables!.has(tableKey(schema?.value, name.value));
    const uses = readTables(tokens, use, this.tables && knows);
    this.#fill(slots, uses);
    for (const { token, alias } of reader.ctes) if (uses.get(token) === 'source') this.expects.add(alias);
    return out[0] as T;
  }

  #fill(slots: readonly Slot[], uses: ReadonlyMap<Token, TableUse>): void {
    const derived = new Set(this.bare);
    slots.forEach((slot, i) => {
      const use = uses.get(slot.token);
      if (use === undefined || use === 'row') return;
      let table = slot.table;
      if (slot.token.type === 'name') {
        const schema = slots[i - 1]?.token.value === '.' && slots[i - 1]!.out === slot.out ? slots[i - 2] : undefined;
        table = this.tables!.get(tableKey(schema?.token.value, slot.token.value))!;
        if (schema) slot.out[schema.at] = slot.out[slots[i - 1]!.at] = undefined;
        slot.out[slot.at] = markBuilt(this.#source(table, false), this.scope, none, false);
        return;
      }
      slot.out[slot.at] = markBuilt(this.#source(table!, use === 'source'), this.scope, none, false);
      derived.add(table!);
    });
    for (const { column, out, at } of slots) {
      if (column && derived.has(column.table)) {
        // A column still, since Drizzle leaves out the table's name where all columns are of one table.
        out[at] = aliasedTableColumn(column as unknown as Column, namesOf(column.table)[2]);
      }
    }
  }

  /** A table where rows come from: a derived table, unless nothing confines it. */
  #source(table: object, withAlias: boolean): SQL {
    const rows = this.scope.rowsOf(table, this.scope.admit(table));
    const [, original, known] = namesOf(table);
    const alias = withAlias && (rows || known !== original) ? sql` ${sql.identifier(known)}` : undefined;
    return rows ? sql`(${rows})${alias}` : sql`${originalName(table)}${alias}`;
  }

  /** Takes in SQL that is complete in itself, a subquery or an operand, and returns what to render. */
  query(query: SQL): SQL {
    const known = built.get(query);
    if (!known) return this.scoped(query, 'statement');
    if (!this.scope.includes(known.scope)) {
      throw new TenantMismatchError('Build every part of a query with one handle: a subquery here was built for another tenant.');
    }
    for (const name of known.expects) this.expects.add(name);
    return query;
  }

  /** Takes in a subquery with a name, or a CTE by its name. */
  subquery<T extends Subquery>(subquery: T): T {
    const { alias, isWith, sql: inner, selectedFields } = subquery._;
    if (isWith) this.expects.add(alias);
    return new Subquery(isWith ? inner : this.query(inner), selectedFields, alias, isWith) as T;
  }
}

const none: ReadonlySet<string> = new Set();
export const tableKey = (schema: string | undefined, name: string) => JSON.stringify([schema ?? null, name]);

/** A chunk that may have to be replaced, and where its copy stands. */
interface Slot {
  readonly token: Token;
  readonly out: unknown[];
  readonly at: number;
  readonly table?: object;
  readonly column?: { readonly table: object; readonly name: string };
}

/** Reads chunks as Drizzle renders them: into tokens, and into a copy that has a place for each replacement. */
class Reader {
  readonly tokens: Token[] = [];
  readonly slots: Slot[] = [];
  /** The CTEs that are named: where rows come from, or before a column's name. */
  readonly ctes: { readonly token: Token; readonly alias: string }[] = [];
  #text = '';
  #afterValue = false;

  constructor(readonly template: Template) {}

  /** Pieces of text that touch are read as one: PostgreSQL sees no seam either. */
  flush(): void {
    if (this.#text === '') return;
    for (const token of tokensOf(this.#text)) this.tokens.push(token);
    this.#text = '';
  }

  read(chunk: unknown, out: unknown[]): void {
    const kind = chunkKindOf(chunk);
    const { template } = this;
    switch (kind) {
      case chunkKinds.string: {
        const { value } = chunk as { value: string | string[] };
        const text = Array.isArray(value) ? value.join('') : String(value ?? '');
        if (template.tables && text === '.') return this.#slot({ type: 'punctuation', value: text }, new StringChunk(text), out);
        return this.#string(text, out);
      }
      case chunkKinds.sql:
        return built.has(chunk as SQL) ? this.#query(chunk as SQL, out) : this.#nested(chunk as SQL, out);
      case chunkKinds.name: {
        const { value } = chunk as { value: string };
        const token = { type: 'name', value } as const;
        if (template.tables) return this.#slot(token, sql.identifier(value), out);
        this.#token(token);
        out.push(sql.identifier(value));
        return;
      }
      case chunkKinds.column: {
        const column = chunk as { table: object; name: string; isAlias: boolean };
        checkName(column);
        const token = { type: 'value', value: '' } as const;
        const isQualified = !column.isAlias && !isAlias(column.table) && namesOf(column.table)[0] !== undefined;
        if (isQualified) return this.#slot(token, chunk, out, { column });
        this.#token(token);
        out.push(chunk);
        return;
      }
      case chunkKinds.param: {
        const { value, encoder, codec } = chunk as Param;
        if (value === null || chunkKindOf(value) === chunkKinds.placeholder) return this.#value(new Param(value, encoder, codec), out);
        // Encoded once: what is rendered is what was read.
        const encoded = chunkKindOf(value) === chunkKinds.sql ? value : encoder.mapToDriverValue(value);
        if (chunkKindOf(encoded) === chunkKinds.sql) return this.read(encoded, out);
        return this.#value(new Param(encoded, withoutEncoding(encoder), codec), out);
      }
      case chunkKinds.table:
      case chunkKinds.view:
        template.scope.admit(chunk as object);
        return this.#slot({ type: 'table', value: '' }, chunk, out, { table: chunk as object });
      case chunkKinds.subquery: {
        const token = this.#token({ type: 'query', value: '' });
        const { alias, isWith, sql: query, selectedFields } = (chunk as Subquery)._;
        if (isWith) this.ctes.push({ token, alias });
        out.push(isWith ? new Subquery(query, selectedFields, alias, true) : template.subquery(chunk as Subquery));
        return;
      }
      case chunkKinds.valueRows:
        throw new RawSqlNotScopedError('rows of values stand outside of an insert', '');
      case chunkKinds.aliased:
        if ((chunk as SQL.Aliased).fieldAlias !== undefined) {
          checkName({ name: (chunk as SQL.Aliased).fieldAlias });
          this.#token({ type: 'value', value: '' });
          out.push(chunk);
          return;
        }
    }
    if (chunk === undefined) return;
    if (typeof chunk === 'object' && chunk !== null && kind !== chunkKinds.placeholder && isSQLWrapper(chunk)) {
      const isOpen = (chunk as any).shouldOmitSQLParens?.() === true;
      const query = chunk.getSQL();
      if (!isOpen) this.#string('(', out);
      this.read(query, out);
      if (!isOpen) this.#string(')', out);
      return;
    }
    if (Array.isArray(chunk)) {
      const copy: unknown[] = [];
      // Drizzle writes the parentheses and commas of a list.
      this.#string('(');
      chunk.forEach((inner, i) => {
        if (i > 0) this.#string(', ');
        this.read(inner, copy);
      });
      this.#string(')');
      out.push(copy);
      return;
    }
    this.#value(chunk, out);
  }

  #nested(query: SQL, out: unknown[]): void {
    const chunks: unknown[] = [];
    for (const inner of [...query.queryChunks]) this.read(inner, chunks);
    const copy = new SQL(chunks as any) as any;
    copy.decoder = (query as any).decoder;
    copy.shouldInlineParams = (query as any).shouldInlineParams;
    out.push(copy);
  }

  #string(text: string, out?: unknown[]): void {
    if (this.#text === '' && this.#afterValue && /^[A-Za-z0-9_\u0080-\uffff]/.test(text)) {
      throw new RawSqlNotScopedError('a word or a digit runs into a parameter', text.slice(0, 24));
    }
    if (text !== '') this.#afterValue = false;
    this.#text += text;
    out?.push(new StringChunk(text));
  }

  #value(chunk: unknown, out: unknown[]): void {
    if (/[A-Za-z0-9_&\u0080-\uffff]$/.test(this.#text)) {
      throw new RawSqlNotScopedError('a word runs into a parameter', this.#text.slice(-24));
    }
    // A negative number that is written into the text would make a comment of a minus before it.
    if (this.#text.endsWith('-')) this.#string(' ', out);
    this.#token({ type: 'value', value: '' });
    this.#afterValue = true;
    out.push(chunk);
  }

  #query(query: SQL, out: unknown[]): void {
    const { isOpen } = built.get(query)!;
    this.#token({ type: isOpen ? 'open query' : 'query', value: '' });
    out.push(this.template.query(query));
  }

  #slot(token: Omit<Token, 'place'>, chunk: unknown, out: unknown[], more: Partial<Slot> = {}): void {
    this.slots.push({ token: this.#token(token), out, at: out.length, ...more });
    out.push(chunk);
  }

  #token({ type, value }: Omit<Token, 'place'>): Token {
    this.flush();
    this.#afterValue = false;
    const full = { type, value, place: value };
    this.tokens.push(full);
    return full;
  }
}

/**
 * A column is written as `table.name`, which calls the function of that name where the statement gives the table's name
 * to the values of another function. No column of a declared table is a function's name by chance.
 */
export function checkName({ name, table }: { readonly name: string; readonly table?: object }): void {
  if (isCalledByName(name) && !(table && classOf(table))) {
    throw new RawSqlNotScopedError(`"${name}" behind a dot calls the function of that name`, '');
  }
}

/** The SQL that a value is, or that a custom type makes of it; undefined for what is sent as a parameter. */
export function encodedSQL(value: unknown, encoder: Param['encoder']): SQL | undefined {
  if (chunkKindOf(value) === chunkKinds.sql) return value as SQL;
  if (value === null || chunkKindOf(value) === chunkKinds.placeholder || (encoder.mapToDriverValue as any).isNoop) return undefined;
  const encoded = encoder.mapToDriverValue(value);
  return chunkKindOf(encoded) === chunkKinds.sql ? (encoded as SQL) : undefined;
}
