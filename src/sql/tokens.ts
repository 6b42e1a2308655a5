/**
 * The tokens of a text, where PostgreSQL's scanner would see them: for the places that the parse tree does not tell,
 * such as the end of a WHERE. It reads what the parser has accepted already, so that it need not tell right from wrong.
 */
import type { Node } from './parser.js';
import { Refusal } from './refusal.js';

/** The words that clauses begin with or end at. Every other token is known by its place only. */
const keywords = new Set(
  (
    'SELECT FROM WHERE ON USING JOIN LEFT RIGHT INNER FULL CROSS NATURAL OUTER GROUP BY ' +
    'HAVING WINDOW ORDER LIMIT OFFSET FETCH FOR ' +
    'UNION INTERSECT EXCEPT RETURNING CONFLICT AS WHEN THEN CASE END VALUES DEFAULT OVERRIDING ONLY ' +
    'DISTINCT ALL WITHIN ROWS IS NOT AND ' +
    'SOURCE TABLE WITH'
  ).split(' '),
);

const isSpace = (c: number) => c === 32 || (c >= 9 && c <= 13);
const isDigit = (c: number) => c >= 48 && c <= 57;
const isLetter = (c: number) => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 || c >= 128;
const isWord = (c: number) => isLetter(c) || isDigit(c) || c === 36;

/** Ends of clauses, at the depth of parentheses at which they begin. */
const clauses = new Set('GROUP HAVING WINDOW ORDER LIMIT OFFSET FETCH FOR UNION INTERSECT EXCEPT RETURNING'.split(' '));
const joins = new Set('LEFT RIGHT INNER FULL CROSS NATURAL'.split(' '));
const afterSide = new Set('JOIN OUTER LEFT RIGHT INNER FULL'.split(' '));

export class Tokens {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** A keyword in capitals, a mark such as `(`, or nothing. */
  readonly #words: string[] = [];
  /** The other one of a pair of parentheses or brackets. */
  readonly #pairs: number[] = [];

  /** @param text one character for each byte of the statement in UTF-8 */
  constructor(readonly text: string) {
    const open: number[] = [];
    for (let at = 0; at < text.length; ) {
      const end = endOfToken(text, at);
      if (end > 0) {
        const word = this.#wordOf(at, end);
        const index = this.#words.length;
        if (word === '(') open.push(index);
        else if (word === ')') {
          const other = open.pop();
          if (other !== undefined) [this.#pairs[index], this.#pairs[other]] = [other, index];
        }
        this.starts.push(at);
        this.ends.push(end);
        this.#words.push(word);
      }
      at = Math.abs(end);
    }
  }

  #wordOf(start: number, end: number): string {
    const { text } = this;
    if (end - start === 1) {
      const mark = text[start]!;
      if (mark === '(' || mark === '[') return '(';
      if (mark === ')' || mark === ']') return ')';
      if (mark === '.' || mark === ',' || mark === ';' || mark === '*') return mark;
    }
    if (end - start < 2 || end - start > 10 || !isLetter(text.charCodeAt(start))) return '';
    const word = text.slice(start, end).toUpperCase();
    if (!keywords.has(word)) return '';
    // Behind a dot or AS, a keyword is a name.
    const before = this.#words.at(-1);
    return before === '.' || before === 'AS' ? '' : word;
  }

  get length(): number {
    return this.starts.length;
  }

  word = (index: number): string => this.#words[index] ?? '';
  /** The parenthesis that closes or opens the one at an index. */
  pair = (index: number): number => this.#pairs[index] ?? notFound(this.starts[index]);
  start = (index: number): number => this.starts[index] ?? notFound();
  end = (index: number): number => this.ends[index] ?? notFound();

