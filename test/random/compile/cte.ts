/** The text of WITH: queries that are built, given by a callback, or written by hand. */
import type { Cte } from '../ast.js';
import { choose, type Env, type Rows } from './env.js';
import { selectOf } from './select.js';
import { namedRows } from './source.js';

/** @returns where the query that has them stands, and their names */
export function ctesOf(around: Env, ctes: readonly Cte[]): { env: Env; list: string[] } {
  let env = around;
  const list: string[] = [];
  for (const { style, named, select } of ctes) {
    const name = env.name('cte');
    const called = named % 12 === 0 ? choose(env.tables, named).sqlName.replace(/^.*"([^"]+)"$/, '$1') : name;
    if (called !== name) env.reach('CTE with the name of a table');
    const inner = env.in('CTE').with({ rows: [], outer: [] });
    let rows: Rows;
    if (style % 6 === 5) {
      const table = choose(
        env.tables.filter((it) => it.columns.some((column) => column.key === 'points')),
        named,
      );
      const column = (key: string) => `"${table.columns.find((it) => it.key === key)!.name}"`;
      env.reach('CTE written by hand');
      env.lines.push(
        `const ${name} = ${env.handle}.$with('${called}', { n: sql\`n\`.as('n'), ` +
          `word: sql\`word\`.as('word') }).as(sql\`select x.${column('points')} as n, x.${column('label')} ` +
          `as word from \${${table.name}} x where x.${column('points')} is not null\`);`,
      );
      rows = namedRows(name, 'CTE', [
        { key: 'n', kind: 'int' },
        { key: 'word', kind: 'text' },
      ]);
    } else {
      const query = selectOf(inner, { ...select, lock: null }, { use: 'source' });
      const isCallback = style % 6 === 4 && query.code.startsWith(`${env.handle}.select`);
      env.reach(isCallback ? 'CTE by a callback' : 'CTE');
      const code = isCallback ? `(qb) => qb${query.code.slice(env.handle.length)}` : query.code;
      env.lines.push(`const ${name} = ${env.handle}.$with('${called}').as(${code});`);
      rows = namedRows(name, 'CTE', query.cols);
    }
    list.push(name);
    env = env.with({ ctes: [...env.ctes, { ...rows, name: called }] });
  }
  return { env, list };
}
