/**
 * The gate: what a text costs that nobody sent before, how much memory one takes that is kept, lists of all lengths,
 * and how long one text holds the event loop.
 *
 *   npm run bench -- gate
 */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { and, eq, inArray } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { withTenancy } from '../../src/index.js';
import { relationsConfig } from '../../src/schema/relations.js';
import { Gate } from '../../src/scope/gate.js';
import { Scope } from '../../src/scope/scope.js';
import { loadParser } from '../../src/sql/load.js';
import * as schema from '../support/schema.js';
import { processorTime, ratioOf, report, show, spreadOf, takeTurns } from './measure.js';
import { queries } from './queries.js';

const { account, labels, relations, tasks } = schema;
const client: any = Object.assign(() => {}, { options: { parsers: {}, serializers: {} }, unsafe: async () => [] });
const id = account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
const plain: any = drizzle({ client, relations: relationsConfig(relations) as any });
const db: any = withTenancy(drizzle({ client }), { relations });
const tdb = db.forTenant(id);
const parse = await loadParser();
await db.ready;

const declared = Object.values(schema).filter((it) => typeof it === 'object') as object[];
const newGate = () => new Gate(new Set(declared) as any, true, new Set());
const scope = new Scope({ kind: 'one', id }, true, account as any);
const microseconds = (run: () => unknown) => {
  const start = processorTime();
  run();
  return (processorTime() - start) / 1e3;
};

const texts = queries
  .map(({ byHand, name }) => ({ name, ...(plainText(byHand) ?? { sql: '', params: [] }) }))
  .filter((it) => it.sql !== '');
function plainText(byHand: (db: any, it: any, id: any) => any): { sql: string; params: unknown[] } | undefined {
  try {
    return byHand(plain, schema, id).toSQL();
  } catch {
    return undefined;
  }
}

const first: number[] = [];
// A process that has been running: what the engine still compiles in the first seconds is counted with a fresh process.
for (let round = 0; round < 160; round++) {
  const gate = newGate();
  for (const { sql, params } of texts) {
    const took = microseconds(() => gate.pass(parse, scope, sql, params.length));
    if (round >= 60) first.push(took);
  }
}
const sorted = [...first].sort((a, b) => a - b);
report('a text that is seen for the first time, us of the processor', show(spreadOf(first), 0), 'at most 300');
report('the slowest in a hundred of them, us', sorted[Math.floor(sorted.length * 0.99)]!.toFixed(0), 'at most 3000');

const inserts: number[] = [];
for (let i = 0; i < 30; i++) {
  const { sql, params } = plain
    .insert(labels)
    .values(Array.from({ length: 1_000 + i }, (_, n) => ({ accountId: id, id: n, name: 'x' })))
    .toSQL();
  const gate = newGate();
  const took = microseconds(() => gate.pass(parse, scope, sql, params.length));
  if (i >= 10) inserts.push(took);
}
report(
  'an insert of 1,000 rows that is seen for the first time, ms of the processor',
  show(spreadOf(inserts.map((it) => it / 1e3)), 1),
  'at most 5',
);

// Half of the statements have a list of a length of its own.
let seed = 1;
const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
const ids = Array.from({ length: 1_000 }, (_, i) => i);
const rows = ids.map((i) => ({ id: i, name: `label ${i}` }));
const ownRows = rows.map((it) => ({ ...it, accountId: id }));
const lengths = Array.from({ length: 2_000 }, () => 1 + random(1_000));
/** Forty statements, twenty with lists: the same lengths for all candidates. */
const mixed = (handle: any, list: (n: number) => any, values: (n: number) => any, one: () => any, isRead = false) => {
  let next = 0;
  return () => {
    for (let i = 0; i < 40; i++) {
      const n = lengths[next++ % lengths.length]!;
      const { sql } = (
        i % 4 === 0
          ? handle.select().from(tasks).where(list(n))
          : i % 4 === 2
            ? handle.insert(labels).values(values(n))
            : handle.select().from(tasks).where(one())
      ).toSQL();
      if (isRead) Buffer.byteLength(sql);
    }
  };
};
const inList = (n: number) => inArray(tasks.id, ids.slice(0, n));
const own = eq(tasks.accountId, id);
const byHand = (isRead: boolean) =>
  mixed(
    plain,
    (n) => and(own, inList(n)),
    (n) => ownRows.slice(0, n),
    () => and(own, eq(tasks.id, 1)),
    isRead,
  );
