/**
 * What a template looks like without its values: the sequence of its texts, and of what stands between them. What the
 * reader says of a template depends on that alone, so it reads each shape once. Shapes form a tree, in which each piece
 * leads from one to the next: finding a template again costs a look-up for each piece.
 */
import { type Name, sql, StringChunk } from 'drizzle-orm';
import { RawSqlNotScopedError } from '../schema/index.js';
import { readTables, tokensOf, type FragmentUse, type TableUse, type Token } from './sql-text.js';

/** `value` is a column or a label, which Drizzle writes in quotes; `parameter` is a number or the value itself. */
export type Piece = 'text' | 'name' | 'value' | 'parameter' | 'table' | 'query' | 'open query';

/** The tables that a relational query names by plain names, by schema and name. */
export type NamedTables = ReadonlyMap<string, object>;
export const tableKey = (schema: string | undefined, name: string) => JSON.stringify([schema ?? null, name]);

interface Reading {
  readonly use: FragmentUse;
  readonly tables: NamedTables | undefined;
  /** The names of the tables and of their schemas. */
  readonly names: ReadonlySet<unknown> | undefined;
}

const namesIn = (tables: NamedTables) => new Set([...tables.keys()].flatMap((key) => JSON.parse(key)));

/** More than any application has; text that is made up anew for each query would go on for ever. */
const limit = 50_000;
let count = 0;
let plain = new Map<FragmentUse, Shape>();
let relational = new WeakMap<NamedTables, Map<FragmentUse, Shape>>();

export class Shape {
  /** How many pieces other than text there are so far. */
  readonly count: number;
  /** Whether it ends in a name that may be a table's, or its schema's, in a relational query. */
  readonly mayNameTable: boolean;
  /** What is rendered for a text or a name. */
  readonly chunk: StringChunk | Name | undefined;
  #texts: Map<string, Shape> | undefined;
  #names: Map<string, Shape> | undefined;
  #value: Shape | undefined;
  #parameter: Shape | undefined;
  #others: Map<Piece, Shape> | undefined;
  #uses: readonly (TableUse | undefined)[] | undefined;

  private constructor(
    readonly reading: Reading,
    readonly parent?: Shape,
    readonly piece: Piece = 'text',
    readonly value: string = '',
  ) {
    count += 1 + (value.length >> 6);
    this.count = (parent?.count ?? 0) + (piece === 'text' ? 0 : 1);
    this.mayNameTable = piece === 'name' && reading.names?.has(value) === true;
    this.chunk = Object.freeze(piece === 'text' ? new StringChunk(value) : piece === 'name' ? sql.identifier(value) : undefined);
  }

  /** The shape of nothing. */
  static empty(use: FragmentUse, tables: NamedTables | undefined): Shape {
    if (count > limit) {
      [plain, relational, count] = [new Map(), new WeakMap(), 0];
    }
    let roots = tables ? relational.get(tables) : plain;
    if (!roots) relational.set(tables!, (roots = new Map()));
    let shape = roots.get(use);
    if (!shape) roots.set(use, (shape = new Shape({ use, tables, names: tables && namesIn(tables) })));
    return shape;
  }

  text(value: string): Shape {
    let next = (this.#texts ??= new Map()).get(value);
    if (!next) this.#texts.set(value, (next = new Shape(this.reading, this, 'text', value)));
    return next;
  }

  name(value: string): Shape {
    let next = (this.#names ??= new Map()).get(value);
    if (!next) this.#names.set(value, (next = new Shape(this.reading, this, 'name', value)));
    return next;
  }

  /** The two most frequent of the others. */
  get columnOrLabel(): Shape {
    return (this.#value ??= new Shape(this.reading, this, 'value'));
  }

  get parameter(): Shape {
    return (this.#parameter ??= new Shape(this.reading, this, 'parameter'));
  }

  other(piece: 'table' | 'query' | 'open query'): Shape {
    let next = (this.#others ??= new Map()).get(piece);
    if (!next) this.#others.set(piece, (next = new Shape(this.reading, this, piece)));
    return next;
  }

  /**
   * How each piece other than text is used.
   *
   * @throws RawSqlNotScopedError with what could reach a table past the tenant's filter
   */
  get uses(): readonly (TableUse | undefined)[] {
    return (this.#uses ??= this.#read());
  }

  #read(): readonly (TableUse | undefined)[] {
    const pieces: Shape[] = [];
    for (let it: Shape = this; it.parent; it = it.parent) pieces.push(it);
    const tokens: Token[] = [];
    const own: Token[] = [];
    let text = '';
    let afterParameter = false;
    // Pieces of text that touch are read as one: PostgreSQL sees no seam either.
    const flush = () => {
      if (text !== '') tokens.push(...tokensOf(text));
      text = '';
    };
    for (const { piece, value } of pieces.reverse()) {
      if (piece === 'text') {
        if (text === '' && afterParameter && /^[A-Za-z0-9_\u0080-\uffff]/.test(value)) {
          throw new RawSqlNotScopedError('a word or a digit runs into a parameter', value.slice(0, 24));
        }
        afterParameter = false;
        text += value;
        continue;
      }
      if (piece === 'parameter' && /[A-Za-z0-9_&\u0080-\uffff]$/.test(text)) {
        throw new RawSqlNotScopedError('a word runs into a parameter', text.slice(-24));
      }
      flush();
      afterParameter = piece === 'parameter';
      const token: Token = { type: piece === 'parameter' ? 'value' : piece, value, place: value };
      tokens.push(token);
      own.push(token);
    }
    flush();
    const { use, tables } = this.reading;
    // Only a name that is a piece can be replaced: one that was written by hand, in quotes, names no table here.
    const named = new Set(own);
    const knows = (schema: Token | undefined, name: Token) =>
      named.has(name) && (!schema || named.has(schema)) && tables!.has(tableKey(schema?.value, name.value));
    const uses = readTables(tokens, use, tables && knows);
    return own.map((token) => uses.get(token));
  }
}
