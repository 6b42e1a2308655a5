/** The text of a SELECT: at the top, in a condition, as a source, in WITH, on either side of UNION. */
import type { Field, Order, Select } from '../ast.js';
import type { Kind } from '../spec.js';
import { choose, isPlain, type Col, type Env, type Rows } from './env.js';
import { ctesOf } from './cte.js';
import { bool, linkToOuter, num, text } from './expression.js';
import { groupOf } from './group.js';
import { joinsOf } from './join.js';
import { rowsOf } from './source.js';
import { numTemplate, orderTemplate } from './template.js';

export interface Query {
  readonly code: string;
  readonly cols: readonly { readonly key: string; readonly kind: Kind }[];
  /** Whether its rows come in one order only. */
  readonly ordered: boolean;
}

export interface SelectOptions {
  /** What is asked for: kinds of values, in their order. */
  readonly shape?: readonly Kind[];
  readonly keys?: readonly string[];
  /** What the query is part of: in all but a statement and an expression each field needs a name. */
  readonly use: 'statement' | 'expression' | 'source' | 'operand';
  /** A source that sees what stands before it. */
  readonly lateral?: boolean;
  /** Makes the one value of a scalar subquery. */
  readonly aggregate?: (field: string) => string;
}

/** A field: its text, and what it gives. */
export interface Chosen {
  readonly key: string;
  readonly code: string;
  readonly kind: Kind;
  /** A column's name in the database, where it stands by itself. */
  readonly name?: string | undefined;
}

/** One value of a kind. */
export function valueOf(env: Env, field: Field | undefined, kind: Kind): string {
  if (kind === 'text')
    return field?.k === 'text'
      ? text(env, field.of)
      : text(env, { k: 'column', n: field && 'n' in field ? field.n : 0 });
  if (kind === 'bool')
    return field?.k === 'bool'
      ? `sql\`(\${${bool(env, field.of)}})\``
      : `sql\`(\${${bool(env, { k: 'column', n: field && 'n' in field ? field.n : 0 })}})\``;
  return field?.k === 'num' ? num(env, field.of) : num(env, { k: 'column', n: field && 'n' in field ? field.n : 0 });
}

function fieldOf(env: Env, field: Field, rows: readonly Rows[]): Omit<Chosen, 'key'> {
  switch (field.k) {
    case 'column': {
      const all = env.columns(undefined, true);
      const column = choose(all, field.n);
      return { code: column.code, kind: column.kind, name: column.name };
    }
    case 'num':
      return { code: num(env, field.of), kind: 'int' };
    case 'text':
      return { code: text(env, field.of), kind: 'text' };
    case 'bool':
      return { code: `sql\`(\${${bool(env, field.of)}})\``, kind: 'bool' };
    case 'window': {
      env.reach('window');
      const total = orderOf(rows.flatMap((it) => it.total));
      const partition = env.column(field.partition, isPlain, true);
      const by = partition && field.partition % 3 !== 0 ? `partition by \${${partition.code}} ` : '';
      const over = `over (${by}order by ${total})`;
      const value = valueOf(env, { k: 'column', n: field.n }, 'int');
      const fn = choose(
        [
          'row_number()::int',
          'rank()::int',
          `sum(\${${value}})::int`,
          `lag(\${${value}})`,
          'count(*)::int',
          `first_value(\${${value}})`,
        ],
        field.fn,
      );
      const [call, cast] = fn.endsWith('::int') ? [fn.slice(0, -5), '::int'] : [fn, ''];
      return { code: `sql\`(${call} ${over})${cast}\``, kind: 'int' };
    }
  }
}

/** Columns within a template, one after the other. */
export const orderOf = (columns: readonly string[]) => columns.map((it) => `\${${it}}`).join(', ') || '1';

