/**
 * What stands before a condition that can raise, where the reach is `several`. PostgreSQL looks at conditions in the
 * order of their cost: a filter on a list of tenants costs more than a division, which would be computed on rows of
 * other tenants first. CASE keeps the order. It also keeps the condition from an index, so that only those that can
 * raise are put in one.
 */
import type { Context, Level, Source } from './context.js';
import type { Node } from '../parser.js';
import { canRaise, columnsIn } from './raises.js';
import { Refusal } from '../refusal.js';
import { startOf } from '../tokens.js';

/** The tokens of a part of a condition, and what has to hold before it is looked at. */
export interface Barrier {
  readonly from: number;
  readonly to: number;
  readonly test: string;
}

/**
 * @param condition of WHERE, ON or HAVING
 * @param keyword the index of that word
 * @param end the index behind the condition
 * @param isHaving whether it is looked at before rows are grouped, unless an aggregate stands in it
 */
export function barriersOf(
  context: Context,
  condition: Node,
  keyword: number,
  end: number,
  level: Level,
  isHaving = false,
): Barrier[] {
  if (!context.needsBarrier || !condition) return [];
  const parts = [...conjuncts(condition)];
  const found: Barrier[] = [];
  let from = keyword + 1;
  for (const [i, part] of parts.entries()) {
    const and = i + 1 < parts.length ? context.tokens.before(context.tokens.at(startOf(parts[i + 1])), 'AND') : end;
    const test = isHaving ? havingTestOf(part, level) : testOf(context, part, level);
    if (test !== undefined) found.push({ ...within(context, from, and), test });
    from = and + 1;
  }
  return found;
}

function* conjuncts(node: Node): Generator<Node> {
  if (node.BoolExpr?.boolop === 'AND_EXPR') for (const it of node.BoolExpr.args) yield* conjuncts(it);
  else yield node;
}

/** Without the parentheses that close around several parts. */
function within({ tokens }: Context, from: number, to: number): { from: number; to: number } {
  while (tokens.word(from) === '(' && tokens.pair(from) >= to) from++;
  while (tokens.word(to - 1) === ')' && tokens.pair(to - 1) < from) to--;
  return { from, to };
}

/** A group has rows, all of which the filters let through. */
const havingTestOf = (condition: Node, level: Level) =>
  canRaise(condition, (column) => sourcesOf(column, level).raises) ? 'count(*) > 0' : undefined;

/**
 * What tells that the rows which a condition looks at are of the handle's tenants; undefined where it raises nothing.
 */
function testOf(context: Context, condition: Node, level: Level): string | undefined {
  const sources = new Set<Source>();
  const raising = (column: Node): boolean => {
    const found = sourcesOf(column, level);
    for (const it of found.sources) sources.add(it);
    return found.raises;
  };
  if (!canRaise(condition, raising)) return undefined;
  sources.clear();
  for (const column of columnsIn(condition)) raising(column);
  // A set that grows while it is walked is walked to its end.
  for (const it of sources) for (const other of it.besides ?? []) sources.add(other);
  const tests: string[] = [];
  for (const { holds, tenant, name, isNullable } of sources) {
    if (!holds) continue;
    if (tenant === undefined) {
      throw new Refusal(
        `a condition on "${name}" can raise an error on rows of other tenants, and "${name}" does not tell ` +
          'whose its rows are',
        'Select the tenant column in that query',
        startOf(condition),
      );
    }
    const test = `${tenant} = any(${context.tenant})`;
    tests.push(isNullable ? `(${test}) is not false` : test);
  }
  return tests.length === 0 ? undefined : tests.join(' and ');
}

/** The sources of rows that a name may mean, the nearest first. */
function sourcesOf({ fields }: Node, level: Level): { sources: readonly Source[]; raises: boolean } {
  const path: (string | undefined)[] = fields.map((it: Node) => it.String?.sval);
  const column = path.at(-1);
  for (let it: Level | undefined = level; it; it = it.parent) {
    const named =
      path.length > 1
        ? it.sources.filter(({ name, schema }) => name === path.at(-2) && (path.length === 2 || schema === path.at(-3)))
        : [];
    const having =
      path.length > 1 || column === undefined
        ? named
        : it.sources.filter((source) => source.raises(column) !== undefined);
    const found =
      having.length > 0 ? having : path.length === 1 ? it.sources.filter(({ name }) => name === column) : [];
    if (found.length > 0)
      return { sources: found, raises: column === undefined || found.some((source) => source.raises(column) ?? true) };
  }
  return { sources: level.sources, raises: true };
}
