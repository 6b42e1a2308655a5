/** The text of statements by hand: with tables interpolated, or named in the text and bound to the tenant there. */
import type { Raw } from '../ast.js';
import { keyText, type ColumnSpec, type LinkSpec, type TableSpec } from '../spec.js';
import { choose, columnOf, sqlText, type Env } from './env.js';

interface Names {
  readonly from: string;
  readonly to: string;
  /** The conditions that confine each, with AND behind them. */
  readonly t: string;
  readonly u: string;
  readonly same: string;
  readonly on: string;
  readonly key: string;
  readonly label: string;
  readonly points: string;
  readonly otherLabel: string;
  readonly condition: string;
}

const column = (table: TableSpec, key: string) => `"${columnOf(table, key).name}"`;

/** Queries over a table `t`, and one `u` that it points at. */
const queries: readonly (readonly [name: string, text: (n: Names) => string])[] = [
  ['one table', (n) => `select t.${n.label}, t.${n.points} from ${n.from} t where ${n.t}${n.condition}`],
  [
    'join',
    (n) =>
      `select t.${n.label} as a, u.${n.otherLabel} as b from ${n.from} t join ${n.to} u ` +
      `on ${n.same}${n.on} where ${n.t}${n.condition}`,
  ],
  [
    'left join',
    (n) =>
      `select t.${n.label} as a, u.${n.otherLabel} as b from ${n.from} as t left join ${n.to} as u ` +
      `on ${n.same}${n.on} where ${n.t}true`,
  ],
  [
    'exists',
    (n) =>
      `select t.${n.label} from ${n.from} t where ${n.t}exists (select 1 from ${n.to} u ` +
      `where ${n.u}${n.on}) and ${n.condition}`,
  ],
  [
    'not exists',
    (n) =>
      `select t.${n.label} from ${n.from} t where ${n.t}not exists (select 1 from ${n.to} u ` +
      `where ${n.u}${n.on} and u.${n.otherLabel} like '%a%')`,
  ],
  [
    'CTE',
    (n) =>
      `with x as (select t.${n.key} as k, t.${n.label} as l from ${n.from} t where ${n.t}${n.condition}) ` +
      "select x.k, x.l from x where x.l <> 'zzz'",
  ],
  [
    'union',
    (n) =>
      `select t.${n.label} as l from ${n.from} t where ${n.t}true union all select u.${n.otherLabel} ` +
      `from ${n.to} u where ${n.u}true`,
  ],
  [
    'group by',
    (n) =>
      `select t.${n.label} as l, count(*)::int as n, max(t.${n.points}) as m from ${n.from} t ` +
      `where ${n.t}true group by t.${n.label} having count(*) > 0`,
  ],
  [
    'scalar subquery',
    (n) =>
      `select t.${n.key} as k, (select max(u.${n.otherLabel}) from ${n.to} u where ${n.u}${n.on}) as m ` +
      `from ${n.from} t where ${n.t}${n.condition}`,
  ],
  [
    'lateral',
    (n) =>
      `select t.${n.key} as k, x.n from ${n.from} t cross join lateral (select count(*)::int as n ` +
      `from ${n.to} u where ${n.u}${n.on}) x where ${n.t}${n.condition}`,
  ],
  [
    'window',
    (n) =>
      `select t.${n.label} as l, sum(t.${n.points}) over (partition by t.${n.label})::int as s ` +
      `from ${n.from} t where ${n.t}${n.condition}`,
  ],
  [
    'subquery in from',
    (n) =>
      `select x.l, count(*)::int as n from (select t.${n.label} as l from ${n.from} t ` +
      `where ${n.t}${n.condition}) x group by x.l`,
  ],
  [
    'recursive CTE',
    (n) =>
      `with recursive x(l, depth) as (select t.${n.label}, 0 from ${n.from} t where ${n.t}${n.condition} ` +
      'union all select x.l, x.depth + 1 from x where x.depth < 2) select l, depth from x',
  ],
  [
    'full join of subqueries',
    (n) =>
      `select a.l as a, b.l as b from (select t.${n.label} as l from ${n.from} t ` +
      `where ${n.t}${n.condition}) a full join (select u.${n.otherLabel} as l from ${n.to} u ` +
      `where ${n.u}true) b on a.l = b.l`,
  ],
];

/** Statements that write; by hand only. */
const writes: readonly (readonly [name: string, text: (n: Names) => string])[] = [
  [
    'update',
    (n) => `update ${n.from} t set ${n.label} = t.${n.label} || '!' where ${n.t}${n.condition} returning t.${n.label}`,
  ],
  ['delete', (n) => `delete from ${n.from} t where ${n.t}${n.condition} returning t.${n.label}`],
  [
    'update from',
    (n) =>
      `update ${n.from} t set ${n.label} = u.${n.otherLabel} from ${n.to} u where ${n.t}${n.same}${n.on} ` +
      `returning t.${n.label}`,
  ],
];

