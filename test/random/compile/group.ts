/** The text of GROUP BY, HAVING and aggregates. */
import type { Group } from '../ast.js';
import { choose, isPlain, type Env, type Rows } from './env.js';
import { num } from './expression.js';
import { orderOf, type Chosen } from './select.js';
import { numTemplate } from './template.js';

export interface Grouping {
  readonly code: string;
  readonly fields: Chosen[];
  readonly total: string[];
}

export function groupOf(env: Env, group: Group, from: Rows, joins: readonly string[]): Grouping {
  const { rows } = env;
  const total = orderOf(rows.flatMap((it) => it.total));
  const int = (n: number) => env.column(n, 'int', true)?.code ?? 'sql`1`';
  const text = (n: number) => env.column(n, 'text', true)?.code ?? "sql`''`";
  const aggregates = group.aggregates.map((n): Chosen => {
    const [kind, code] = choose(
      [
        ['int', 'sql`count(*)::int`'],
        ['int', `sql\`sum(\${${int(n)}})::int\``],
        ['int', `max(${int(n)})`],
        ['text', `sql\`max(\${${text(n)}})\``],
        ['text', `sql\`string_agg(\${${text(n)}}, ',' order by ${total})\``],
        ['int', `sql\`(count(distinct \${${text(n)}}))::int\``],
        ['int', `sql\`(count(*) filter (where \${${int(n)}} > 2))::int\``],
        ['text', `sql\`json_agg(\${${text(n)}} order by ${total})::text\``],
      ] as const,
      n,
    );
    env.reach('aggregate');
    return { key: env.name('c'), kind, code };
  });
  const key = from.table?.key ?? [];
  // A derived table has no key that the other columns would follow from.
  const byKey =
    group.key &&
    key.length > 0 &&
    !from.kind.includes('view') &&
    from.kind !== 'template' &&
    joins.every((it) => it === 'inner' || it === 'left');
  let by: string[];
  let fields: Chosen[];
  if (group.by.length === 2 && group.by[0]! % 4 === 0) {
    // Its parameters have other numbers in each place, so that it can stand in one only.
    env.reach('group by a template');
    const template = numTemplate(env.in('group by'), group.by[1]!, group.by[1]! * 2);
    return { code: `.groupBy(${template})`, fields: aggregates, total: aggregates.map((it) => it.code) };
  }
  if (byKey) {
    env.reach('group by the primary key');
    by = key.map((it) => `${from.code}.${it}`);
    fields = ['label', 'points'].flatMap((it) => {
      const column = from.cols.find((column) => column.key === it);
      return column ? [{ key: env.name('c'), code: column.code, kind: column.kind, name: column.name }] : [];
    });
  } else {
    const columns = group.by.flatMap((n) => env.column(n, isPlain, true) ?? []);
    fields = columns.map((column, i) =>
      i === 1 && column.kind === 'int'
        ? { key: env.name('c'), code: `sql\`(\${${column.code}} % 3)\``, kind: 'int' }
        : { key: env.name('c'), code: column.code, kind: column.kind, name: column.name },
    );
    by = fields.map((it) => it.code);
  }
  const isRollup = group.rollup && !byKey;
  const keys = isRollup ? `sql\`rollup (${by.map((it) => `\${${it}}`).join(', ')})\`` : by.join(', ');
  let code = by.length === 0 ? '' : `.groupBy(${keys})`;
  if (isRollup && by.length > 0) env.reach('rollup');
  if (group.having && (by.length > 0 || aggregates.length > 0)) {
    env.reach('having');
    const havingEnv = env.in('having').with({ rows: [], outer: [] });
    const than = num(havingEnv, group.having.than);
    const { op } = group.having;
    const conditions = [
      `sql\`count(*) >= \${${than}}\``,
      `gt(count(), ${than})`,
      `sql\`count(*) > 100 or true\``,
      `sql\`max(\${${int(op)}}) >= \${${than}}\``,
      `lt(${numTemplate(havingEnv, op, op * 2 + 1)}, 7)`,
      `sql\`count(*) <= \${${numTemplate(havingEnv, op, 1)}} - 7\``,
    ];
    code += `.having(${choose(conditions, op)})`;
  }
  const all = [...aggregates.map((it) => it.code), ...by];
  return { code, fields: [...fields, ...aggregates], total: all };
}