export function selectOf(around: Env, ast: Select, options: SelectOptions): Query {
  const { use, shape, aggregate } = options;
  const isExpression = use === 'expression' || options.lateral === true;
  const base = isExpression
    ? around.with({ rows: [], outer: [...around.rows, ...around.outer] })
    : around.with({ rows: [] });
  around.reach('query');
  const { env: withCtes, list } = ctesOf(base, ast.ctes);

  const from = rowsOf(withCtes, ast.from);
  withCtes.reach(`from ${from.kind}${from.isAlias && from.table && from.kind !== 'template' ? ' alias' : ''}`);
  const { env, joins, types } = joinsOf(withCtes.with({ rows: [from] }), ast.joins);
  const { rows } = env;
  const own = env.with({ outer: [] });
  const isSet = ast.set !== null && !aggregate;
  const hasTemplate = rows.some((it) => it.kind === 'template' || it.kind === 'values');

  const where = [
    isExpression && ast.correlated ? linkToOuter(around, from) : undefined,
    ast.where ? bool(env.in('where'), ast.where) : undefined,
  ].filter((it) => it !== undefined);
  if (where.length > 0) env.reach('where');
  const correlated = isExpression && ast.correlated && where.length > (ast.where ? 1 : 0);
  if (correlated) env.reach('correlated');

  const setShape =
    isSet && !shape ? (ast.fields.length === 0 ? (['int', 'text'] as const) : ast.fields.map(kindOf)) : shape;
  const group = ast.group && !setShape && !aggregate ? groupOf(own, ast.group, from, types) : undefined;
  const isDistinct = !group && !aggregate && !isSet && (ast.distinct === 1 || ast.distinct === 2);
  const isAll =
    !group &&
    !setShape &&
    !isDistinct &&
    !hasTemplate &&
    ast.fields.length === 0 &&
    (joins.length === 0 ? from.table !== undefined || use === 'statement' : use !== 'source' && use !== 'operand');

  let chosen: Chosen[];
  const nameOf = (i: number) => options.keys?.[i] ?? env.name('c');
  if (group) chosen = group.fields;
  else if (setShape)
    chosen = setShape.map((kind, i) => ({
      key: nameOf(i),
      code: valueOf(own.in('field'), ast.fields[i % Math.max(1, ast.fields.length)], kind),
      kind,
    }));
  else if (isAll) chosen = [];
  else {
    const fields: readonly Field[] =
      ast.fields.length > 0
        ? ast.fields
        : [
            { k: 'column', n: 0 },
            { k: 'column', n: 2 },
          ];
    chosen = fields.map((field, i) => ({
      key: nameOf(i),
      ...fieldOf(own.in('field'), isDistinct && field.k === 'window' ? { k: 'column', n: field.n } : field, rows),
    }));
  }
  if (aggregate && ast.limit === null) chosen = chosen.map((it) => ({ ...it, code: aggregate(it.code) }));
  chosen = unique(env, chosen, isSet ? 'operand' : use);

  const fields = isAll ? '' : `{ ${chosen.map((it) => `${it.key}: ${it.code}`).join(', ')} }`;
  let ordered = false;
  let orderBy: string[] = [];
  const positions = chosen.map((_, i) => `sql\`${i + 1}\``);
  let verb = `select(${fields})`;
  const wantsOrder = ast.order.length > 0 || ast.limit !== null || ast.offset !== null;
  const isOne = aggregate !== undefined;
  const byTemplate = ast.order.find((it) => it.style === 4 || it.n % 3 === 0);
  if (isDistinct && ast.distinct === 2 && byTemplate && use === 'statement') {
    // Which row of several is kept is open, so that nothing of it is shown.
    env.reach('distinct on a template');
    verb =
      `selectDistinctOn([${numTemplate(env.in('distinct on'), byTemplate.n, byTemplate.n * 2)}], ` +
      `{ ${chosen[0]!.key}: sql\`1\` })`;
  } else if (isDistinct && ast.distinct === 2) {
    // A column, and no number that was drawn: that would be the place of one.
    const some = from.total[0] ?? 'sql`1`';
    const on = ast.order.slice(0, 1).map((it) => env.column(it.n, isPlain, true)?.code ?? some);
    const columns = on.length > 0 ? on : [some];
    env.reach('distinct on');
    verb = `selectDistinctOn([${columns.join(', ')}], ${fields})`;
    orderBy = [...columns, ...rows.flatMap((it) => it.total)];
    ordered = true;
  } else if (isDistinct) {
    env.reach('distinct');
    verb = `selectDistinct(${fields})`;
    if (wantsOrder) [orderBy, ordered] = [positions, true];
  } else if (isSet) {
    if (wantsOrder) [orderBy, ordered] = [positions, true];
  } else if (group) {
    if (wantsOrder) [orderBy, ordered] = [group.total, true];
  } else if (isOne) {
    if (ast.limit !== null) [orderBy, ordered] = [rows.flatMap((it) => it.total), true];
  } else if (wantsOrder) {
    orderBy = [
      ...ast.order.map((it) => orderTerm(env, it)).filter((it) => it !== undefined),
      ...rows.flatMap((it) => it.total),
    ];
    ordered = true;
  }
  if (orderBy.length > 0 && !isOne) env.reach('order by');

  const handle = list.length > 0 ? `${env.handle}.with(${list.join(', ')})` : env.handle;
  let code = `${handle}.${verb}.from(${from.code})${joins.join('')}`;
  if (ast.dynamic) {
    env.reach('dynamic');
    code += '.$dynamic()';
  }
  if (where.length > 0) code += `.where(${where.length === 1 ? where[0] : `and(${where.join(', ')})`})`;
  if (group) {
    env.reach('group by');
    code += group.code;
  }
  if (isSet) code = setOf(env, ast, code, chosen, isExpression);
  if (orderBy.length > 0) code += `.orderBy(${orderBy.join(', ')})`;
  if (isOne) code += ast.limit === null ? '' : '.limit(1)';
  else {
    if (ast.limit !== null && orderBy.length > 0) {
      env.reach('limit');
      const query = () => numTemplate(env.with({ rows: [], outer: [] }).in('limit'), ast.limit!, ast.limit! * 2 + 1);
      const dynamic = () => (ast.limit! > 2 ? query() : `sql\`${ast.limit} + 0\``);
      code += `.limit(${ast.dynamic ? dynamic() : ast.limit})`;
    }
    if (ast.offset !== null && orderBy.length > 0) {
      env.reach('offset');
      const query = () => numTemplate(env.with({ rows: [], outer: [] }).in('offset'), ast.offset!, ast.offset! * 2 + 1);
      code += `.offset(${ast.dynamic && ast.offset > 0 ? query() : ast.offset})`;
    }
  }
  const isLockable =
    !isSet &&
    !group &&
    !isDistinct &&
    !isOne &&
    !chosen.some((it) => it.code.includes(' over (')) &&
    (from.kind === 'tenant' || from.kind === 'link') &&
    !from.isAlias &&
    types.every((it) => it === 'inner' || it === 'left');
  if (ast.lock !== null && isLockable) {
    env.reach('for update');
    code +=
      `.for('${choose(['update', 'share', 'no key update', 'key share'], ast.lock)}', ` +
      `{ of: ${from.code}${ast.lock % 3 === 0 ? ', skipLocked: true' : ''} })`;
  }
  const cols = isAll
    ? from.table
      ? from.cols.map((it) => ({ key: it.key, kind: it.kind }))
      : from.cols.map((it) => ({ key: it.key, kind: it.kind }))
    : chosen.map((it) => ({ key: it.key, kind: it.kind }));
  return { code, cols, ordered };
}

