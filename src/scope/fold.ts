/**
 * Long lists of parameters, read once for all lengths. `values ($1, $2), ($3, $4), ...` and `in ($5, $6, ...)` are cut
 * to their first row or item before the text is met, and put back into what was proved.
 *
 * That what is sent says what was proved rests on the parse tree of the proved text, not on this file's reading:
 * - The tree has, where a list is put back, the one row of an INSERT's VALUES with the cells of the first row, or the
 *   one item of an IN or an ARRAY. What is put back is nothing but more rows of as many cells, each `$n` or `default`,
 *   or more items `$n`. In PostgreSQL's grammar that can only continue the list.
 * - Every `$n` that the text shows is a parameter in the tree, so that giving it another number is all that happens to
 *   it. The parameters of what was cut follow each other, and stand nowhere else.
 * Where anything is otherwise, the text is met as it is.
 */
import type { Proved } from '../sql/given.js';
import type { Node } from '../sql/parser.js';
import { fewest, runOf, type Run } from './run.js';

/** A list that was cut behind its first row or item. */
interface Cut {
  readonly isRows: boolean;
  /** The number of the last parameter that stayed, and how many were cut behind it. */
  readonly last: number;
  readonly count: number;
  /**
   * How many rows or items were cut, and how many parameters each has; undefined where some cells are `default` in some
   * rows.
   */
  readonly length: number;
  readonly stride: number | undefined;
  /** The cells of the first row, or the item. */
  readonly first: readonly string[];
  readonly text: string;
}

/** A text without what was cut, whose parameters are numbered through. */
export interface Folded {
  readonly text: string;
  readonly count: number;
  readonly cuts: readonly Cut[];
}

