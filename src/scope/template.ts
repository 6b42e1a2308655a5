/**
 * Scopes what a user writes in SQL: an expression, a `sql` template, a whole statement. Every table in it that
 * is a source of rows becomes a derived table with its predicate inside, which no text around it can weaken.
 */
import { type Column, is, Param, SQL, sql, type StringChunk, Subquery } from 'drizzle-orm';
import { aliasedTableColumn } from 'drizzle-orm/alias';
import { classOf } from '../schema/classify.js';
import { RawSqlNotScopedError, TenantMismatchError } from '../schema/index.js';
import { builtBy } from './built.js';
import { chunkKindOf, chunkKinds, isSQLWrapper, withoutEncoding } from './chunks.js';
import { isQualified, namesOf, originalName, ownOf, type Scope } from './scope.js';
import { type NamedTables, Shape, tableKey } from './shape.js';
import { fixed } from './values.js';
import { addsValue, isCalledByName, isSystemColumn, type FragmentUse, type TableUse } from './sql-text.js';

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

const none: ReadonlySet<string> = new Set();

/** One statement under construction: its scope, and the CTEs that its parts expect around them. */
export class Template {
  #expects: Set<string> | undefined;
  #bare: Set<object> | undefined;

  /**
   * @param scope whose rows
   * @param tables the tables that a relational query names by plain names
   */
  constructor(
    readonly scope: Scope,
    readonly tables?: NamedTables,
  ) {}

  /** The CTEs that the parts expect around them. */
  get expects(): ReadonlySet<string> {
    return this.#expects ?? none;
  }

  expect(name: string): void {
    (this.#expects ??= new Set()).add(name);
  }

  /** Whether a table became a derived table: it is known by its bare name, without a schema. */
  isBare(table: object): boolean {
    return this.#bare?.has(table) ?? false;
  }

  markBare(table: object): void {
    (this.#bare ??= new Set()).add(table);
  }

  /**
   * Scopes anything that a clause may hold. Returns a copy: the application may add to its own SQL later. What was
   * written by hand and is not understood goes as it is, and the statement around it is proved before it is sent.
   */
  scoped<T>(chunk: T, use: FragmentUse = 'expression'): T {
    if (chunk === undefined || chunk === null || typeof chunk !== 'object') return chunk;
    if (chunkKindOf(chunk) === chunkKinds.column && !this.isBare((chunk as any).table)) {
      checkName(chunk as any);
      return chunk;
    }
    const out: unknown[] = [];
    this.scopeInto(out, chunk, use);
    return (out.length === 1 ? out[0] : new SQL(out as any)) as T;
  }

  /**
   * As `scoped`, into a list of chunks.
   *
   * @param isFlat whether SQL within SQL is laid out in the same list: less to render. Not for what is selected or
   *   ordered by, where Drizzle tells columns by the list in which they stand
   */
  scopeInto(out: unknown[], chunk: unknown, use: FragmentUse = 'expression', isFlat = false): void {
    const start = out.length;
    const expected = this.#expects && new Set(this.#expects);
    try {
      const reader = new Reader(this, Shape.empty(use, this.tables), isFlat);
      reader.read(chunk, out);
      const { uses } = reader.shape;
      if (reader.slots) this.#fill(reader.slots, uses);
    } catch (error) {
      // A relational query is scoped by its text alone, and its tables would be left as they are. A value is one value,
      // which the prover, who reads the whole, cannot tell.
      if (this.tables || (error as RawSqlNotScopedError).reason === addsValue || !(error instanceof RawSqlNotScopedError) || !is(chunk, SQL)) throw error;
      this.#expects = expected;
      out.length = start;
      out.push(unread(chunk));
    }
  }

  #fill(slots: readonly Slot[], uses: readonly (TableUse | undefined)[]): void {
    let derived = this.#bare;
    slots.forEach(({ piece, out, at, table, name, cte }, i) => {
      const use = uses[piece];
      if (use === undefined || use === 'row' || use === 'schema') return;
      if (cte !== undefined) {
        if (use === 'source') this.expect(cte);
      } else if (name !== undefined) {
        const schema = i > 0 && uses[slots[i - 1]!.piece] === 'schema' ? slots[i - 1] : undefined;
        if (schema) {
          if (schema.out !== out) throw new RawSqlNotScopedError('a schema stands apart from its table', name);
          out.fill(undefined, schema.at, at);
        }
        out[at] = this.#source(this.tables!.get(tableKey(schema?.name, name))!, false);
      } else if (table) {
        out[at] = this.#source(table, use === 'source');
        derived = new Set(derived).add(table);
      }
    });
    for (const { column, out, at } of slots) {
      if (column && derived?.has(column.table)) {
        // A column still, since Drizzle leaves out the table's name where all columns are of one table.
        out[at] = aliasedTableColumn(column as unknown as Column, namesOf(column.table)[2]);
      }
    }
  }

  /** A table where rows come from: a derived table, unless nothing confines it. */
  #source(table: object, withAlias: boolean): SQL {
    const found = this.scope.admit(table);
    const own = ownOf(table, found);
    const rows = this.scope.rowsOf(own, found);
    const [, original, known] = namesOf(own);
    const alias = withAlias && (rows || known !== original) ? sql` ${sql.identifier(known)}` : undefined;
    return rows ? sql`(${rows})${alias}` : sql`${originalName(own)}${alias}`;
  }

