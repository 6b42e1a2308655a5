/** The text of expressions. Each is something that Drizzle's operators and a `sql` template take alike. */
import type { Bool, Num, Select, Text } from '../ast.js';
import { keyText, states, words } from '../spec.js';
import { choose, isPlain, linkOf, quoted, sqlText, type Env, type Rows } from './env.js';
import { selectOf } from './select.js';
import { rowsOf } from './source.js';
import { boolTemplate, numTemplate, textTemplate } from './template.js';

const comparisons = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte'];
const signs: Record<string, string> = { eq: '=', ne: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' };

export function num(env: Env, it: Num): string {
  switch (it.k) {
    case 'int':
      return `sql\`${it.n}\``;
    case 'column': {
      const column = env.column(it.n, 'int');
      return column ? column.code : `sql\`${it.n % 7}\``;
    }
    case 'arithmetic': {
      env.reach('arithmetic');
      const op = choose(['+', '-', '*'], it.op);
      return op === '*'
        ? `sql\`\${${num(env, it.a)}} * 2\``
        : `sql\`(\${${num(env, it.a)}} ${op} \${${num(env, it.b)}})\``;
    }
    case 'case':
      env.reach('case');
      return (
        `sql\`case when \${${bool(env.in('case'), it.when)}} then \${${num(env.in('case'), it.a)}} else ` +
        `\${${num(env.in('case'), it.b)}} end\``
      );
    case 'coalesce':
      return `sql\`coalesce(\${${num(env, it.a)}}, ${it.n})\``;
    case 'length':
      return `sql\`length(\${${text(env, it.of)}})\``;
    case '$count': {
      env.reach('$count as an expression');
      const source = it.linked
        ? { k: 'linked' as const, n: it.table, alias: false }
        : { k: 'table' as const, table: it.table, alias: false };
      const rows = rowsOf(env.in('$count'), source, true);
      const inner = inside(env.in('$count'), rows);
      const link = it.linked ? linkToOuter(env, rows) : undefined;
      const where = [link, it.where ? bool(inner, it.where) : undefined].filter((it) => it !== undefined);
      const condition = where.length === 1 ? where[0] : `and(${where.join(', ')})`;
      return `${env.handle}.$count(${rows.code}${where.length === 0 ? '' : `, ${condition}`})`;
    }
    case 'template':
      return numTemplate(env, it.table, it.form);
    case 'aggregate': {
      const fn = choose(['max', 'min', 'sum', 'count'], it.fn);
      return scalar(env, it.select, it.style, 'int', (field) =>
        fn === 'sum'
          ? `sql\`sum(\${${field}})::int\``
          : fn === 'count'
            ? 'sql`count(*)::int`'
            : `sql\`${fn}(\${${field}})\``,
      );
    }
  }
}

export function text(env: Env, it: Text): string {
  switch (it.k) {
    case 'word':
      return `sql\`\${${quoted(choose(words, it.n))}}::text\``;
    case 'column': {
      const column = env.column(it.n, 'text');
      return column ? column.code : `sql\`${sqlText(choose(words, it.n))}::text\``;
    }
    case 'concat':
      return `sql\`(\${${text(env, it.a)}} || \${${text(env, it.b)}})\``;
    case 'function': {
      const fn = choose(
        ['upper(?)', 'lower(?)', "coalesce(?, '-')", "replace(?, 'a', 'b')", 'substring(? from 1 for 2)', 'trim(?)'],
        it.fn,
      );
      return `sql\`${fn.replace('?', () => `\${${text(env, it.of)}}`)}\``;
    }
    case 'case':
      env.reach('case');
      return (
        `sql\`case when \${${bool(env.in('case'), it.when)}} then \${${text(env.in('case'), it.a)}} else ` +
        `\${${text(env.in('case'), it.b)}} end\``
      );
    case 'number':
      return `sql\`(\${${num(env, it.of)}})::text\``;
    case 'template':
      return textTemplate(env, it.table, it.form);
    case 'scalar':
      return scalar(env, it.select, it.style, 'text', (field) => `sql\`max(\${${field}})\``);
  }
}

/** A subquery with one value. */
function scalar(
  env: Env,
  select: Select,
  style: number,
  kind: 'int' | 'text',
  aggregate: (field: string) => string,
): string {
  env.reach('scalar subquery');
  const query = selectOf(env.in('scalar subquery'), select, { shape: [kind], use: 'expression', aggregate });
  return style % 3 === 0 ? `sql\`(\${${query.code}})\`` : `sql\`\${${query.code}}\``;
}

export function bool(env: Env, it: Bool): string {
  switch (it.k) {
    case 'constant':
      return choose(['sql`true`', 'sql`(false or true)`', 'sql`false or true`', 'sql`false`', 'sql`1 = 1`'], it.n);
    case 'column': {
      const column = env.column(it.n, 'bool');
      return column
        ? it.n % 2 === 0
          ? `sql\`\${${column.code}}\``
          : `eq(${column.code}, ${it.n % 4 < 2})`
        : 'sql`true`';
    }
    case 'compare': {
      const op = choose(comparisons, it.op);
      const left = num(env, columnFirst(it.a));
      const right = it.b.k === 'int' ? literal(env, it.b.n) : num(env, it.b);
      return it.style % 3 === 0 ? `sql\`\${${left}} ${signs[op]} \${${right}}\`` : `${op}(${left}, ${right})`;
    }
    case 'compareText': {
      const op = choose(comparisons, it.op);
      const left = text(env, it.a.k === 'word' ? { k: 'column', n: it.a.n } : it.a);
      const right = it.b.k === 'word' ? quoted(choose(words, it.b.n)) : text(env, it.b);
      return it.style % 3 === 0 ? `sql\`\${${left}} ${signs[op]} \${${right}}\`` : `${op}(${left}, ${right})`;
    }
    case 'key': {
      const column = env.column(it.n, (kind) => kind.startsWith('key'));
      if (!column) return 'sql`true`';
      const value = (n: number) => keyText(column.kind, 1 + (n % 5));
      return choose(
        [
          `eq(${column.code}, ${value(it.value)})`,
          `gt(${column.code}, ${value(it.value)})`,
          `ne(${column.code}, ${value(it.value)})`,
          `inArray(${column.code}, [${value(it.value)}, ${value(it.value + 1)}])`,
          `sql\`\${${column.code}} >= \${${value(it.value)}}\``,
        ],
        it.op,
      );
    }
    case 'like': {
      const column = env.column(it.n, 'text');
      return column
        ? `${choose(['like', 'ilike', 'like'], it.op)}(${column.code}, ` +
            `${quoted(choose(['%a%', '%of%', 'F%', '%', '_sh', '%1%'], it.pattern))})`
        : 'sql`true`';
    }
    case 'between':
      return `${it.not ? 'notBetween' : 'between'}(${num(env, columnFirst(it.of))}, ${it.low}, ${it.high})`;
    case 'list':
      return `${it.not ? 'notInArray' : 'inArray'}(${num(env, columnFirst(it.of))}, [${it.values.join(', ')}])`;
    case 'null': {
      const column = env.column(it.n, isPlain);
      return column ? `${it.not ? 'isNotNull' : 'isNull'}(${column.code})` : 'sql`true`';
    }
    case 'other':
      return other(env, it.n, it.op, it.value);
    case 'tenant': {
      const column = env.column(it.n, (kind) => kind.startsWith('tenant'));
      const second = env.column(it.m, (kind) => kind.startsWith('tenant'));
      if (!column) return 'sql`true`';
      env.reach('tenant column');
      return choose(
        [
          `isNotNull(${column.code})`,
          `eq(${column.code}, ${second!.code})`,
          `ne(${column.code}, ${env.shared.several ? 'ids[0]' : 'id'})`,
          `sql\`\${${column.code}} is not null or true\``,
        ],
        it.op,
      );
    }
    case 'link': {
      const [first, ...rest] = [...env.rows].reverse();
      const link =
        first && [...rest, ...env.outer].map((other) => linkOf(env, first, other)).find((it) => it !== undefined);
      return link ?? 'sql`true`';
    }
    case 'template':
      return boolTemplate(env, it.table, it.form, it.not);
    case 'and':
    case 'or': {
      env.reach(it.k);
      const inner = it.k === 'or' ? env.in('or') : env;
      return it.of.length === 1
        ? bool(inner, it.of[0]!)
        : `${it.k}(${it.of.map((each) => bool(inner, each)).join(', ')})`;
    }
    case 'not':
      env.reach('not');
      return `not(${bool(env.in('not'), it.of)})`;
    case 'case':
      env.reach('case');
      return (
        `sql\`case when \${${bool(env.in('case'), it.when)}} then \${${bool(env.in('case'), it.a)}} else ` +
        `\${${bool(env.in('case'), it.b)}} end\``
      );
    case 'exists': {
      env.reach(it.not ? 'not exists' : 'exists');
      const query = selectOf(env.in('exists'), it.select, { use: 'expression' });
      return it.style % 3 === 0
        ? `sql\`${it.not ? 'not ' : ''}exists \${${query.code}}\``
        : `${it.not ? 'notExists' : 'exists'}(${query.code})`;
    }
    case 'in': {
      env.reach(it.not ? 'not in' : 'in');
      const query = selectOf(env.in('in'), it.select, { shape: ['int'], use: 'expression' });
      return it.style % 3 === 0
        ? `sql\`\${${num(env, it.of)}} ${it.not ? 'not ' : ''}in \${${query.code}}\``
        : `${it.not ? 'notInArray' : 'inArray'}(${num(env, it.of)}, ${query.code})`;
    }
    case 'quantified': {
      env.reach(it.all ? 'all' : 'any');
      const query = selectOf(env.in('quantified'), it.select, { shape: ['int'], use: 'expression' });
      return (
        `sql\`\${${num(env, it.of)}} ${choose(Object.values(signs), it.op)} ${it.all ? 'all' : 'any'} ` +
        `\${${query.code}}\``
      );
    }
  }
}

/** What is compared says something of a row, where it can. */
const columnFirst = (it: Num): Num => (it.k === 'int' ? { k: 'column', n: it.n } : it);

/** A number that may be the value of a placeholder. */
function literal(env: Env, n: number): string {
  const { placeholders } = env;
  if (!placeholders || placeholders.next >= placeholders.max) return String(n);
  return `sql.placeholder('p${placeholders.next++}')`;
}

/** Conditions on columns of the other types. */
function other(env: Env, n: number, op: number, value: number): string {
  const column = env.column(
    n,
    (kind) => kind === 'enum' || kind === 'array' || kind === 'json' || kind === 'numeric' || kind === 'time',
  );
  if (!column) return 'sql`true`';
  const { code, kind } = column;
  env.reach(`${kind} column`);
  switch (kind) {
    case 'enum': {
      const state = quoted(choose(states, value));
      return choose(
        [
          `eq(${code}, ${state})`,
          `ne(${code}, ${state})`,
          `inArray(${code}, [${state}, 'open'])`,
          `sql\`\${${code}}::text = \${${state}}\``,
        ],
        op,
      );
    }
    case 'array': {
      const word = quoted(choose(words, value));
      return choose(
        [
          `arrayContains(${code}, [${word}])`,
          `arrayOverlaps(${code}, [${word}, 't1'])`,
          `arrayContained(${code}, [${word}, 't0', 't1'])`,
          `sql\`\${${word}} = any(\${${code}})\``,
          `sql\`cardinality(\${${code}}) > 0\``,
        ],
        op,
      );
    }
    case 'json':
      return choose(
        [
          `sql\`\${${code}} @> '{"level": ${value % 5}}'::jsonb\``,
          `sql\`\${${code}}->>'label' like 't%'\``,
          `sql\`(\${${code}}->>'level')::int > ${value % 5}\``,
          `sql\`\${${code}} ? 'label'\``,
        ],
        op,
      );
    case 'numeric':
      return `${choose(['gt', 'lt'], op)}(${code}, '${value % 9}')`;
    default:
      return `${choose(['gt', 'lt'], op)}(${code}, '2024-0${1 + (value % 8)}-02 00:00:00')`;
  }
}

/** Within a query over `rows`: what stood around is outer now. */
export function inside(env: Env, ...rows: readonly Rows[]): Env {
  return env.with({ rows, outer: [...env.rows, ...env.outer] });
}

/** How rows are linked to those around. */
export function linkToOuter(env: Env, rows: Rows): string | undefined {
  for (const other of [...env.rows, ...env.outer]) {
    const link = linkOf(env, rows, other);
    if (link) return link;
  }
  return undefined;
}
