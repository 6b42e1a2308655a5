/** The tokens of a text, by PostgreSQL's own scanner: where a clause that the tree names begins and ends in the text. */
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';

export interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly tokenName: string;
  readonly keywordKind: number;
}

const afterWhere = new Set('GROUP HAVING WINDOW ORDER LIMIT OFFSET FETCH FOR UNION INTERSECT EXCEPT RETURNING'.split(' '));
const joins = new Set('LEFT RIGHT INNER FULL CROSS NATURAL'.split(' '));

const marks = Object.freeze({ __proto__: null, '(': '(', ')': ')', '[': '(', ']': ')', ',': ',', ';': ';' }) as { '(': string };

export class Tokens {
  readonly list: readonly Token[];
  readonly #words: (string | undefined)[];

  constructor(scanned: readonly Token[]) {
    this.list = scanned.filter((it) => it.tokenName !== 'SQL_COMMENT' && it.tokenName !== 'C_COMMENT');
    this.#words = this.list.map(({ text, keywordKind }, i) => {
      if (keywordKind === 0) return text in marks ? marks[text as '('] : undefined;
      // Behind a dot or AS, a keyword is a name.
      const before = this.list[i - 1];
      return before && (before.text === '.' || (before.keywordKind > 0 && before.text.toUpperCase() === 'AS')) ? undefined : text.toUpperCase();
    });
  }

  /** The index of the token at a place of the tree. */
  at(location: number): number {
    let [low, high] = [0, this.list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.list[middle]!.start < location) low = middle + 1;
      else high = middle;
    }
    if (this.list[low]?.start !== location) throw new Refusal('a place in the text is not found', 'Write a simpler statement', location);
    return low;
  }

  /** The nearest keyword before what a piece of the tree says first. */
  before(piece: Node, word: string): number {
    for (let i = this.at(firstOf(piece)); i >= 0; i--) if (this.#words[i] === word) return i;
    throw new Refusal(`${word} is not found in the text`, 'Write a simpler statement');
  }

  word = (index: number): string | undefined => this.#words[index];

  /** Where what follows a token ends: before the keyword of another clause, or the parenthesis around. */
  endOf(from: number, isOn = false): number {
    let depth = 0;
    for (let i = from; i < this.list.length; i++) {
      const word = this.#words[i];
      if (word === undefined) continue;
      if (word === '(') depth++;
      else if (word === ')' && --depth < 0) return i;
      else if (depth > 0) continue;
      else if (word === ';' || (afterWhere.has(word) && !(word === 'GROUP' && this.#words[i - 1] === 'WITHIN'))) return i;
      else if (word === 'ON' && (isOn || this.#words[i + 1] === 'CONFLICT')) return i;
      else if (isOn && (word === ',' || word === 'WHERE' || word === 'JOIN')) return i;
      else if (isOn && joins.has(word) && /^(JOIN|OUTER|LEFT|RIGHT|INNER|FULL)$/.test(this.#words[i + 1] ?? '')) return i;
    }
    return this.list.length;
  }
}

/** The first place that a piece of the tree names. */
export function firstOf(node: Node): number {
  let first = Infinity;
  const look = (it: Node) => {
    if (it === null || typeof it !== 'object') return;
    for (const [key, value] of Object.entries<Node>(it)) {
      if (key === 'location' && typeof value === 'number') first = value < 0 ? first : Math.min(first, value);
      else look(value);
    }
  };
  look(node);
  return first;
}
