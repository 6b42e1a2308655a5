/**
 * What the generator has to reach: kinds of statements, clauses, and the combinations in which filters are forgotten.
 */
import { refusals } from './compile/refused.js';
import { rawForms } from './compile/raw.js';
import { keyTypes } from './key-types.js';

/** Rows against columns, each cell named by both. */
interface Table {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly cell: (row: string, column: string) => string;
  /** What cannot be. */
  readonly except?: (row: string, column: string) => boolean;
}

const statements = ['select', '$count', 'find', 'insert', 'insert select', 'update', 'delete', 'writing CTE', 'raw'];
const tables = [
  'root',
  'tenant',
  'tenant alias',
  'link',
  'reference',
  'view',
  'materialized view',
  'subquery',
  'CTE',
  'template',
  'values',
];
const joins = ['inner', 'left', 'right', 'full', 'cross'];
const queries = [
  'CTE',
  'subquery',
  'lateral',
  'exists',
  'in',
  'scalar subquery',
  'quantified',
  'union',
  'prepared',
  'transaction',
];
const within = (row: string, column: string) => `${row} in ${column}`;
const isExpression = (column: string) => !['CTE', 'subquery', 'union', 'prepared', 'transaction'].includes(column);

const tablesOfReach: readonly Table[] = [
  {
    title: 'clauses, by the query that they stand in',
    rows: [
      'where',
      'order by',
      'limit',
      'group by',
      'distinct',
      'union',
      'CTE',
      'inner join',
      'left join',
      'right join',
      'full join',
      'cross join',
    ],
    columns: queries,
    cell: within,
    // One value is asked for there, or rows that stand in any order.
    except: (row, column) =>
      (['group by', 'union', 'order by', 'limit', 'distinct', 'cross join'].includes(row) &&
        ['lateral', 'in', 'scalar subquery', 'quantified', 'exists'].includes(column)) ||
      (row.includes('join') && column === 'lateral') ||
      (row === 'CTE' && column === 'lateral') ||
      (row === 'group by' && column === 'union'),
  },
  {
    title: 'queries, by the query around them',
    rows: ['CTE', 'subquery', 'lateral'],
    columns: queries.filter((it) => it !== 'lateral'),
    cell: (row, column) => `query in ${row} in ${column}`,
    except: (row, column) => row === 'lateral' && isExpression(column),
  },
  {
    title: 'subqueries in conditions, by the query around them',
    rows: ['exists', 'not exists', 'in', 'scalar subquery', '$count as an expression'],
    columns: ['CTE', 'subquery', 'exists', 'update', 'delete', 'prepared', 'transaction'],
    cell: (row, column) => `${row} in where in ${column}`,
    except: (row, column) =>
      (row !== 'exists' && ['exists', 'prepared', 'transaction'].includes(column)) ||
      (['in', '$count as an expression'].includes(row) && column === 'delete'),
  },
  {
    title: 'subqueries, by where they stand',
    rows: ['exists', 'scalar subquery', '$count as an expression'],
    columns: [
      'where',
      'field',
      'case',
      'or',
      'not',
      'on of left join',
      'on of full join',
      'RAW',
      'extras',
      'returning',
      'value',
    ],
    cell: within,
    except: (row, column) =>
      (row === 'exists' && ['returning', 'value'].includes(column)) ||
      (row.startsWith('$count') && ['or', 'not', 'on of left join', 'on of full join', 'RAW'].includes(column)) ||
      (row === 'scalar subquery' && column === 'on of full join'),
  },
  {
    title: 'joins, by what is joined',
    rows: joins,
    columns: tables,
    cell: (row, column) => `${row} join of ${column}`,
  },
  {
    title: 'lateral joins',
    rows: ['inner', 'left', 'cross'],
    columns: ['lateral'],
    cell: (row) => `${row} lateral join`,
  },
  {
    title: 'two joins, one after the other',
    rows: joins,
    columns: joins,
    cell: (row, column) => `${row} join, then ${column} join`,
  },
  {
    title: 'statements, by type of key',
    rows: statements,
    columns: keyTypes.map((it) => it.name),
    cell: (row, column) => `${row}, key ${column}`,
  },
  {
    title: 'relational queries, by level',
    rows: [
      'relational query',
      'relational where',
      'relational limit',
      'filter on one',
      'filter on many',
      'filter on many to many',
      'RAW',
    ],
    columns: ['0', '1', '2'],
    cell: (row, column) => `${row}, level ${column}`,
    except: (row, column) => column === '2' && row.startsWith('filter'),
  },
  {
    title: 'relational queries, by table',
    rows: ['find of', 'with', 'filter on'],
    columns: ['root', 'tenant', 'link', 'reference', 'view'],
    cell: (row, column) => `${row} ${column}`,
  },
  {
    title: 'writes, by table',
    rows: ['insert', 'insert select', 'update', 'delete', 'update from'],
    columns: ['root', 'tenant', 'link', 'reference'],
    cell: (row, column) => `${row} ${row === 'update from' ? '' : 'of '}${column}`,
    except: (row, column) =>
      row === 'update from'
        ? ['root', 'link'].includes(column)
        : column === 'reference' || (row === 'insert select' && column === 'root'),
  },
  { title: 'sources', rows: ['from'], columns: tables, cell: (row, column) => `${row} ${column}` },
];