const times = takeTurns(
  {
    scoped: mixed(
      tdb,
      inList,
      (n) => rows.slice(0, n),
      () => eq(tasks.id, 1),
    ),
    byHand: byHand(false),
    byHandRead: byHand(true),
  },
  { rounds: 31, ms: 100, clock: processorTime },
);
report(
  'half of the statements with lists of 1 to 1,000: scoped / hand-written, processor time',
  ratioOf(times.scoped, times.byHand),
  'at most 1.5',
);
report(
  'the same, where the hand-written text is read once, as a driver does to write it',
  ratioOf(times.scoped, times.byHandRead),
  'at most 1.5',
);

const { gc } = globalThis as { gc?: () => void };
if (gc) {
  const heap = () => {
    gc();
    gc();
    return process.memoryUsage().heapUsed;
  };
  const gate = newGate();
  gate.pass(parse, scope, 'select 1', 0);
  const before = heap();
  const count = 1_500;
  let length = 0;
  for (let i = 0; i < count; i++) {
    const text =
      `select "tasks"."id", "tasks"."title" from "tasks" where "tasks"."points" = $1 and ${i} = ${i} ` +
      'order by "tasks"."id" limit 20';
    length += text.length;
    for (let twice = 0; twice < 2; twice++) gate.pass(parse, scope, text, 1);
  }
  report(
    `memory of a text that is kept, of ${Math.round(length / count)} characters`,
    `${((heap() - before) / count / 1024).toFixed(1)} kB`,
    'bounded: 8 MiB for each kind of handle and tenancy',
  );
  gate.pass(parse, scope, 'select 1', 0);
}

// As many of each as are allowed.
const repeated = (count: number, of: (i: number) => string, by: string) =>
  Array.from({ length: count }, (_, i) => of(i)).join(by);
const dense = {
  'a list of 69,000 numbers': `select id from tasks where id in (${repeated(69_000, String, ',')})`,
  '11,500 conditions': `select id from tasks where ${repeated(11_500, (i) => `points + ${i} > id`, ' or ')}`,
  '34,000 calls of functions': `select id from tasks where title in (${repeated(34_000, () => "lower('a')", ',')})`,
};
for (const [what, text] of Object.entries(dense)) {
  let outcome = '';
  const took = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    try {
      newGate().pass(parse, scope, text, 0);
    } catch (error: any) {
      outcome = ` (refused: ${String(error.message).slice(0, 60)})`;
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e3;
  });
  report(
    `the event loop is held by ${what}, ms of the processor`,
    `${Math.min(...took).toFixed(0)}${outcome}`,
    'at most 400',
  );
}

// A process of its own: from importing the package until the first statement is given to the driver. The modules are
// put into few files, as the package has them.
const compiled = fileURLToPath(new URL('../..', import.meta.url));
const packed = join(compiled, 'packed', 'src');
rmSync(packed, { recursive: true, force: true });
cpSync(join(compiled, 'src'), packed, { recursive: true });
const { bundle } = await import(pathToFileURL(join(compiled, '../../../scripts/bundle.mjs')).href);
await bundle(packed);
const program = `
  const start = performance.now();
  const { withTenancy, tenancy, tenantTable } = await import(${JSON.stringify(join(packed, 'index.js'))});
  const { drizzle } = await import('drizzle-orm/postgres-js');
  const { uuid } = await import('drizzle-orm/pg-core');
  const account = tenancy('account', uuid);
  const projects = tenantTable('projects', { accountId: account.id(), id: uuid().primaryKey() });
  const sent = new Promise((resolve) => {
    const client = Object.assign(() => {}, { options: { parsers: {}, serializers: {} },
      unsafe: (text) => (resolve(text), Object.assign(Promise.resolve([]), { values: async () => [] })) });
    withTenancy(drizzle({ client
      })).forTenant(account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa')).select().from(projects).then(() => {},
        () => {});
  });
  await sent;
  console.log(performance.now() - start);`;
const firsts = Array.from({ length: 7 }, () => {
  const drizzleAlone = Number(
    execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        "const start = performance.now(); await import('drizzle-orm/postgres-js'); " +
          "await import('drizzle-orm/pg-core'); console.log(performance.now() - start);",
      ],
      { encoding: 'utf8' },
    ),
  );
  return [
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })),
    drizzleAlone,
  ] as const;
});
report(
  'a fresh process: from the import to the first statement sent, ms',
  show(spreadOf(firsts.map(([all]) => all)), 0),
  'at most 100',
);
report("of that, Drizzle's own import, ms", show(spreadOf(firsts.map(([, alone]) => alone)), 0), '');