  /** The index of the token at a place that the tree names. */
  at(location: number): number {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! < location) low = middle + 1;
      else high = middle;
    }
    return this.starts[low] === location ? low : notFound(location);
  }

  /** The nearest such keyword before a token: of the clause in which that stands, past what is closed before it. */
  before(index: number, word: string): number {
    for (let i = index - 1; i >= 0; i--) {
      const it = this.#words[i];
      if (it === ')') i = this.pair(i);
      else if (it === word && !(word === 'FROM' && this.#isNoClause(i))) return i;
    }
    return notFound(this.starts[index]);
  }

  /** `rows from (...)`, `is [not] distinct from`. */
  #isNoClause(from: number): boolean {
    const before = this.word(from - 1);
    return before === 'ROWS' || (before === 'DISTINCT' && ['IS', 'NOT'].includes(this.word(from - 2)));
  }

  /**
   * Where what begins at a token ends: before the next clause, or the parenthesis around.
   *
   * @param isOn whether it is the condition of a join, which ends at the next join too
   * @param stop a further keyword at which it ends
   */
  endOf(from: number, isOn = false, stop?: string): number {
    let cases = 0;
    for (let i = from; i < this.length; i++) {
      const word = this.#words[i]!;
      if (word === '') continue;
      if (word === '(') i = this.pair(i);
      else if (word === ')' || word === ';') return i;
      else if (word === 'CASE') cases++;
      else if (word === 'END' && cases > 0) cases--;
      else if (cases > 0) continue;
      else if (word === stop && !(word === 'FROM' && this.#isNoClause(i))) return i;
      else if (clauses.has(word) && !(word === 'GROUP' && this.word(i - 1) === 'WITHIN')) return i;
      else if (word === 'ON' && (isOn || this.word(i + 1) === 'CONFLICT')) return i;
      else if (isOn && (word === ',' || word === 'WHERE' || word === 'JOIN' || word === 'USING')) return i;
      else if (isOn && joins.has(word) && afterSide.has(this.word(i + 1))) return i;
    }
    return this.length;
  }
}

function notFound(location?: number): never {
  throw new Refusal('a place in the text is not found', 'Write a simpler statement', location);
}

/** Where the token at a place ends; of a space or comment, the negative of it. */
function endOfToken(text: string, at: number): number {
  const c = text.charCodeAt(at);
  const next = text.charCodeAt(at + 1);
  let end = at + 1;
  if (isSpace(c)) {
    while (isSpace(text.charCodeAt(end))) end++;
    return -end;
  }
  if (c === 45 && next === 45) {
    while (end < text.length && text.charCodeAt(end) !== 10 && text.charCodeAt(end) !== 13) end++;
    return -end;
  }
  if (c === 47 && next === 42) return -endOfComment(text, at);
  if (c === 39) return endOfQuoted(text, end, 39, false);
  if (c === 34) return endOfQuoted(text, end, 34, false);
  if (c === 36) {
    if (!isDigit(next)) return endOfDollar(text, at);
    while (isDigit(text.charCodeAt(end))) end++;
    return end;
  }
  if (isLetter(c)) {
    if (next === 39 && 'eEbBxXnN'.includes(text[at]!)) return endOfQuoted(text, at + 2, 39, c === 69 || c === 101);
    const quote = text.charCodeAt(at + 2);
    if (next === 38 && (c === 85 || c === 117) && (quote === 34 || quote === 39))
      return withEscape(text, endOfQuoted(text, at + 3, quote, false));
    while (isWord(text.charCodeAt(end))) end++;
    return end;
  }
  if (isDigit(c) || (c === 46 && isDigit(next))) {
    for (; ; end++) {
      const it = text.charCodeAt(end);
      const isExponent =
        (it === 43 || it === 45) && /[eE]/.test(text[end - 1]!) && !/^0[xX]/.test(text.slice(at, at + 2));
      if (!isWord(it) && it !== 46 && !isExponent) return end;
    }
  }
  return end;
}

function endOfQuoted(text: string, from: number, quote: number, isEscaped: boolean): number {
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (isEscaped && c === 92) i++;
    else if (c === quote) {
      if (text.charCodeAt(i + 1) !== quote) return i + 1;
      i++;
    }
  }
  return text.length;
}

/** `U&"d!0061ta" uescape '!'` is one name. */
function withEscape(text: string, end: number): number {
  const escape = /\s*uescape\s*'[^']+'/iy;
  escape.lastIndex = end;
  return escape.test(text) ? escape.lastIndex : end;
}

/** Comments stand within comments. */
function endOfComment(text: string, at: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = at;
  let depth = 0;
  for (let found = edge.exec(text); found; found = edge.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return text.length;
}

function endOfDollar(text: string, at: number): number {
  const tag = /\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$/y;
  tag.lastIndex = at;
  const mark = tag.exec(text)?.[0];
  if (mark === undefined) return at + 1;
  const end = text.indexOf(mark, at + mark.length);
  return end < 0 ? text.length : end + mark.length;
}

/** The first place that a piece of the tree names. */
export function startOf(node: Node): number {
  if (node === null || typeof node !== 'object') return Infinity;
  // Of an expression with two sides, the left one is first, however long the right one is.
  const { A_Expr, BoolExpr } = node;
  if (A_Expr?.lexpr) return Math.min(A_Expr.location ?? Infinity, startOf(A_Expr.lexpr));
  if (BoolExpr) return Math.min(BoolExpr.location ?? Infinity, startOf(BoolExpr.args[0]));
  let first = Infinity;
  for (const key in node) {
    const value = node[key];
    if (typeof value === 'object') first = Math.min(first, startOf(value));
    else if (key === 'location' && value >= 0) first = Math.min(first, value);
  }
  return first;
}