const singles = [
  ...statements,
  ...[
    'returning',
    'setWhere',
    'several rows',
    'on conflict do nothing',
    'on conflict of a target do nothing',
    'on conflict do update',
    'a query by a callback',
  ],
  ...[
    'CTE that does insert',
    'CTE that does update',
    'CTE that does delete',
    'CTE by a callback',
    'CTE written by hand',
    'source: CTE',
    'join written by hand',
  ],
  ...['update from, left join', 'update from, inner join', 'update from, right join', 'update from, full join'],
  ...[
    'distinct on',
    'group by the primary key',
    'rollup',
    'having',
    'window',
    'aggregate',
    'offset',
    'for update',
    'dynamic',
    'unionAll',
    'intersect',
    'except',
  ],
  ...[
    'and',
    'or',
    'not',
    'case',
    'any',
    'all',
    'exists',
    'not exists',
    'in',
    'not in',
    'tenant column',
    'enum column',
    'array column',
    'json column',
    'numeric column',
    'time column',
    'correlated',
  ],
  ...[
    'with one',
    'with many',
    'with many to many',
    'extras',
    'order by a callback',
    'order by one',
    'order by many',
    'relational and',
    'relational or',
    'relational not',
  ],
  ...[
    'prepared',
    'prepared for any tenant',
    'prepared select',
    'prepared find',
    'prepared write',
    'transaction',
    'savepoint',
  ],
  ...['commit', 'rollback', 'throw', 'bad insert'].map((it) => `transaction ends in ${it}`),
  'several tenants, added up',
  ...[
    'template as a number',
    'template as text',
    'template as a condition',
    'distinct on a template',
    'group by a template',
  ],
  ...['shared', 'refresh materialized view', 'handle: one tenant', 'handle: several tenants'],
  ...rawForms.queries.flatMap((it) => [`template: ${it}`, `by hand: ${it}`]),
  ...rawForms.writes.map((it) => `by hand: ${it}`),
  ...[...rawForms.faults, ...refusals].map((it) => `refused: ${it}`),
];

const cells = ({ rows, columns, cell, except }: Table) =>
  rows.flatMap((row) => columns.filter((column) => !except?.(row, column)).map((column) => cell(row, column)));

/** Everything that a run of 3,000 programs has to draw. */
export const required: readonly string[] = [...new Set([...singles, ...tablesOfReach.flatMap(cells)])];

/** What was not drawn. */
export const missing = (reach: ReadonlyMap<string, number>): string[] => required.filter((it) => !reach.get(it));

/** The reach as tables, for a person. */
export function reachTables(reach: ReadonlyMap<string, number>): string {
  const of = (what: string) => reach.get(what) ?? 0;
  const matrices = tablesOfReach.map((table) => {
    const width = Math.max(...table.rows.map((it) => it.length));
    const columns = table.columns.map((it) => ({ it, width: Math.max(it.length, 5) }));
    const head = ''.padEnd(width) + columns.map(({ it, width }) => `  ${it.padStart(width)}`).join('');
    const lines = table.rows.map(
      (row) =>
        row.padEnd(width) +
        columns
          .map(
            ({ it, width }) => `  ${(table.except?.(row, it) ? '-' : String(of(table.cell(row, it)))).padStart(width)}`,
          )
          .join(''),
    );
    return [`${table.title}`, head, ...lines].join('\n');
  });
  const list = singles.map((it) => `${it}: ${of(it)}`).join('; ');
  return `${matrices.join('\n\n')}\n\n${list}`;
}

/** The reach in a line. */
export function reachSummary(reach: ReadonlyMap<string, number>): string {
  const sorted = required.map((it) => [it, reach.get(it) ?? 0] as const).sort(([, x], [, y]) => x - y);
  const rarest = sorted.slice(0, 5).map(([it, n]) => `${it} (${n})`);
  return `${required.length} kinds and combinations, of ${reach.size} drawn; rarest: ${rarest.join(', ')}`;
}