interface Place {
  readonly table: TableSpec;
  readonly to: TableSpec;
  readonly link: LinkSpec;
}

function placeOf(env: Env, raw: Raw): Place {
  const links = env.spec.links.filter(
    (it) =>
      env.table(it.from).tenancy === env.shared.tenancy &&
      (it.from !== it.to || env.table(it.from).kind === 'tenant') &&
      columnsFit(env.table(it.from)) &&
      columnsFit(env.table(it.to)),
  );
  const link = choose(links, raw.link);
  return { link, table: env.table(link.from), to: env.table(link.to) };
}

const columnsFit = (table: TableSpec) => ['label'].every((key) => table.columns.some((it) => it.key === key));

/** What a value of SQL is, for a column that is compared with it. */
function compared(table: TableSpec, n: number): string {
  const keys = table.columns.filter((it: ColumnSpec) => it.kind.startsWith('key') && it.to === undefined);
  const ints = table.columns.filter((it) => it.kind === 'int' && it.type !== '');
  const all = [...keys, ...ints];
  if (all.length === 0) return `t.${column(table, 'label')} <> 'zzz'`;
  const chosen = choose(all, n);
  const name = `t."${chosen.name}"`;
  if (chosen.kind === 'int')
    return choose(
      [
        `(${name} > ${n % 4} or ${name} is null)`,
        `coalesce(${name}, 0) < ${3 + (n % 5)}`,
        `${name} in (1, 2, 3, ${n})`,
      ],
      n,
    );
  const value =
    chosen.kind === 'key text' || chosen.kind === 'key uuid'
      ? sqlText(keyText(chosen.kind, 1 + (n % 3)).slice(1, -1))
      : String(1 + (n % 3));
  return choose([`${name} = ${value}`, `${name} >= ${value}`, `not (${name} = ${value})`], n >> 1);
}

/** What could go wrong by hand, and no longer does: the handle's own predicate stands beside it. */
const faults: readonly (readonly [name: string, bind: (t: string) => string])[] = [
  ['unbound', () => ''],
  ['bound by OR', (t) => `(${t} = \${id} or true) and `],
  ['not bound', (t) => `${t} <> \${id} and `],
  ['bound to another', (t) => `${t} = \${others[0]} and `],
  ['bound to itself', (t) => `${t} = ${t} and `],
  ['bound in CASE', (t) => `case when ${t} = \${id} then true else true end and `],
];

/** @returns the template's text, or undefined where the tenant's key cannot be written by hand */
export function rawOf(env: Env, raw: Raw, faulty?: number): string | undefined {
  const { table, to, link } = placeOf(env, raw);
  const isByHand = raw.byHand || faulty !== undefined;
  const [name, text] = choose(isByHand ? [...queries, ...writes] : queries, raw.form);
  const tenant = (of: TableSpec) => (of.tenantKey ? column(of, of.tenantKey) : undefined);
  const [own, other] = [tenant(table)!, tenant(to)];
  const [, fault] = faulty === undefined ? [] : choose(faults, faulty);
  const bind = (at: string, of: string | undefined) => {
    if (!isByHand || of === undefined) return '';
    return fault
      ? fault(`${at}.${of}`)
      : env.shared.several
        ? `${at}.${of} = \${ids[0]} and `
        : `${at}.${of} = \${id} and `;
  };
  env.reach(
    faulty === undefined ? `${isByHand ? 'by hand' : 'template'}: ${name}` : `refused: ${choose(faults, faulty)[0]}`,
  );
  const isInterpolated = (of: TableSpec) => !isByHand && of;
  return text({
    from: isInterpolated(table) ? `\${${table.name}}` : table.sqlName,
    to: isInterpolated(to) ? `\${${to.name}}` : to.sqlName,
    t: bind('t', own),
    u: other === undefined ? '' : bind('u', other),
    same: !isByHand || other === undefined ? '' : `u.${other} = t.${own} and `,
    on: link.fromKeys.map((key, i) => `t.${column(table, key)} = u.${column(to, link.toKeys[i]!)}`).join(' and '),
    key: column(table, table.key[0] ?? table.tenantKey!),
    label: column(table, 'label'),
    points: table.columns.some((it) => it.key === 'points') ? column(table, 'points') : column(table, 'label'),
    otherLabel: column(to, 'label'),
    condition: compared(table, raw.value + raw.column),
  });
}

/** How many kinds of faults there are, and of texts. */
export const rawForms = {
  faults: faults.map(([name]) => name),
  queries: queries.map(([name]) => name),
  writes: writes.map(([name]) => name),
};
