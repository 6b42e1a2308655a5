/** The text of a program: what is run, and what a failure prints. */
import type { Program, Statement, Step } from '../ast.js';
import type { Expected } from '../outcome.js';
import { keyText, type SchemaSpec } from '../spec.js';
import { choose, columnOf, Env, type Rows } from './env.js';
import { ctesOf } from './cte.js';
import { bool, inside } from './expression.js';
import { findOf } from './find.js';
import { rawOf } from './raw.js';
import { refusedOf } from './refused.js';
import { selectOf } from './select.js';
import { namedRows, rowsOf } from './source.js';
import { writeOf } from './write.js';

const indented = (lines: readonly string[]) => lines.map((it) => `  ${it.replaceAll('\n', '\n  ')}`).join('\n');

export interface Compiled {
  /** The body of an async function of `parameters`. */
  readonly body: string;
  readonly reach: ReadonlySet<string>;
  /** Whether it only reads what Drizzle's own handle reads in the same way. */
  readonly readsPlainly: boolean;
  /** Whether what it reads of two tenants is what it reads of one and of the other. */
  readonly addsUp: boolean;
}

/** What a program is given: the tables by name, the handles, and whose it is. */
export const parameters = ['{ db, tdb, id, ids, others, step }', 'schema'] as const;

export function compile(spec: SchemaSpec, tenancy: number, program: Program): Compiled {
  const reach = new Set<string>();
  const lines: string[] = [];
  const env = new Env({ spec, tenancy, several: program.several, reach, names: 0 }, lines, 'tdb');
  for (const step of program.steps) compileStep(env, step);
  reach.add(program.several ? 'handle: several tenants' : 'handle: one tenant');
  const readsPlainly =
    program.steps.every((it) => it.k === 'statement' && isPlainRead(it.statement)) &&
    !plainly.some((it) => reach.has(it)) &&
    !program.several;
  const addsUp =
    program.several &&
    program.steps.every(
      (it) => it.k === 'statement' && isPlainRead(it.statement) && !(it.statement.k === 'find' && it.statement.first),
    ) &&
    !together.some((it) => reach.has(it));
  const code = lines.join('\n');
  const names = spec.names.filter((it) => new RegExp(`(?<![.\\w'"])${it}\\b(?!:)`).test(code));
  return { body: `const { ${names.join(', ')} } = schema;\n${code}`, reach, readsPlainly, addsUp };
}

/** What differs without a tenant column: the primary key, and what a CTE with the name of a table has in its place. */
const plainly = ['group by the primary key', 'CTE with the name of a table'];

/** What looks at rows of several tenants at once, or at those of none. */
const together = [
  ...[
    'query in subquery',
    'query in lateral',
    'query in CTE',
    'CTE written by hand',
    'exists',
    'not exists',
    'in',
    'not in',
    'any',
    'all',
    'scalar subquery',
    '$count as an expression',
  ],
  ...[
    'template as a number',
    'template as text',
    'template as a condition',
    'join written by hand',
    'raw',
    'group by',
    'aggregate',
    'distinct',
    'distinct on',
    'window',
    'limit',
    'offset',
  ],
  ...[
    'union',
    'unionAll',
    'intersect',
    'except',
    'tenant column',
    'extras',
    'order by many',
    'RAW, level 0',
    'RAW, level 1',
    'RAW, level 2',
    'RAW, level 3',
    'RAW, level 4',
  ],
  ...[0, 1, 2, 3, 4].map((level) => `relational limit, level ${level}`),
  ...['reference', 'reference alias', 'values', 'template'].flatMap((it) => [
    `from ${it}`,
    ...['inner', 'left', 'right', 'full', 'cross'].map((join) => `${join} join of ${it}`),
  ]),
  'find of reference',
  'relational offset',
];

// Drizzle writes an alias where the table of $count() belongs.
const isPlainRead = (it: Statement) => it.k === 'select' || it.k === 'find' || (it.k === 'raw' && !it.raw.byHand);

