/** The text of what stands in FROM. */
import type { Source } from '../ast.js';
import { words, type TableSpec } from '../spec.js';
import { choose, quoted, sqlText, type Col, type Env, type Rows } from './env.js';
import { selectOf } from './select.js';

/** A table's rows, under its own name or an alias. */
export function tableRows(env: Env, table: TableSpec, alias: boolean): Rows {
  const isAlias = alias || env.isSeen(table.name);
  let code = table.name;
  if (isAlias) {
    code = env.name('t');
    env.lines.push(`const ${code} = alias(${table.name}, '${code}');`);
  }
  // Drizzle does not rename the expressions of a view that is given an alias.
  const known = isAlias && table.kind.includes('view') ? table.columns.filter((it) => it.type !== '') : table.columns;
  const cols = known.map((it): Col => ({ code: `${code}.${it.key}`, kind: it.kind, key: it.key, name: it.name }));
  const keys = [...(table.tenantKey ? [table.tenantKey] : []), ...table.key];
  return {
    code,
    name: code,
    table,
    kind: table.kind,
    isAlias,
    cols,
    total: [...new Set(keys)].map((key) => `${code}.${key}`),
  };
}

/**
 * @param onlyTable a table or a view is asked for
 * @returns the rows; lines that they need are in `env`
 */
export function rowsOf(env: Env, source: Source, onlyTable = false): Rows {
  const { tables } = env;
  switch (source.k) {
    case 'table':
      return tableRows(env, choose(tables, source.table), source.alias && !onlyTable);
    case 'linked': {
      const near = [...env.rows, ...env.outer].flatMap((it) => it.table ?? []);
      const linked = near.flatMap((table) =>
        env.linksOf(table).map((it) => (it.from === table.name ? it.to : it.from)),
      );
      const table = linked.length === 0 ? choose(tables, source.n) : env.table(choose(linked, source.n));
      return tableRows(env, table, source.alias && !onlyTable);
    }
    case 'cte':
      if (onlyTable || env.ctes.length === 0)
        return rowsOf(env, { k: 'table', table: source.n, alias: false }, onlyTable);
      env.reach('source: CTE');
      return choose(env.ctes, source.n);
    case 'template':
      return templateRows(env, choose(tables, source.table), source.join);
    case 'values': {
      const name = env.name('v');
      const rows = [1, 2, 3].map((n) => `(${n + (source.n % 3)}, ${sqlText(choose(words, n + source.n))})`).join(', ');
      const code =
        source.n % 3 === 0
          ? `sql\`generate_series(1, ${1 + (source.n % 4)}) as ${name}(n)\``
          : `sql\`(values ${rows}) as ${name}(n, word)\``;
      const cols: Col[] = [{ code: `sql\`${name}.n\``, kind: 'int', key: 'n' }];
      if (source.n % 3 !== 0) cols.push({ code: `sql\`${name}.word\``, kind: 'text', key: 'word' });
      return { code, name, kind: 'values', isAlias: true, cols, total: cols.map((it) => it.code) };
    }
    case 'subquery': {
      const name = env.name('s');
      const query = selectOf(env.in('subquery').with({ rows: [], outer: [] }), source.select, { use: 'source' });
      env.lines.push(`const ${name} = ${query.code}.as('${name}');`);
      return namedRows(name, 'subquery', query.cols);
    }
  }
}

/** The rows of a query with a name: a subquery or a CTE. */
export function namedRows(
  name: string,
  kind: string,
  cols: readonly { readonly key: string; readonly kind: Col['kind'] }[],
): Rows {
  const named = cols.map((it): Col => ({ ...it, code: `${name}.${it.key}` }));
  return { code: name, name, kind, isAlias: true, cols: named, total: named.map((it) => it.code) };
}

/** Tables interpolated into a template, joined by hand or not. */
function templateRows(env: Env, table: TableSpec, join: number): Rows {
  const name = env.name('x');
  const cols = (of: TableSpec, at: string) =>
    of.columns.map(
      (it): Col => ({ code: `sql\`${at}.\${sql.identifier(${quoted(it.name)})}\``, kind: it.kind, key: it.key }),
    );
  const total = (of: TableSpec, at: string) =>
    [...(of.tenantKey ? [of.tenantKey] : []), ...of.key].map(
      (key) => `sql\`${at}.\${sql.identifier(${quoted(of.columns.find((it) => it.key === key)!.name)})}\``,
    );
  const link = env.spec.links.find((it) => it.from === table.name && it.to !== table.name);
  if (join % 3 === 0 && link) {
    env.reach('join written by hand');
    const to = env.table(link.to);
    const other = `${name}y`;
    const on = link.fromKeys
      .map(
        (key, i) =>
          `${name}."${table.columns.find((it) => it.key === key)!.name}" = ` +
          `${other}."${to.columns.find((it) => it.key === link.toKeys[i])!.name}"`,
      )
      .join(' and ');
    const type = choose(['join', 'left join', 'inner join'], join >> 2);
    return {
      code: `sql\`\${${table.name}} ${name} ${type} \${${to.name}} as ${other} on ${on}\``,
      name,
      table,
      kind: 'template',
      isAlias: true,
      cols: [...cols(table, name), ...cols(to, other)],
      total: [...total(table, name), ...total(to, other)],
    };
  }
  return {
    code: `sql\`\${${table.name}} ${join % 2 === 0 ? 'as ' : ''}${name}\``,
    name,
    table,
    kind: 'template',
    isAlias: true,
    cols: cols(table, name),
    total: total(table, name),
  };
}
