/**
 * Texts at random: statements that people write, with parts taken out, doubled, exchanged, and put in from each other.
 */

import { pick, type Random } from '../sql/prove/hostile.js';

/** A word, a number, a string, an operator or a mark; with what stands between. */
const token = new RegExp(
  [
    /\s+|--[^\n]*|\/\*[\s\S]*?\*\//,
    /\$\d+|[eEuU]?&?'(?:[^']|'')*'|"(?:[^"]|"")*"/,
    /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\d+(?:\.\d+)?/,
    /::|->>|->|<>|<=|>=|\|\||[^\s]/,
  ]
    .map((it) => it.source)
    .join('|'),
  'g',
);

const isBlank = (it: string) => /^\s/.test(it);
const kindOf = (it: string) =>
  /^\$/.test(it)
    ? 'parameter'
    : /^["A-Za-z_\u0080-\uffff]/.test(it)
      ? keywords.has(it.toLowerCase())
        ? 'keyword'
        : 'name'
      : /^[\d'eEuU]/.test(it)
        ? 'value'
        : 'mark';
const keywords = new Set(
  (
    'select from where and or not join left right full inner cross natural lateral on using group by ' +
    'having order limit offset fetch union intersect except all distinct ' +
    'with recursive as insert into values update set delete returning merge when matched ' +
    'then do nothing conflict exists in any some case else end is null true false ' +
    'for share over partition window filter within default only table asc desc materialized cast coalesce ' +
    'row array between like ilike'
  ).split(' '),
);

export class Fuzz {
  readonly #texts: readonly (readonly string[])[];
  readonly #byKind = new Map<string, string[]>();
  /** Parts in parentheses, with them. */
  readonly #groups: (readonly string[])[] = [];

  constructor(texts: readonly string[]) {
    this.#texts = texts.map((it) => it.match(token) ?? []);
    for (const tokens of this.#texts) {
      for (const it of tokens) {
        if (isBlank(it)) continue;
        const kind = kindOf(it);
        if (!this.#byKind.has(kind)) this.#byKind.set(kind, []);
        this.#byKind.get(kind)!.push(it);
      }
      for (const [from, to] of groupsOf(tokens)) this.#groups.push(tokens.slice(from, to));
    }
  }

  text(random: Random): string {
    const tokens = [...pick(this.#texts, random)];
    for (let n = pick([1, 1, 1, 2, 2, 3], random); n > 0; n--) this.#mutate(tokens, random);
    return tokens.join('');
  }

  #mutate(tokens: string[], random: Random): void {
    const places = tokens.flatMap((it, i) => (isBlank(it) ? [] : [i]));
    const at = pick(places, random);
    if (at === undefined) return;
    switch (pick([0, 1, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 7], random)) {
      case 0:
        tokens.splice(at, 1);
        return;
      case 1:
        tokens.splice(at, 0, tokens[at]!, ' ');
        return;
      case 2: {
        const other = pick(places, random);
        [tokens[at], tokens[other]] = [tokens[other]!, tokens[at]!];
        return;
      }
      case 3:
      case 4:
        tokens[at] = pick(this.#byKind.get(kindOf(tokens[at]!)) ?? ['x'], random);
        return;
      case 5: {
        const groups = groupsOf(tokens);
        const into = groups.length > 0 ? pick(groups, random) : [at, at + 1];
        tokens.splice(into[0]!, into[1]! - into[0]!, ...pick(this.#groups, random));
        return;
      }
      case 6:
        tokens.splice(
          at,
          0,
          pick(
            [
              'not ',
              'lateral ',
              'only ',
              'distinct ',
              'all ',
              'x.',
              '(',
              ') ',
              '/* x */ ',
              'or ',
              'and ',
              '"accountId" ',
              ', ',
            ],
            random,
          ),
        );
        return;
      default: {
        // The rest of another statement.
        const other = pick(this.#texts, random);
        const word = tokens[at]!.toLowerCase();
        const from = other.findIndex((it) => it.toLowerCase() === word);
        if (from >= 0) tokens.splice(at, tokens.length - at, ...other.slice(from));
        else tokens.splice(at, 1, ...pick(this.#groups, random));
      }
    }
  }
}

function groupsOf(tokens: readonly string[]): [from: number, to: number][] {
  const found: [number, number][] = [];
  const open: number[] = [];
  tokens.forEach((it, i) => {
    if (it === '(') open.push(i);
    else if (it === ')' && open.length > 0) found.push([open.pop()!, i + 1]);
  });
  return found;
}
