/**
 * Building a statement: what a scoped handle costs against the same predicates written by hand, up to the text that is
 * sent; and what a statement that was prepared once saves.
 *
 *   npm run bench -- build [name of a query]
 *   npm run bench -- build short         fewer rounds, as the guard of CI runs it
 */
import { eq, gt, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { withTenancy } from '../../src/index.js';
import { relationsConfig } from '../../src/schema/relations.js';
import * as schema from '../support/schema.js';
import { ratioOf, report, show, spreadOf, takeTurns, takeTurnsAsync } from './measure.js';
import { queries } from './queries.js';

/** A client that sends nothing, and answers at once. */
const nothing = Object.assign(Promise.resolve([]), { values: () => Promise.resolve([]) });
const client: any = Object.assign(() => {}, { options: { parsers: {}, serializers: {} }, unsafe: () => nothing });
const id = schema.account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
const plain: any = drizzle({ client, relations: relationsConfig(schema.relations) as any });
const db: any = withTenancy(drizzle({ client }), { relations: schema.relations });
const tdb = db.forTenant(id);

await db.ready;
const isShort = process.argv.includes('short');

// As in an application that has run for a while: the engine has met queries of every kind, on both handles.
for (let round = 0; round < (isShort ? 500 : 2_000); round++) {
  for (const { scoped, byHand } of queries) {
    scoped(tdb, schema).toSQL();
    byHand(plain, schema, id).toSQL();
  }
}

const only = process.argv.slice(2).find((it) => it !== 'short');
const ratios: number[] = [];
/** With the text in one piece, as a driver writes it: Drizzle's text is of pieces, put together when first read. */
const inOnePiece: number[] = [];
let worst = { name: '', ratio: 0 };
for (const { name, scoped, byHand } of queries) {
  if (only && name !== only) continue;
  const times = takeTurns(
    {
      scoped: () => scoped(tdb, schema).toSQL(),
      byHand: () => byHand(plain, schema, id).toSQL(),
      byHandRead: () => byHand(plain, schema, id).toSQL().sql.indexOf('\0'),
    },
    isShort ? { rounds: 31, ms: 0.5 } : {},
  );
  const ratio = ratioOf(times.scoped, times.byHand);
  ratios.push(ratio.median);
  inOnePiece.push(ratioOf(times.scoped, times.byHandRead).median);
  if (ratio.median > worst.ratio) worst = { name, ratio: ratio.median };
  const us = (values: readonly number[]) => `${(spreadOf(values).median / 1e3).toFixed(2).padStart(7)} us`;
  console.log(`${name.padEnd(28)} ${us(times.scoped)} ${us(times.byHand)}  ${show(ratio)}`);
}
report(`building ${ratios.length} queries of the corpus: scoped / hand-written`, spreadOf(ratios), 'at most 1.05');
report('the same, where the hand-written text is read once, as a driver does to write it', spreadOf(inOnePiece), '');
report('the dearest of them', `${worst.ratio.toFixed(2)} (${worst.name})`, 'at most 1.25');

if (!only) {
  const { projects, tasks, account } = schema;
  const join = (handle: any) =>
    handle
      .select()
      .from(projects)
      .leftJoin(tasks, eq(tasks.projectId, projects.id))
      .where(gt(projects.id, sql.placeholder('id')));
  const byHand = (tenant: unknown, n: unknown): any =>
    plain
      .select()
      .from(projects)
      .leftJoin(tasks, sql`${eq(tasks.accountId, tenant as any)} and ${eq(tasks.projectId, projects.id)}`)
      .where(sql`${eq(projects.accountId, tenant as any)} and ${gt(projects.id, n as any)}`);
  const prepared = db.prepare(account, join);
  const own = byHand(sql.placeholder('tenant'), sql.placeholder('id')).prepare('own');
  const times = await takeTurnsAsync(
    {
      prepared: () => prepared.run(id, { id: 1 }),
      byHand: () => byHand(id, 1),
      own: () => own.execute({ tenant: id, id: 1 }),
    },
    { rounds: 101, calls: 400 },
  );
  report(
    '`db.prepare(...)`.run / building and running the hand-written query',
    ratioOf(times.prepared, times.byHand),
    'at most 0.2',
  );
  report("`db.prepare(...)`.run / Drizzle's own prepared statement", ratioOf(times.prepared, times.own), 'at most 1.1');
}
