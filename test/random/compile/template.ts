/** The text of subqueries written by hand over an interpolated table, within an expression. */
import { choose, columnOf, type Env } from './env.js';

/** A table, its rows by a name or by the table's own, and how they are linked to what is around. */
function over(env: Env, n: number, form: number) {
  const around = [...env.rows, ...env.outer];
  const links = around.flatMap((rows) => {
    const { table } = rows;
    if (!table || rows.cols.length === 0) return [];
    return env.linksOf(table).flatMap((link) => {
      const isFrom = link.from === table.name;
      const other = env.table(isFrom ? link.to : link.from);
      const [mine, theirs] = isFrom ? [link.fromKeys, link.toKeys] : [link.toKeys, link.fromKeys];
      const columns = mine.map((key) => rows.cols.find((it) => it.key === key)?.code);
      return columns.every((it) => it !== undefined) ? [{ other, columns: columns as string[], theirs }] : [];
    });
  });
  const link = links.length > 0 && form % 2 === 0 ? choose(links, n) : undefined;
  const table = link?.other ?? choose(env.tables, n);
  const isNamed = form % 3 !== 0 || env.isSeen(table.name);
  const name = env.name('x');
  const column = (key: string) => (isNamed ? `${name}."${columnOf(table, key).name}"` : `\${${table.name}.${key}}`);
  const on = link?.theirs.map((key, i) => `${column(key)} = \${${link.columns[i]!}}`).join(' and ');
  return {
    table,
    from: `\${${table.name}}${isNamed ? ` ${name}` : ''}`,
    column,
    where: on === undefined ? '' : ` where ${on}`,
    and: on === undefined ? ' where ' : ` where ${on} and `,
  };
}

const hasPoints = (table: { readonly columns: readonly { readonly key: string }[] }) =>
  table.columns.some((it) => it.key === 'points');

export function numTemplate(env: Env, n: number, form: number): string {
  const { table, from, column, where } = over(env, n, form);
  env.reach('template as a number');
  const value = hasPoints(table) ? column('points') : '1';
  const all = ['count(*)::int', `sum(${value})::int`, `max(${value})`, `coalesce(min(${value}), 0)`];
  return `sql\`(select ${choose(all, form >> 2)} from ${from}${where})\``;
}

export function textTemplate(env: Env, n: number, form: number): string {
  const { from, column, where } = over(env, n, form);
  env.reach('template as text');
  const label = column('label');
  const all = [`max(${label})`, `min(${label})`, `string_agg(${label}, ',' order by ${label})`];
  return `sql\`(select ${choose(all, form >> 2)} from ${from}${where})\``;
}

export function boolTemplate(env: Env, n: number, form: number, not: boolean): string {
  const { from, column, and } = over(env, n, form);
  env.reach('template as a condition');
  const outer = env.column(n, 'text');
  const tests = [
    `${not ? 'not ' : ''}exists (select 1 from ${from}${and}${column('label')} like '%a%')`,
    `${not ? 'not ' : ''}exists (select from ${from}${and}true)`,
    ...(outer
      ? [
          `\${${outer.code}} ${not ? 'not ' : ''}in (select ${column('label')} ` +
            `from ${from}${and}${column('label')} is not null)`,
          `\${${outer.code}} = any (array(select ${column('label')} from ${from}${and}true))`,
        ]
      : []),
  ];
  return `sql\`${choose(tests, form >> 1)}\``;
}

/** Something to order by. */
export const orderTemplate = (env: Env, n: number, form: number): string =>
  `sql\`${numTemplate(env, n, form).slice(4, -1)} desc\``;