  /** Takes in SQL that is complete in itself, a subquery or an operand, and returns what to render. */
  query(query: SQL): SQL {
    const known = builtBy(query);
    if (!known) return this.scoped(query, 'statement');
    if (!this.scope.includes(known.scope)) {
      throw new TenantMismatchError('Build every part of a query with one handle: a subquery here was built for another tenant.');
    }
    for (const name of known.expects) this.expect(name);
    return (query as any).shouldInlineParams ? sql`${known.sql}`.inlineParams() : known.sql;
  }

  /** Takes in a subquery with a name, or a CTE by its name. */
  subquery<T extends Subquery>(subquery: T): T {
    const { alias, isWith, sql: inner, selectedFields } = subquery._;
    if (isWith) this.expect(alias);
    return new Subquery(isWith ? inner : this.query(inner), selectedFields, alias, isWith) as T;
  }
}

/** A chunk that may have to be replaced, and where its copy stands. */
interface Slot {
  /** Which piece of the shape it is, of those other than text. */
  readonly piece: number;
  readonly out: unknown[];
  readonly at: number;
  readonly table?: object;
  /** A name in a relational query, which may be a table's. */
  readonly name?: string;
  readonly column?: { readonly table: object; readonly name: string };
  /** A CTE that is named: where rows come from, or before a column's name. */
  readonly cte?: string;
}

/** Reads chunks as Drizzle renders them: into a shape, and into a copy that has a place for each replacement. */
class Reader {
  slots: Slot[] | undefined;

  constructor(
    readonly template: Template,
    public shape: Shape,
    readonly isFlat: boolean,
  ) {}

  read(chunk: unknown, out: unknown[]): void {
    const kind = chunkKindOf(chunk);
    const { template } = this;
    switch (kind) {
      case chunkKinds.string: {
        const { value } = chunk as StringChunk as { value: unknown };
        return this.#text(typeof value === 'string' ? value : Array.isArray(value) ? value.join('') : String(value ?? ''), out);
      }
      case chunkKinds.sql:
        return this.#sql(chunk as SQL, out);
      case chunkKinds.name: {
        const { value } = chunk as { value: unknown };
        this.shape = this.shape.name(String(value));
        if (this.shape.mayNameTable) this.#slot(out, { name: String(value) });
        out.push(this.shape.chunk);
        return;
      }
      case chunkKinds.column: {
        const column = chunk as { table: object; name: string; isAlias: boolean };
        checkName(column);
        this.shape = this.shape.columnOrLabel;
        if (!column.isAlias && isQualified(column.table)) this.#slot(out, { column });
        out.push(chunk);
        return;
      }
      case chunkKinds.param: {
        const { value, encoder, codec } = chunk as Param;
        if (value === null || chunkKindOf(value) === chunkKinds.placeholder) return this.#parameter(new Param(fixed(value), encoder, codec), out);
        // Encoded once: what is rendered is what was read.
        const encoded = chunkKindOf(value) === chunkKinds.sql ? value : encoder.mapToDriverValue(value);
        if (chunkKindOf(encoded) === chunkKinds.sql) return this.read(encoded, out);
        return this.#parameter(new Param(fixed(encoded), withoutEncoding(encoder), codec), out);
      }
      case chunkKinds.table:
      case chunkKinds.view:
        this.shape = this.shape.other('table');
        this.#slot(out, { table: chunk as object });
        out.push(ownOf(chunk as object, template.scope.admit(chunk as object)));
        return;
      case chunkKinds.subquery: {
        this.shape = this.shape.other('query');
        const { alias, isWith, sql: query, selectedFields } = (chunk as Subquery)._;
        if (isWith) this.#slot(out, { cte: alias });
        out.push(isWith ? new Subquery(query, selectedFields, alias, true) : template.subquery(chunk as Subquery));
        return;
      }
      case chunkKinds.valueRows:
        throw new RawSqlNotScopedError('rows of values stand outside of an insert', '');
      case chunkKinds.aliased:
        if ((chunk as SQL.Aliased).fieldAlias !== undefined) {
          this.shape = this.shape.columnOrLabel;
          out.push(labelOf(chunk));
          return;
        }
    }
    if (chunk === undefined) return;
    if (typeof chunk === 'object' && chunk !== null && kind !== chunkKinds.placeholder && isSQLWrapper(chunk)) {
      const isOpen = (chunk as any).shouldOmitSQLParens?.() === true;
      const query = chunk.getSQL();
      if (!isOpen) this.#text('(', out);
      this.read(query, out);
      if (!isOpen) this.#text(')', out);
      return;
    }
    if (!Array.isArray(chunk)) return this.#parameter(fixed(chunk), out);
    // Drizzle writes the parentheses and commas of a list.
    const copy: unknown[] = [];
    this.shape = this.shape.text('(');
    chunk.forEach((inner, i) => {
      if (i > 0) this.shape = this.shape.text(', ');
      this.read(inner, copy);
    });
    this.shape = this.shape.text(')');
    out.push(copy);
  }