/** Adds the lines of a step, whose result goes to `step`. */
function compileStep(env: Env, step: Step): void {
  const { several } = env.shared;
  env.reach(`step: ${step.k}`);
  switch (step.k) {
    case 'statement': {
      const block = env.with({ lines: [] });
      const { code, ordered } = statementOf(block, step.statement);
      return emit(env, block.lines, code, ordered);
    }
    case 'prepared': {
      const isWrite = step.statement.k === 'write' || step.statement.k === 'writing CTE';
      const isPreparable = step.statement.k !== '$count' && step.statement.k !== 'raw';
      const statement: Statement = isPreparable
        ? step.statement
        : {
            k: 'find',
            first: false,
            find: {
              table: 1,
              columns: [],
              where: null,
              order: [],
              by: null,
              limit: null,
              offset: null,
              extras: [],
              with: [],
            },
          };
      const placeholders = { next: 0, max: 3 };
      const handle = step.any && !several ? env.name('h') : env.handle;
      const block = env.with({ lines: [], placeholders, handle, path: [...env.path, 'prepared'] });
      const { code, ordered } = statementOf(block, statement);
      const values = (n: number) =>
        `{ ${Array.from({ length: placeholders.next }, (_, i) => `p${i}: ${n + i}`).join(', ')} }`;
      const runs = isWrite ? step.values.slice(0, 1) : step.values;
      env.reach(step.any && !several ? 'prepared for any tenant' : 'prepared');
      env.reach(`prepared ${statement.k}`);
      if (step.any && !several) {
        const tenancy = env.spec.tenancies[env.shared.tenancy]!.name;
        return emit(
          env,
          [`const prepared = db.prepare(${tenancy}, (${handle}) => { ${block.lines.join(' ')} return ${code}; });`],
          inTurn(runs.map((n) => `prepared.run(id, ${values(n)})`)),
          ordered,
        );
      }
      return emit(
        env,
        [...block.lines, `const prepared = ${code}.prepare('p');`],
        inTurn(runs.map((n) => `prepared.execute(${values(n)})`)),
        ordered,
      );
    }
    case 'transaction': {
      const isNested = env.handle !== 'tdb';
      env.reach(isNested ? 'savepoint' : 'transaction');
      const tx = env.name('tx');
      const block = env.with({ lines: [], handle: tx, path: [...env.path, isNested ? 'savepoint' : 'transaction'] });
      for (const each of step.steps) {
        if (each.k === 'transaction' || each.k === 'statement' || each.k === 'prepared')
          compileStep(block, each.k === 'prepared' ? { ...each, any: false } : each);
      }
      const end = choose(
        ['commit', 'commit', 'commit', 'commit', 'commit', 'commit', 'rollback', 'throw', 'bad insert'],
        step.end,
      );
      env.reach(`transaction ends in ${end}`);
      if (end === 'rollback') block.lines.push(`${tx}.rollback();`);
      if (end === 'throw') block.lines.push(`throw Object.assign(new Error('stop'), { code: 'stop' });`);
      if (end === 'bad insert') block.lines.push(badInsert(block));
      block.lines.push("return 'done';");
      const settings = isNested || step.settings % 6 !== 0 ? '' : ", { isolationLevel: 'repeatable read' }";
      env.lines.push(
        `await step(() => ${env.handle}.transaction(async (${tx}) ` +
          `=> {\n${indented(block.lines)}\n}${settings}))${isNested ? '.catch(() => {})' : ''};`,
      );
      return;
    }
    case 'shared':
      return sharedStep(env, step.n, step.value);
    case 'refresh': {
      const views = env.spec.tables.filter(
        (it) => it.kind === 'materialized view' && it.tenancy === env.shared.tenancy,
      );
      if (views.length === 0) return sharedStep(env, step.n, step.n);
      env.reach('refresh materialized view');
      const view = choose(views, step.n);
      emit(env, [], `db.acrossTenants({ reason: 'test' }).refreshMaterializedView(${view.name})`, false);
      emit(env, [], `tdb.select().from(${view.name})`, false);
      return;
    }
    case 'refused': {
      const block = env.with({ lines: [] });
      const { code, isRefused } = refusedOf(block, step);
      return emit(env, block.lines, code, isRefused && 'refused');
    }
  }
}

