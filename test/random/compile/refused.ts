/** The text of statements that a handle has to refuse: each names rows that are not its own. */
import type { Step } from '../ast.js';
import { keyText } from '../spec.js';
import { choose, columnOf, type Env } from './env.js';
import { rawOf } from './raw.js';

type Attempt = readonly [name: string, code: (env: Env, step: Extract<Step, { k: 'refused' }>) => string];

const own = (env: Env, n: number) =>
  choose(
    env.writable.filter((it) => it.kind === 'tenant'),
    n,
  );
const keys = (env: Env, n: number, key: number) =>
  own(env, n)
    .key.map((it) => `${it}: ${keyText(columnOf(own(env, n), it).kind, key)}`)
    .join(', ');
const reference = (env: Env) => env.spec.tables.find((it) => it.kind === 'reference')!.name;

const attempts: readonly Attempt[] = [
  [
    'insert for another tenant',
    (env, { table }) =>
      `${env.handle}.insert(${own(env, table).name}).values({ ${own(env, table).tenantKey}: ` +
      `others[0], ${keys(env, table, 31)}, label: 'stolen' })`,
  ],
  [
    'one row of several for another tenant',
    (env, { table }) =>
      `${env.handle}.insert(${own(env, table).name}).values([{ ` +
      `${env.shared.several ? `${own(env, table).tenantKey}: ids[0], ` : ''}${keys(env, table, 31)}, ` +
      `label: 'mine' }, { ${own(env, table).tenantKey}: others[0], ${keys(env, table, 32)}, ` +
      "label: 'stolen' }])",
  ],
  [
    'update of the tenant',
    (env, { table }) =>
      `${env.handle}.update(${own(env, table).name}).set({ ${own(env, table).tenantKey}: others[0] })`,
  ],
  // As SQL a value is not encoded, and the first of the others may be written as the own one is stored: that moves
  // nothing.
  [
    'update of the tenant in SQL',
    (env, { table }) =>
      `${env.handle}.update(${own(env, table).name}).set({ label: 'moved', ${own(env, table).tenantKey}: ` +
      `sql\`\${others.at(-1)}\` })`,
  ],
  [
    'upsert that moves a row',
    (env, { table }) =>
      `${env.handle}.insert(${own(env, table).name}).values({
        ${env.shared.several ? `${own(env, table).tenantKey}: ids[0], ` : ''}${keys(env, table, 1)},
          label: 'x' }).onConflictDoUpdate({ target: [${own(env, table)
            .key.map((it) => `${own(env, table).name}.${it}`)
            .join(', ')}], set: { ${own(env, table).tenantKey}: others[0] } })`,
  ],
  ['insert into a reference table', (env) => `${env.handle}.insert(${reference(env)}).values({ id: 40, label: 'x' })`],
  ['update of a reference table', (env) => `${env.handle}.update(${reference(env)}).set({ label: 'x' })`],
  ['delete from a reference table', (env) => `${env.handle}.delete(${reference(env)})`],
  [
    "another handle's subquery",
    (env, { table }) =>
      `${env.handle}.select({ n: sql\`1\` ` +
      `}).from(db.forTenant(others[0]).select().from(${own(env, table).name}).as('s'))`,
  ],
  [
    "another handle's query in a condition",
    (env, { table }) =>
      `${env.handle}.select().from(${own(env, table).name})` +
      `.where(exists(db.forTenant(others[0]).select().from(${own(env, table).name})))`,
  ],
  [
    "another handle's query in a union",
    (env, { table }) =>
      `${env.handle}.select({ l: ${own(env, table).name}.label ` +
      `}).from(${own(env, table).name}).unionAll(db.forTenant(others[0]).select({ l: ` +
      `${own(env, table).name}.label }).from(${own(env, table).name}))`,
  ],
  [
    "another handle's CTE",
    (env, { table }) => {
      env.lines.push(
        "const theirs = db.forTenant(others[0]).$with('theirs').as(db.forTenant(others[0]).select({ l: " +
          `${own(env, table).name}.label }).from(${own(env, table).name}));`,
      );
      return `${env.handle}.with(theirs).select().from(theirs)`;
    },
  ],
  [
    'a query of every tenant',
    (env, { table }) =>
      `${env.handle}.select({ l: sql\`1\` }).from(db.acrossTenants({ reason: 'x' ` +
      `}).select().from(${own(env, table).name}).as('s'))`,
  ],
  [
    'a selection that names another tenant',
    (env, { table }) => {
      const it = own(env, table);
      const needed = it.columns.filter(
        (column) =>
          column.notNull && column.made !== 'generated' && !it.key.includes(column.key) && column.key !== it.tenantKey,
      );
      const shifted = it.key.map(
        (key) => `${key}: sql\`${keyText(columnOf(it, key).kind, 41).replaceAll('`', '')}\`.as('${env.name('c')}')`,
      );
      const fields = [
        ...shifted,
        ...needed.map((column) => `${column.key}: ${it.name}.${column.key}`),
        `${it.tenantKey}: sql\`\${others[0]}\`.as('${env.name('c')}')`,
      ];
      return (
        `${env.handle}.insert(${it.name}).select(${env.handle}.select({ ${fields.join(', ')} ` +
        `}).from(${it.name}).orderBy(${it.key.map((key) => `${it.name}.${key}`).join(', ')}).limit(1))`
      );
    },
  ],
  ['a tenant table through db.shared', (env, { table }) => `db.shared.select().from(${own(env, table).name})`],
  [
    'a prepared insert for another tenant',
    (env, { table }) =>
      `${env.handle}.insert(${own(env, table).name}).values({ ${own(env, table).tenantKey}: ` +
      `sql.placeholder('t'), ${keys(env, table, 31)}, label: 'x' }).prepare('p').execute({ t: others[0] })`,
  ],
  [
    'a session of the handle',
    (env, { table }) =>
      `${env.handle}.session.prepareQuery({ sql: ` +
      `${JSON.stringify(`select * from ${own(env, table).sqlName}`)}, params: [] }, 'objects', ` +
      'false).execute()',
  ],
  [
    'text with a second statement',
    (env, { table }) => `${env.handle}.execute(${JSON.stringify(`select 1; delete from ${own(env, table).sqlName}`)})`,
  ],
  [
    'a refreshed view',
    (env) => {
      const view =
        env.tables.find((it) => it.kind === 'materialized view') ?? env.tables.find((it) => it.kind === 'view');
      return view ? `${env.handle}.refreshMaterializedView(${view.name})` : `${env.handle}.delete(${reference(env)})`;
    },
  ],
  [
    'a view without the tenant column',
    (env, { table }) => {
      env.lines.push(
        `const hiding = pgView('hiding').as((qb) => qb.select({ label: ${own(env, table).name}.label ` +
          `}).from(unscoped(${own(env, table).name})));`,
      );
      return `${env.handle}.select().from(hiding)`;
    },
  ],
];

export const refusals = attempts.map(([name]) => name);

/** What is confined without being refused. */
const confined = ['a selection that names another tenant'];

export function refusedOf(
  env: Env,
  step: Extract<Step, { k: 'refused' }>,
): { readonly code: string; readonly isRefused: boolean } {
  if (step.n % 5 === 0 && !env.shared.several) {
    const raw = rawOf(
      env,
      { form: step.link, table: step.table, link: step.link, column: step.table, value: step.n, byHand: true },
      step.table,
    )!;
    return { code: `${env.handle}.execute(sql\`${raw}\`)`, isRefused: false };
  }
  const [name, code] = choose(attempts, step.n * 7 + step.link);
  env.reach(`refused: ${name}`);
  return { code: code(env, step), isRefused: !confined.includes(name) };
}