function setOf(env: Env, ast: Select, left: string, chosen: readonly Chosen[], seesOuter: boolean): string {
  const op = choose(['union', 'unionAll', 'intersect', 'except', 'union'], ast.set!.op);
  env.reach(op);
  // The WITH of the left side does not reach the right.
  const outside = env.with({ rows: [], outer: seesOuter ? env.outer : [], ctes: [] }).in(op);
  const right = selectOf(
    outside,
    { ...ast.set!.right, lock: null },
    { shape: chosen.map((it) => it.kind), keys: chosen.map((it) => it.key), use: 'operand' },
  );
  return ast.set!.style % 3 === 0 ? `${op}(${left}, ${right.code})` : `${left}.${op}(${right.code})`;
}

const kindOf = (field: Field): Kind => (field.k === 'text' ? 'text' : field.k === 'bool' ? 'bool' : 'int');

function orderTerm(env: Env, { n, style }: Order): string | undefined {
  if (style === 4) return orderTemplate(env.in('order by'), n, n);
  const column: Col | undefined = env.column(n, (kind) => isPlain(kind), true);
  return (
    column &&
    choose(
      [`asc(${column.code})`, `desc(${column.code})`, `sql\`\${${column.code}} desc nulls last\``, column.code],
      style,
    )
  );
}

/** Names for the fields that need one, so that no two are called the same. */
function unique(env: Env, chosen: readonly Chosen[], use: SelectOptions['use']): Chosen[] {
  if (use === 'statement' || use === 'expression') return [...chosen];
  const seen = new Set<string>();
  return chosen.map((it) => {
    if (it.name !== undefined && !seen.has(it.name)) {
      seen.add(it.name);
      return it;
    }
    return { ...it, code: `sql\`\${${it.code}}\`.as('${it.name === undefined ? it.key : env.name('c')}')` };
  });
}
