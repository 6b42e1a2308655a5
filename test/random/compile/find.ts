/** The text of relational queries. */
import type { Field, Filter, Find } from '../ast.js';
import { keyText, states, words, type ColumnSpec, type RelationSpec, type TableSpec } from '../spec.js';
import { choose, isPlain, quoted, type Col, type Env, type Rows } from './env.js';
import { bool, num, text } from './expression.js';

/** What a relational query can name: a view's expressions are not among it. */
const namable = (table: TableSpec) => table.columns.filter((it) => it.type !== '');

const relationsOf = (env: Env, table: TableSpec): readonly RelationSpec[] =>
  env.spec.relations.filter((it) => it.table === table.name);

export function findOf(env: Env, ast: Find, first: boolean): { code: string; ordered: boolean } {
  const table = choose(env.tables, ast.table);
  env.reach(`find of ${table.kind}`);
  const config = configOf(env, ast, table, 0, first);
  return {
    code: `${env.handle}.query.${table.name}.${first ? 'findFirst' : 'findMany'}(${config.code})`,
    ordered: config.ordered && config.within,
  };
}

interface Config {
  readonly code: string;
  /** Whether its own rows have an order, and the rows of those within. */
  readonly ordered: boolean;
  readonly within: boolean;
}

function configOf(env: Env, ast: Find, table: TableSpec, level: number, first = false): Config {
  const parts: string[] = [];
  let ordered = true;
  let within = true;
  env.reach(`relational query, level ${level}`);
  if (ast.columns.length > 0) {
    const chosen = [...new Set(ast.columns.map((n) => choose(table.columns, n).key))];
    parts.push(`columns: { ${chosen.map((key) => `${key}: true`).join(', ')} }`);
  }
  if (ast.where) {
    env.reach(`relational where, level ${level}`);
    parts.push(`where: ${filter(env.in('relational where'), ast.where, table, level)}`);
  }
  if (ast.order.length > 0 || ast.by !== null || ast.limit !== null || ast.offset !== null || first) {
    env.reach('relational order by');
    parts.push(`orderBy: ${order(env, ast, table)}`);
  } else ordered = false;
  if (ast.limit !== null && !first) {
    env.reach(`relational limit, level ${level}`);
    parts.push(`limit: ${ast.limit}`);
  }
  if (ast.offset !== null) {
    env.reach('relational offset');
    parts.push(`offset: ${ast.offset}`);
  }
  if (ast.extras.length > 0) {
    env.reach('extras');
    const extras = ast.extras.map(
      (field) => `${env.name('e')}: ${callback(env.in('extras'), table, (inner) => extra(inner, field))}`,
    );
    parts.push(`extras: { ${extras.join(', ')} }`);
  }
  const relations = relationsOf(env, table);
  if (ast.with.length > 0 && relations.length > 0 && level < 4) {
    const taken = new Map<string, string>();
    for (const { n, find } of ast.with) {
      const relation = pick(relations, n);
      const target = env.table(relation.target);
      env.reach(`with ${relation.through ? 'many to many' : relation.many ? 'many' : 'one'}`);
      env.reach(`with ${target.kind}`);
      const limits = relation.many ? find : { ...find, limit: null, offset: null, order: [], by: null, where: null };
      const inner = configOf(env.in('with'), limits, target, level + 1);
      within &&= inner.within && (!relation.many || inner.ordered);
      taken.set(relation.name, inner.code === '{}' ? 'true' : inner.code);
    }
    parts.push(`with: { ${[...taken].map(([name, code]) => `${name}: ${code}`).join(', ')} }`);
  }
  return { code: parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`, ordered, within };
}

/** One of the relations; often one through a link table, of which there are few. */
function pick(relations: readonly RelationSpec[], n: number): RelationSpec {
  const through = relations.filter((it) => it.through);
  return n % 4 === 0 && through.length > 0 ? choose(through, n >> 2) : choose(relations, n);
}

/** A callback over a row of the table, with the lines that its expression needs. */
function callback(env: Env, table: TableSpec, expression: (env: Env) => string): string {
  const row = env.name('r');
  const cols = namable(table).map((it): Col => ({ code: `${row}.${it.key}`, kind: it.kind, key: it.key }));
  const rows: Rows = { code: row, name: row, table, kind: 'row', isAlias: true, cols, total: [] };
  const lines: string[] = [];
  const code = expression(env.with({ lines, rows: [rows], outer: [], ctes: [] }));
  return lines.length === 0 ? `(${row}) => ${code}` : `(${row}) => { ${lines.join(' ')} return ${code}; }`;
}

function extra(env: Env, field: Field): string {
  switch (field.k) {
    case 'num':
      return `sql\`\${${num(env, field.of)}}\``;
    case 'text':
      return `sql\`\${${text(env, field.of)}}\``;
    case 'bool':
      return `sql\`(\${${bool(env, field.of)}})\``;
    default:
      return `sql\`coalesce(\${${num(env, { k: 'column', n: field.n })}}, 0) + 1\``;
  }
}

const totalOf = (table: TableSpec) => [...new Set([...(table.tenantKey ? [table.tenantKey] : []), ...table.key])];

