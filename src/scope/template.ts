/**
 * Scopes what a user writes in SQL: an expression, a `sql` template, a whole statement. Every table in it that
 * is a source of rows becomes a derived table with its predicate inside, which no text around it can weaken.
 */
import { is, SQL, sql, Subquery, type Param } from 'drizzle-orm';
import { RawSqlNotScopedError, TenantMismatchError } from '../schema/index.js';
import { chunkKindOf, chunkKinds, isSQLWrapper } from './chunks.js';
import { isAlias, namesOf, originalName, type Scope } from './scope.js';
import { readTables, tokensOf, type FragmentUse, type TableUse, type Token } from './sql-text.js';

/** What is known of a piece of SQL that this library built: for whom, and which CTEs it expects around it. */
interface Built {
  readonly scope: Scope;
  readonly expects: ReadonlySet<string>;
}

const built = new WeakMap<SQL, Built>();

/** Marks SQL as scoped, and closes it: what is appended to it later would not be. */
export function markBuilt(query: SQL, scope: Scope, expects: ReadonlySet<string>): SQL {
  Object.freeze(query.queryChunks);
  built.set(query, { scope, expects });
  return query;
}

let rendered = 0;

/** SQL that goes as it is into a statement that is to be proved: rendering it is what tells. */
function unread(query: SQL): SQL {
  const copy = new SQL([
    {
      shouldOmitSQLParens: () => true,
      getSQL: () => {
        rendered++;
        return query;
      },
    },
  ]) as any;
  copy.decoder = (query as any).decoder;
  copy.shouldInlineParams = (query as any).shouldInlineParams;
  return copy;
}

