/** The text of joins. */
import type { Join, Select, Source } from '../ast.js';
import { choose, linkOf, type Env, type Rows } from './env.js';
import { bool } from './expression.js';
import { selectOf } from './select.js';
import { namedRows, rowsOf } from './source.js';

const joinTypes = ['inner', 'left', 'left', 'right', 'full', 'cross', 'inner', 'right', 'full'] as const;

/** A query over one source. */
const over = (from: Source): Select => ({
  ctes: [],
  from,
  joins: [],
  fields: [],
  correlated: true,
  where: null,
  group: null,
  distinct: 0,
  order: [],
  limit: null,
  offset: null,
  lock: null,
  set: null,
  dynamic: false,
});

/** @returns where the clauses behind the joins stand */
export function joinsOf(
  around: Env,
  joins: readonly Join[],
  only?: readonly string[],
): { env: Env; joins: string[]; types: string[] } {
  let env = around;
  const code: string[] = [];
  const types: string[] = [];
  for (const join of joins) {
    let type: string = choose(joinTypes, join.type);
    if (only && !only.includes(type)) type = choose(only, join.type);
    let rows: Rows;
    const isLateral = join.lateral && type !== 'right' && type !== 'full';
    if (isLateral) {
      const select = join.source.k === 'subquery' ? join.source.select : over(join.source);
      const name = env.name('s');
      // A lateral subquery sees what stands before it, as a subquery in a condition does.
      const inner = lateralSelect(env, select);
      env.lines.push(`const ${name} = ${inner.code}.as('${name}');`);
      rows = namedRows(name, 'lateral', inner.cols);
    } else {
      rows = rowsOf(env, join.source);
      if (rows.name !== undefined && env.rows.includes(rows)) continue;
    }
    const link = env.rows.map((it) => linkOf(env, rows, it)).find((it) => it !== undefined) ?? equal(env, rows);
    if (type === 'full' && !link) type = 'left';
    const next = env.with({ rows: [...env.rows, rows] });
    const method = `${type}Join${isLateral ? 'Lateral' : ''}`;
    env.reach(`${type}${isLateral ? ' lateral' : ''} join`);
    env.reach(`${type} join of ${rows.kind}${rows.isAlias && rows.table && rows.kind !== 'template' ? ' alias' : ''}`);
    if (types.length > 0) env.reach(`${types.at(-1)} join, then ${type} join`);
    if (type === 'cross') code.push(`.${method}(${rows.code})`);
    else {
      const given = join.on ? bool(next.with({ outer: [] }).in(`on of ${type} join`), join.on) : undefined;
      const isGivenOnly = given !== undefined && type !== 'full' && (join.type >> 3) % 3 === 0;
      const on = [isGivenOnly || isLateral ? undefined : link, given].filter((it) => it !== undefined);
      code.push(
        `.${method}(${rows.code}, ` +
          `${on.length === 0 ? 'sql`true`' : on.length === 1 ? on[0] : `and(${on.join(', ')})`})`,
      );
    }
    types.push(type);
    env = next;
  }
  return { env, joins: code, types };
}

function lateralSelect(env: Env, select: Select) {
  return selectOf(env.in('lateral'), select, { use: 'source', lateral: true });
}

/** Two columns of one kind, where no link says more. */
function equal(env: Env, rows: Rows): string | undefined {
  for (const column of rows.cols) {
    if (column.kind !== 'int' && column.kind !== 'text' && !column.kind.startsWith('key')) continue;
    const other = env.rows.flatMap((it) => it.cols).find((it) => it.kind === column.kind);
    if (other) return `eq(${column.code}, ${other.code})`;
  }
  return undefined;
}