  #sql(query: SQL, out: unknown[]): void {
    const known = builtBy(query);
    if (known) {
      this.shape = this.shape.other(known.isOpen ? 'open query' : 'query');
      out.push(this.template.query(query));
      return;
    }
    const { queryChunks, decoder, shouldInlineParams } = query as any;
    const isFlat = this.isFlat && !shouldInlineParams;
    const chunks: unknown[] = isFlat ? out : [];
    for (let i = 0; i < queryChunks.length; i++) this.read(queryChunks[i], chunks);
    if (isFlat) return;
    const copy = new SQL(chunks as any) as any;
    copy.decoder = decoder;
    copy.shouldInlineParams = shouldInlineParams;
    out.push(copy);
  }

  #text(text: string, out: unknown[]): void {
    if (text === '') return;
    this.shape = this.shape.text(text);
    out.push(this.shape.chunk);
  }

  #parameter(chunk: unknown, out: unknown[]): void {
    // A negative number that is written into the text would make a comment of a minus before it.
    if (this.shape.piece === 'text' && this.shape.value.endsWith('-')) this.#text(' ', out);
    this.shape = this.shape.parameter;
    out.push(chunk);
  }

  /** Of the piece that the shape just came to, whose copy comes next. */
  #slot(out: unknown[], more: Pick<Slot, 'table' | 'name' | 'column' | 'cte'>): void {
    (this.slots ??= []).push({ piece: this.shape.count - 1, out, at: out.length, ...more });
  }
}

/**
 * A column is written as `table.name`, which calls the function of that name where the statement gives the table's name
 * to the values of another function. No column of a declared table is a function's name by chance.
 */
export function checkName({ name, table }: { readonly name: string; readonly table?: object }): void {
  if (harmless.has(name)) return;
  if (isSystemColumn(name)) throw new RawSqlNotScopedError(`the system column ${name} tells of other rows`, '');
  if (isCalledByName(name)) {
    if (table && classOf(table)) return;
    throw new RawSqlNotScopedError(`"${name}" behind a dot calls the function of that name`, '');
  }
  if (harmless.size >= 10_000) harmless.clear();
  harmless.add(name);
}

/** The names that were looked at, and call nothing. */
const harmless = new Set<unknown>();

/** The name of a selected field. Without it, Drizzle would write the SQL that the field stands for. */
export function labelOf(field: any): SQL.Aliased {
  const { fieldAlias, origin } = field;
  checkName({ name: fieldAlias });
  const copy = new SQL.Aliased(sql.empty(), fieldAlias) as any;
  return Object.assign(copy, { isSelectionField: true, origin });
}

/**
 * A value as it is sent: the SQL that it is, or that a custom type makes of it; or a parameter, encoded once, since it
 * could be encoded otherwise the next time. Undefined for what is sent as it is.
 */
export function encodedSQL(value: unknown, encoder: Param['encoder']): SQL | undefined {
  const kind = chunkKindOf(value);
  if (kind === chunkKinds.sql) return value as SQL;
  if (value === null || value === undefined) return undefined;
  if (kind === chunkKinds.placeholder || isNoop(encoder.mapToDriverValue)) return typeof value === 'object' ? new SQL([new Param(value, encoder)]) : undefined;
  const encoded = encoder.mapToDriverValue(value);
  return chunkKindOf(encoded) === chunkKinds.sql ? (encoded as SQL) : new SQL([new Param(encoded, withoutEncoding(encoder))]);
}

/** Whether an encoder says for good that it does nothing. */
const isNoop = (encode: Param['encoder']['mapToDriverValue']) => Object.getOwnPropertyDescriptor(encode, 'isNoop')?.value === true;