function order(env: Env, ast: Find, table: TableSpec): string {
  const terms = new Map<string, string>();
  if (ast.by !== null) {
    const relations = relationsOf(env, table).filter((it) =>
      env.table(it.target).columns.some((column) => column.key === 'label'),
    );
    if (relations.length > 0) {
      const relation = choose(relations, ast.by);
      env.reach(relation.many ? 'order by many' : 'order by one');
      terms.set(
        relation.name,
        relation.many
          ? choose(["'desc(count)'", "'asc(count)'", "{ label: 'desc(max)' }"], ast.by)
          : "{ label: 'asc' }",
      );
    }
  }
  for (const { n, style } of ast.order) {
    const columns = namable(table).filter((it) => isPlain(it.kind));
    const column = choose(columns, n);
    terms.set(column.key, choose(["'asc'", "'desc'"], style));
  }
  if (terms.size > 0 && ast.by === null && ast.order[0]!.style >= 2) {
    env.reach('order by a callback');
    return `(t, { desc }) =>
      [${[...terms].map(([key, how]) => (how === "'desc'" ? `desc(t.${key})` : `t.${key}`)).join(', ')}, ${totalOf(
        table,
      )
        .map((key) => `t.${key}`)
        .join(', ')}]`;
  }
  for (const key of totalOf(table)) if (!terms.has(key)) terms.set(key, "'asc'");
  return `{ ${[...terms].map(([key, how]) => `${key}: ${how}`).join(', ')} }`;
}

export function filter(env: Env, ast: Filter, table: TableSpec, level: number): string {
  switch (ast.k) {
    case 'column': {
      const column = choose(namable(table), ast.n);
      return `{ ${column.key}: ${condition(env, column, ast.op, ast.value)} }`;
    }
    case 'and':
    case 'or':
      env.reach(`relational ${ast.k}`);
      return `{ ${ast.k.toUpperCase()}: [${ast.of.map((it) => filter(env, it, table, level)).join(', ')}] }`;
    case 'not':
      env.reach('relational not');
      return `{ NOT: ${filter(env.in('relational not'), ast.of, table, level)} }`;
    case 'raw':
      env.reach(`RAW, level ${level}`);
      return `{ RAW: ${callback(env.in('RAW'), table, (inner) => rawOf(inner, ast.of))} }`;
    case 'relation': {
      const relations = relationsOf(env, table);
      if (relations.length === 0 || level > 4) return `{ ${choose(namable(table), ast.n).key}: { isNotNull: true } }`;
      const relation = pick(relations, ast.n);
      env.reach(`filter on ${relation.through ? 'many to many' : relation.many ? 'many' : 'one'}, level ${level}`);
      env.reach(`filter on ${env.table(relation.target).kind}`);
      if (!ast.of) return `{ ${relation.name}: ${ast.exists} }`;
      return (
        `{ ${relation.name}: ${filter(env.in('relation filter'), ast.of, env.table(relation.target), level + 1)} ` + '}'
      );
    }
  }
}

/** A condition that is SQL, as RAW wants it. */
const rawOf = (env: Env, ast: Parameters<typeof bool>[1]) => `sql\`\${${bool(env, ast)}}\``;

function condition(env: Env, column: ColumnSpec, op: number, value: number): string {
  const { kind } = column;
  const literal =
    kind === 'int'
      ? String(value % 8)
      : kind === 'text'
        ? quoted(choose(words, value))
        : kind === 'enum'
          ? quoted(choose(states, value))
          : kind === 'numeric'
            ? `'${value % 9}'`
            : kind === 'time'
              ? `'2024-0${1 + (value % 8)}-02 00:00:00'`
              : undefined;
  if (kind.startsWith('key')) {
    const key = (n: number) => keyText(kind, 1 + (n % 5));
    return choose(
      [
        key(value),
        `{ gt: ${key(value)} }`,
        `{ in: [${key(value)}, ${key(value + 1)}] }`,
        `{ ne: ${key(value)} }`,
        '{ isNotNull: true }',
      ],
      op,
    );
  }
  if (kind.startsWith('tenant')) env.reach('tenant column');
  if (kind.startsWith('tenant'))
    return choose(
      [
        '{ isNotNull: true }',
        `{ ne: ${env.shared.several ? 'ids[0]' : 'id'} }`,
        '{ OR: [{ isNull: true }, { isNotNull: true }] }',
      ],
      op,
    );
  switch (kind) {
    case 'bool':
      return choose(['true', 'false', '{ ne: true }'], op);
    case 'array':
      return choose(
        [
          `{ arrayContains: [${quoted(choose(words, value))}] }`,
          `{ arrayOverlaps: ['t0', ${quoted(choose(words, value))}] }`,
          '{ isNull: true }',
        ],
        op,
      );
    case 'json':
      return choose(['{ isNull: true }', '{ isNotNull: true }'], op);
    case 'text':
      return choose(
        [
          literal!,
          "{ like: '%of%' }",
          "{ ilike: '%A%' }",
          `{ ne: ${literal} }`,
          `{ in: [${literal}, 'ash'] }`,
          `{ OR: [{ like: '%1%' }, { eq: ${literal} }] }`,
          '{ isNull: true }',
        ],
        op,
      );
    default:
      return choose(
        [
          literal!,
          kind === 'enum' ? `{ ne: ${literal} }` : `{ gt: ${literal} }`,
          `{ ne: ${literal} }`,
          kind === 'enum' ? `{ in: [${literal}] }` : `{ lte: ${literal} }`,
          `{ NOT: { eq: ${literal} } }`,
          '{ isNull: true }',
        ],
        op,
      );
  }
}