/** A step: lines that build a query, and what is awaited. */
function emit(env: Env, lines: readonly string[], code: string, ordered: Expected): void {
  const end = ordered === 'refused' ? ", 'refused'" : ordered ? ', true' : '';
  if (lines.length === 0) env.lines.push(`await step(() => ${code}${end});`);
  else env.lines.push(`await step(() => {\n${indented([...lines, `return ${code};`])}\n}${end});`);
}

/** One run after the other. */
const inTurn = ([first, second]: readonly string[]) =>
  second === undefined ? first! : `${first}.then(async (first) => [first, await ${second}])`;

export function statementOf(env: Env, statement: Statement): { code: string; ordered: boolean } {
  env.reach(statement.k === 'write' ? statement.write.k : statement.k);
  env.reach(
    `${statement.k === 'write' ? statement.write.k : statement.k}, ` +
      `key ${env.spec.tenancies[env.shared.tenancy]!.keyType}`,
  );
  switch (statement.k) {
    case 'select':
      return selectOf(env, statement.select, { use: 'statement' });
    case '$count': {
      const rows = rowsOf(
        env.in('$count'),
        statement.source.k === 'values' || statement.source.k === 'template' || statement.source.k === 'cte'
          ? { k: 'table', table: 1, alias: false }
          : statement.source,
      );
      env.reach(`$count of ${rows.kind}`);
      const where = statement.where ? `, ${bool(inside(env.in('$count'), rows), statement.where)}` : '';
      return { code: `${env.handle}.$count(${rows.code}${where})`, ordered: false };
    }
    case 'find':
      return findOf(env, statement.find, statement.first);
    case 'write': {
      const { env: inner, list } = ctesOf(env, statement.ctes);
      return { code: writeOf(inner, statement.write, list).code, ordered: false };
    }
    case 'writing CTE': {
      const name = env.name('cte');
      const written = writeOf(env.in('CTE'), statement.write, [], true);
      env.reach(`CTE that does ${statement.write.k}`);
      env.lines.push(`const ${name} = ${env.handle}.$with('${name}').as(${written.code});`);
      const rows: Rows = namedRows(name, 'CTE', written.cols!);
      if (statement.join) {
        const inner = env.with({ ctes: [rows] });
        const query = selectOf(
          inner,
          { ...statement.join, ctes: [], lock: null, set: null, joins: [], from: { k: 'cte', n: 0 } },
          { use: 'statement' },
        );
        return { code: `${env.handle}.with(${name})${query.code.slice(env.handle.length)}`, ordered: query.ordered };
      }
      return { code: `${env.handle}.with(${name}).select().from(${name})`, ordered: false };
    }
    case 'raw':
      return { code: `${env.handle}.execute(sql\`${rawOf(env, statement.raw)}\`)`, ordered: false };
  }
}

/** A row that breaks a rule, so that a transaction ends in an error of PostgreSQL. */
function badInsert(env: Env): string {
  const table = env.writable.find((it) => it.kind === 'tenant')!;
  const keys = table.key.map((key) => `${key}: ${keyText(columnOf(table, key).kind, 1)}`);
  const several = env.shared.several ? [`${table.tenantKey}: ids[0]`] : [];
  return `await ${env.handle}.insert(${table.name}).values({ ${[...several, ...keys, 'label: null'].join(', ')} });`;
}

/** The reference tables, through the handle that writes them. */
function sharedStep(env: Env, n: number, value: number): void {
  const table = choose(
    env.spec.tables.filter((it) => it.kind === 'reference'),
    n,
  );
  env.reach('shared');
  const code = choose(
    [
      `db.shared.insert(${table.name}).values({ id: ${20 + value}, label: 'new', code: ` +
        `'n${value}' }).onConflictDoNothing().returning()`,
      `db.shared.update(${table.name}).set({ rank: ${value} }).where(eq(${table.name}.id, ` +
        `${1 + (value % 5)})).returning()`,
      `db.shared.delete(${table.name}).where(gt(${table.name}.id, ${6 + (value % 9)})).returning()`,
      `db.shared.select().from(${table.name}).where(gt(${table.name}.rank, ${value % 5}))`,
    ],
    n >> 1,
  );
  emit(env, [], code, false);
}