/** What is shorter is met as it is. */
const shortest = 500;
/** What has more lists, or more that looks like one and is none, is no statement that a builder made. */
const [mostLists, mostMisses] = [100, 2_000];
const row = /\((?:\$\d+|default)(?:, (?:\$\d+|default))*\)/y;
/** A row or an item that another one follows. */
const beginnings = /\((?=\$|default)|\$(?=\d+, )/g;
const parameter = /\$(\d+)/g;
const parameterHere = /\$\d+/y;

/**
 * Rows that differ in which cells are `default`, such as those of which some name their tenant.
 *
 * @param next the number of their first parameter
 */
function mixedRows(text: string, at: number, cells: number, next: number): { end: number; to: number; length: number } {
  let [end, to, length] = [at, next - 1, 0];
  for (row.lastIndex = at; ; row.lastIndex = end + 2) {
    const found = row.exec(text)?.[0];
    const own = found?.slice(1, -1).split(', ');
    if (own?.length !== cells || !own.every((it) => it === 'default' || it === `$${++to}`)) break;
    end = row.lastIndex;
    length++;
    if (!text.startsWith(', (', end)) break;
  }
  return { end, to, length };
}

/** Whether the items of an IN or an ARRAY begin at a place: of no other list items may be left out. */
const isList = (text: string, at: number): boolean =>
  text[at - 1] === '[' || (text[at - 1] === '(' && /\bin ?$/i.test(text.slice(Math.max(0, at - 5), at - 1)));

type List = Pick<Cut, 'length' | 'stride'> & { at: number; end: number; from: number; to: number; run: Run };

/** @returns undefined where there is no long list */
export function fold(text: string, count: number): Folded | undefined {
  if (text.length < shortest) return undefined;
  const found: List[] = [];
  beginnings.lastIndex = 0;
  let misses = 0;
  for (let match = beginnings.exec(text); match; match = beginnings.exec(text)) {
    const isRows = match[0] === '(';
    // The list of an IN is not read as a row of a thousand cells, nor a row as a list.
    if (isRows === isList(text, match.index + (isRows ? 1 : 0))) continue;
    if (++misses > mostMisses || found.length > mostLists) return undefined;
    const pattern = isRows ? row : parameterHere;
    pattern.lastIndex = match.index;
    const [first] = pattern.exec(text) ?? [];
    const run = first && runOf(isRows ? first.slice(1, -1).split(', ') : [first], isRows);
    if (!run) continue;
    const uniform = run.lengthIn(text, match.index);
    let end = uniform > 0 ? run.endOf(match.index, uniform) : match.index;
    let list = { end, to: run.from + uniform * run.stride - 1, length: uniform };
    let stride: number | undefined = run.stride;
    if (isRows && text.startsWith(', (', end)) {
      const mixed = mixedRows(text, match.index, run.first.length, run.from);
      if (mixed.length > uniform) [list, stride] = [mixed, undefined];
    }
    if (list.length < fewest) continue;
    end = list.end;
    found.push({
      ...list,
      at: match.index + first!.length,
      from: run.from + run.stride,
      length: list.length - 1,
      stride,
      run,
    });
    misses--;
    beginnings.lastIndex = end;
  }
  // What looks like parameters and is none may stand in a string.
  if (found.length === 0 || found.some(({ to }) => to > count)) return undefined;
  let isApart = true;
  const short = (n: number) =>
    found.reduce(
      (sum, { from, to }) => (n > to ? sum - (to - from + 1) : n >= from ? ((isApart = false), sum) : sum),
      n,
    );
  const shifted = (part: string) => part.replaceAll(parameter, (_, n) => `$${short(Number(n))}`);
  let [out, done] = ['', 0];
  for (const { at, end } of found) {
    out += shifted(text.slice(done, at));
    done = end;
  }
  out += shifted(text.slice(done));
  const cuts = found.map(
    ({ at, end, from, to, length, stride, run: { isRows, first } }): Cut => ({
      isRows,
      last: short(from - 1),
      count: to - from + 1,
      length,
      stride,
      first: first.map(shifted),
      text: text.slice(at, end),
    }),
  );
  // The last parameter may be one of those that were cut.
  const left = cuts.reduce((sum, cut) => sum - cut.count, count);
  return isApart ? { text: out, count: left, cuts } : undefined;
}

/** Where the lists are put back into a text that was proved without them. */
export interface Seams {
  /** The text between its parameters, and their numbers. */
  readonly pieces: readonly string[];
  readonly numbers: readonly number[];
  readonly lists: readonly Seam[];
}

interface Seam {
  /** Behind which parameter, and how much of the text behind that. */
  readonly index: number;
  readonly offset: number;
  /** Rows: which cell is the tenant's; -1 before the first one; undefined where there is none. */
  readonly tenant?: number | undefined;
}

/**
 * @param text what was proved, and its tree
 * @param k the number of the tenant's parameter
 * @param guards the parameters that stand where a row names its tenant
 * @returns undefined where the tree does not show each list
 */
export function seamsOf(
  { cuts }: Folded,
  text: string,
  tree: Node,
  k: number,
  guards: readonly number[],
  mayLackTenant: boolean,
): Seams | undefined {
  // eslint-disable-next-line no-control-regex
  if (!/^[\x00-\x7f]*$/.test(text)) return undefined; // The tree counts bytes.
  const hits = [...text.matchAll(parameter)];
  const at = new Map<number, number>(hits.map((it, i) => [it.index, i]));
  const found: { isRows: boolean; cells: readonly Node[] }[] = [];
  const seen = new Map<number, number>();
  let count = 0;
  const walk = (node: Node): void => {
    if (node === null || typeof node !== 'object') return;
    const { ParamRef, InsertStmt, A_Expr, A_ArrayExpr } = node;
    if (ParamRef) {
      count++;
      seen.set(ParamRef.number, (seen.get(ParamRef.number) ?? 0) + 1);
      if (!at.has(ParamRef.location ?? 0)) count = NaN;
    }
    const rows = InsertStmt?.selectStmt?.SelectStmt?.valuesLists;
    if (rows?.length === 1) found.push({ isRows: true, cells: rows[0].List.items });
    if (A_Expr?.kind === 'AEXPR_IN' && A_Expr.rexpr.List?.items.length === 1)
      found.push({ isRows: false, cells: A_Expr.rexpr.List.items });
    if (A_ArrayExpr?.elements?.length === 1) found.push({ isRows: false, cells: A_ArrayExpr.elements });
    for (const key in node) walk(node[key]);
  };
  walk(tree);
  if (count !== hits.length) return undefined;
  const lists: Seam[] = [];
  for (const { isRows, first, last } of cuts) {
    const index = hits.findIndex((it) => Number(it[1]) === last);
    const isOnce = first.every((it) => it === 'default' || seen.get(Number(it.slice(1))) === 1);
    const list = found.find((it) => it.isRows === isRows && it.cells.some((cell) => cell.ParamRef?.number === last));
    if (index < 0 || !isOnce || !list) return undefined;
    if (!isRows) {
      lists.push({ index, offset: 0 });
      continue;
    }
    const cells = list.cells.map((it) => (it.ParamRef ? `$${it.ParamRef.number}` : it.SetToDefault ? 'default' : ''));
    const isAdded = cells.length === first.length + 1 && cells[0] === `$${k}`;
    const own = isAdded ? cells.slice(1) : cells;
    const tenant = isAdded ? -1 : own.findIndex((it) => it === `$${k}` || guards.includes(Number(it.slice(1))));
    const isSame =
      own.length === first.length &&
      own.every((it, i) => it === first[i] || (i === tenant && first[i] === 'default' && it === `$${k}`));
    if (!isSame || (tenant < 0 && !isAdded && !mayLackTenant)) return undefined;
    // Behind the last parameter of the row stand its last defaults, and the parenthesis.
    const behind = text.slice(hits[index]!.index + hits[index]![0].length);
    const rest = /^(?:, (?:default|\$\d+))*\)/.exec(behind)?.[0];
    if (rest === undefined || rest.includes('$')) return undefined;
    lists.push({ index, offset: rest.length, tenant: tenant < 0 && !isAdded ? undefined : tenant });
  }
  const pieces = hits.map((it, i) => text.slice(i === 0 ? 0 : hits[i - 1]!.index + hits[i - 1]![0].length, it.index));
  return {
    pieces: [...pieces, text.slice(hits.at(-1)!.index + hits.at(-1)![0].length)],
    numbers: hits.map((it) => Number(it[1])),
    lists,
  };
}