/** How many times unread SQL was rendered. Rendering is synchronous: a difference is of the statement between. */
export const unreadCount = (): number => rendered;

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
   * Scopes anything that a clause may hold. What needs no change is returned as it is, and so is what was written
   * by hand and not understood: the statement around it is then proved before it is sent.
   */
  scoped<T>(chunk: T, use: FragmentUse = 'expression'): T {
    if (chunk === undefined || chunk === null || typeof chunk !== 'object') return chunk;
    const expected = [...this.expects];
    try {
      return this.#read(chunk, use);
    } catch (error) {
      // A relational query is scoped by its text alone, and its tables would be left as they are.
      if (this.tables || !(error instanceof RawSqlNotScopedError) || !is(chunk, SQL)) throw error;
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
    const uses = readTables(tokens, use, this.tables && ((schema, name) => this.tables!.has(tableKey(schema, name))));
    this.#fill(slots, uses);
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
        slot.out[slot.at] = markBuilt(this.#source(table, false), this.scope, none);
        return;
      }
      slot.out[slot.at] = markBuilt(this.#source(table!, use === 'source'), this.scope, none);
      derived.add(table!);
    });
    for (const { column, out, at } of slots) {
      if (column && derived.has(column.table)) {
        out[at] = sql`${sql.identifier(namesOf(column.table)[2])}.${sql.identifier(column.name)}`;
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
    if (isWith) {
      this.expects.add(alias);
      return subquery;
    }
    const query = this.query(inner);
    return query === inner ? subquery : (new Subquery(query, selectedFields, alias) as T);
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
  #text = '';
  #afterValue = false;
  #changed = false;

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
        if (template.tables && value === '.') return this.#slot({ type: 'punctuation', value }, chunk, out);
        out.push(chunk);
        return this.#string(Array.isArray(value) ? value.join('') : value);
      }
      case chunkKinds.sql:
        return built.has(chunk as SQL) ? this.#query(chunk, template.query(chunk as SQL), out) : this.#nested(chunk as SQL, out);
      case chunkKinds.name:
        if (template.tables) return this.#slot({ type: 'name', value: (chunk as { value: string }).value }, chunk, out);
        out.push(chunk);
        this.#token({ type: 'name', value: (chunk as { value: string }).value });
        return;
      case chunkKinds.column: {
        const column = chunk as { table: object; name: string; isAlias: boolean };
        const token = { type: 'value', value: '' } as const;
        const isQualified = !column.isAlias && !isAlias(column.table) && namesOf(column.table)[0] !== undefined;
        if (isQualified) return this.#slot(token, chunk, out, { column });
        out.push(chunk);
        this.#token(token);
        return;
      }
      case chunkKinds.param:
        if (chunkKindOf((chunk as Param).value) === chunkKinds.sql) return this.#nested((chunk as Param).value as SQL, out);
        return this.#value(chunk, out);
      case chunkKinds.table:
      case chunkKinds.view:
        template.scope.admit(chunk as object);
        return this.#slot({ type: 'table', value: '' }, chunk, out, { table: chunk as object });
      case chunkKinds.subquery:
        return this.#query(chunk, template.subquery(chunk as Subquery), out);
      case chunkKinds.valueRows:
        throw new RawSqlNotScopedError('rows of values stand outside of an insert', '');
      case chunkKinds.aliased:
        if ((chunk as SQL.Aliased).fieldAlias !== undefined) return this.#value(chunk, out);
    }
    if (chunk === undefined) return;
    if (typeof chunk === 'object' && chunk !== null && kind !== chunkKinds.placeholder && isSQLWrapper(chunk)) {
      const query = template.query(chunk.getSQL());
      return this.#query(chunk, (chunk as any).shouldOmitSQLParens?.() ? query : sql`(${query})`, out);
    }
    if (Array.isArray(chunk)) {
      const before = this.#begin();
      const copy: unknown[] = [];
      this.#string('(');
      chunk.forEach((inner, i) => {
        if (i > 0) this.#string(', ');
        this.read(inner, copy);
      });
      this.#string(')');
      out.push(this.#end(before) ? copy : chunk);
      return;
    }
    this.#value(chunk, out);
  }

  #nested(query: SQL, out: unknown[]): void {
    const before = this.#begin();
    const chunks: unknown[] = [];
    for (const inner of query.queryChunks) this.read(inner, chunks);
    if (!this.#end(before)) {
      out.push(query);
      return;
    }
    const copy = new SQL(chunks as any) as any;
    copy.decoder = (query as any).decoder;
    copy.shouldInlineParams = (query as any).shouldInlineParams;
    out.push(copy);
  }

  #begin(): boolean {
    const before = this.#changed;
    this.#changed = false;
    return before;
  }

  #end(before: boolean): boolean {
    const changed = this.#changed;
    this.#changed ||= before;
    return changed;
  }

  #string(text: string): void {
    if (this.#text === '' && this.#afterValue && /^[0-9]/.test(text)) {
      throw new RawSqlNotScopedError('a digit runs into a parameter', text.slice(0, 24));
    }
    if (text !== '') this.#afterValue = false;
    this.#text += text;
  }

  #value(chunk: unknown, out: unknown[]): void {
    if (/[A-Za-z0-9_&\u0080-\uffff]$/.test(this.#text)) {
      throw new RawSqlNotScopedError('a word runs into a parameter', this.#text.slice(-24));
    }
    this.#token({ type: 'value', value: '' });
    this.#afterValue = true;
    out.push(chunk);
  }

  #query(chunk: unknown, replacement: unknown, out: unknown[]): void {
    if (replacement !== chunk) this.#changed = true;
    this.#token({ type: 'query', value: '' });
    out.push(replacement);
  }

  #slot(token: Omit<Token, 'place'>, chunk: unknown, out: unknown[], more: Partial<Slot> = {}): void {
    this.#changed = true;
    this.slots.push({ token: this.#token(token), out, at: out.length, ...more });
    out.push(chunk);
  }

  #token(token: Omit<Token, 'place'>): Token {
    this.flush();
    this.#afterValue = false;
    const full = { ...token, place: token.value };
    this.tokens.push(full);
    return full;
  }
}