/**
 * @param k the number of the tenant's parameter in the folded text
 * @param given the parameters of the whole statement, by their number
 * @param proved of it
 * @param isOne whether the tenant's parameter is one tenant
 * @returns the whole text, its guards, and whether the tenant's parameter stands in it; undefined where the whole has
 * to be read
 */
export function unfold(
  { cuts }: Folded,
  { pieces, numbers, lists }: Seams,
  k: number,
  given: number,
  { guards, orEverybody, assigned }: Pick<Proved, 'guards' | 'orEverybody' | 'assigned'>,
  isOne: boolean,
) {
  const actual = (n: number) =>
    n === k ? given + 1 : cuts.reduce((sum, { last, count }) => (n > last ? sum + count : sum), n);
  const all = guards.map(actual);
  const nullable = orEverybody.map(actual);
  const tenant = `$${given + 1}`;
  let usesTenant = numbers.includes(k);
  let out = pieces[0]!;
  for (const [i, n] of numbers.entries()) {
    out += `$${actual(n)}`;
    const at = lists.findIndex((it) => it.index === i);
    const behind = pieces[i + 1]!;
    if (at < 0) {
      out += behind;
      continue;
    }
    const { offset, tenant: place } = lists[at]!;
    const { text, isRows, length, stride, first: cells } = cuts[at]!;
    out += behind.slice(0, offset);
    if (!isRows || place === undefined) out += text;
    else if (place < 0) out += replaced(text, ', (', `, (${tenant}, `);
    else if (stride === undefined) {
      for (const row of text.slice(3, -1).split('), (')) {
        const own = row.split(', ');
        if (own[place] === 'default') {
          // Of several tenants, a row has to name its own: the row that was proved did.
          if (!isOne && cells[place] !== 'default') return undefined;
          own[place] = tenant;
          usesTenant = true;
        } else {
          all.push(Number(own[place]!.slice(1)));
          if (orEverybody.includes(Number(cells[place]!.slice(1)))) nullable.push(all.at(-1)!);
        }
        out += `, (${own.join(', ')})`;
      }
    } else if (cells[place] === 'default') {
      out +=
        place === 0
          ? replaced(text, ', (default', `, (${tenant}`)
          : text.replaceAll(defaultAt(place), (_, before) => `${before}${tenant}`);
      usesTenant = true;
    } else {
      const first = Number(cells[place]!.slice(1));
      for (let row = 1, number = actual(first); row <= length; row++) all.push((number += stride));
      if (orEverybody.includes(first)) nullable.push(...all.slice(all.length - length));
      out += text;
    }
    out += behind.slice(offset);
  }
  return {
    text: out,
    guards: all,
    orEverybody: nullable,
    assigned: assigned.map((it) => ({ ...it, number: actual(it.number) })),
    usesTenant,
  };
}

/** In each row, a `default` behind so many cells. */
const defaultAt = (place: number) => new RegExp(String.raw`(, \((?:[^,]*, ){${place}})default`, 'g');

/** As replaceAll() does, in a third of its time where there are many. */
const replaced = (text: string, from: string, to: string) => text.split(from).join(to);
