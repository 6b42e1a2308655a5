/** A live database compared with the schema, and the steps from the one to the other. Nothing is run here. */
import { calls, foreignKeySql, words } from '../citus.js';
import { distributionOf } from '../changes.js';
import { DatabaseStateError } from '../errors.js';
import { fasteners, looseners } from './foreign-key-plan.js';
import type { Live, LiveTable } from './read.js';
import { collectSql, keep, writeAgainSql, writeKept } from '../again.js';
import { keySteps, type KeyInput } from './key-plan.js';
import { ident, keyOf, literal, plain, quoted, type TableName } from '../names.js';
import { placeObstacles, rewriteObstacles } from '../obstacles.js';
import { stepsAfter, stepsBefore, type Online } from './online-plan.js';
import { policySteps } from './policy-plan.js';
import type { Entities } from '../snapshot.js';
import type { TenancyState } from '../state.js';
import { splitSteps } from './split-plan.js';
import type { PlanStep } from './step.js';

/**
 * @param state what the schema asks for
 * @param entities the schema's tables, with their foreign keys
 * @param live what is there
 * @param waiting the statements that wait for the end of write-only mode: their keys are not due yet
 * @param keys the keys and indexes that are due, where they are to be compared
 * @param online what migrations left, where steps are to hold no table for long
 * @returns the steps, none when the database is as the schema asks
 * @throws DatabaseStateError when tables, columns or keys are missing, or foreign keys that no schema declares are in
 * the way
 */
export function planSteps(
  state: TenancyState,
  entities: Entities,
  live: Live,
  waiting: readonly string[] = [],
  keys?: Pick<KeyInput, 'due' | 'createIndexes'>,
  online?: Online,
): PlanStep[] {
  const missing = entities.list('tables').filter((it) => !live.tables.has(keyOf(it as any)));
  if (missing.length > 0) {
    throw new DatabaseStateError(
      'Run "npx drizzle-kit migrate" first: the database has no ' +
        `${missing.map((it) => `"${plain(it as any)}"`).join(', ')}.`,
    );
  }
  const tables = entities.list('tables').map((it) => live.tables.get(keyOf(it as any))!);
  // A migration serves plain PostgreSQL too: what it left there is done without Citus.
  const places = online && live.citus === null ? { ...state, citus: false } : state;
  const wantedOf = (table: TableName) => distributionOf(places, state.tables[keyOf(table)]);
  const anchors = anchorsOf(tables, state);
  const isPlaced = (table: LiveTable) => {
    const wanted = wantedOf(table);
    if (wanted.kind !== table.kind) return false;
    return (
      wanted.kind !== 'tenant' ||
      (wanted.column === table.column && anchors.get(wanted.group)?.colocation === table.colocation)
    );
  };
  const moving = tables.filter((it) => !isPlaced(it));
  const steps: PlanStep[] = [];
  const size = (table: LiveTable) => ({ rows: table.rows, bytes: table.bytes });
  const left = online && { online, state, entities, live, ...(keys && { due: keys.due }) };

  const drops = online?.drops ?? [];
  // What keeps a table from its first place, but for keys that are replaced before.
  const first = (it: LiveTable, column?: string): Partial<PlanStep> => {
    if (it.kind !== 'local') return {};
    const declared = ['pks', 'uniques', 'indexes'].flatMap((kind) => entities.of(kind, it));
    const known = [
      ...declared.map((row) => row.name as string),
      ...drops.flatMap((drop) => drop.constraint ?? drop.index ?? []),
      ...it.keys.filter((key) => key.kind === 'primary').map((key) => key.name),
    ];
    return {
      precondition: atObstacles(placeObstacles([{ table: it, known, ...(column !== undefined && { column }) }])),
      ifFailed: brokenBy(plain(it)),
    };
  };
  for (const it of tables) {
    if (it.kind !== 'tenant' || !live.kept?.includes(quoted(it))) continue;
    const what = `${plain(it)}: what Citus left behind of it written again, such as comments`;
    steps.push({ table: plain(it), what, sql: [writeKept(it)] });
  }
  // Keys of a table that Citus holds are built when it is back on one node.
  const back = left ? moving.filter((it) => it.kind !== 'local') : moving;
  steps.push(...looseners(back, entities, live, drops));
  for (const it of back) {
    if (it.kind !== 'local')
      steps.push({
        table: plain(it),
        what: words.undistribute(it),
        sql: [collectSql([it]), ...relax(it), `SELECT ${calls.undistribute(it)}`, writeAgainSql],
        ...size(it),
        precondition: atObstacles(rewriteObstacles([it])),
        ifFailed: brokenBy(plain(it)),
      });
  }
  if (left) {
    const others = moving.filter((it) => !back.includes(it));
    steps.push(...stepsBefore(left, moving), ...looseners(others, entities, live, drops, back));
  }
  for (const it of moving.filter((it) => wantedOf(it).kind === 'reference')) {
    steps.push({
      table: plain(it),
      what: words.createReference(it),
      sql: [...relax(it), `SELECT ${calls.createReference(it)}`],
      ...size(it),
      ...first(it),
    });
  }
  for (const it of rootsFirst(moving, state)) {
    const wanted = wantedOf(it);
    if (wanted.kind !== 'tenant') continue;
    const anchor = anchors.get(wanted.group);
    const beside =
      anchor && anchor !== it
        ? { schema: anchor.schema, name: anchor.name }
        : { shardCount: state.tenancies[wanted.group]!.shardCount };
    if (!anchor) anchors.set(wanted.group, it);
    const what = words.createDistributed(it, wanted.column, beside);
    const hasKey = it.keys.some((key) => key.kind === 'primary') || keys?.due.of('pks', it).length;
    const place = first(it, wanted.column);
    const blocking = [...(hasKey ? [] : ['it has no primary key']), ...(online?.columns(keyOf(it)).blocking ?? [])];
    if (online && !online.blockWrites && blocking.length === 0) {
      steps.push({
        table: plain(it),
        what: `${what}, while it is written to`,
        sql: [keep(it), `SELECT ${calls.createDistributedConcurrently(it, wanted.column, beside)}`, writeKept(it)],
        alone: true,
        ...size(it),
        ...place,
        ...(it.forced && { precondition: hidden(it, place.precondition) }),
      });
      continue;
    }
    const since = online && !online.blockWrites ? `, since ${blocking.join(', and ')}` : '';
    steps.push({
      table: plain(it),
      what: online ? `${what}; writes to it wait${since}` : what,
      sql: [...relax(it), `SELECT ${calls.createDistributed(it, wanted.column, beside)}`],
      ...size(it),
      ...place,
    });
  }
  for (const [group, anchor] of anchors) {
    const { shardCount } = state.tenancies[group]!;
    const fewest = anchor.shardCount - 2 * anchor.isolated;
    if (moving.includes(anchor) || (fewest <= shardCount && shardCount <= anchor.shardCount - anchor.isolated))
      continue;
    const beside = tables.filter((it) => it.colocation === anchor.colocation);
    const split = splitSteps(anchor, beside, shardCount, live.nodes ?? 1, online !== undefined && !online.blockWrites);
    if (split) {
      steps.push(...split);
      continue;
    }
    const force = beside.filter((it) => it.forced).map((it) => `ALTER TABLE ${quoted(it)} FORCE ROW LEVEL SECURITY;`);
    const own = live.foreignKeys.filter(
      (fk) =>
        fk.schema === fk.schemaTo &&
        fk.table === fk.tableTo &&
        beside.some((it) => it.schema === fk.schema && it.name === fk.table),
    );
    // Citus adds the keys of a table to itself twice when it splits the table anew.
    const free = own.map(
      (fk) => `ALTER TABLE ${quoted({ schema: fk.schema, name: fk.table })} DROP CONSTRAINT ${ident(fk.name)};`,
    );
    const sql = [
      collectSql(beside, true),
      ...beside.flatMap(relax),
      ...free,
      `SELECT ${calls.setShardCount(anchor, shardCount)}`,
      ...own.map((fk) => foreignKeySql(fk, state)),
      ...force,
      writeAgainSql,
    ];
    steps.push({
      table: plain(anchor),
      what: words.setShardCount(anchor, shardCount),
      sql,
      ...size(anchor),
      precondition: atObstacles(rewriteObstacles(beside, true)),
      ifFailed: brokenBy(plain(anchor)),
    });
  }
  const lacking = keys ? keySteps({ ...keys, tables: live.tables, state, online: online !== undefined }) : [];
  steps.push(
    ...lacking.filter((it) => !it.alone),
    ...fasteners(moving, entities, live, waiting, state, keys?.due),
    ...lacking.filter((it) => it.alone),
    ...(left ? stepsAfter(left, moving) : []),
  );
  steps.push(...policySteps(tables, live, entities, state, moving));
  return steps;
}

/** A row that is copied is checked, whether its constraint was before or not. */
const brokenBy = (table: string) =>
  `Correct the rows that break a constraint of ${table}, which may be NOT VALID until now`;

/** Each obstacle has its own remedy. */
const atObstacles = (query: string): PlanStep['precondition'] => ({ query, remedy: 'Correct what is in the way' });

/** The table of each group that the others go beside: the root where it stands right, or another that does. */
function anchorsOf(tables: readonly LiveTable[], state: TenancyState): Map<string, LiveTable> {
  const anchors = new Map<string, LiveTable>();
  for (const it of rootsFirst(tables, state)) {
    const wanted = distributionOf(state, state.tables[keyOf(it)]);
    if (wanted.kind === 'tenant' && it.kind === 'tenant' && it.column === wanted.column && !anchors.has(wanted.group))
      anchors.set(wanted.group, it);
  }
  return anchors;
}

function rootsFirst(tables: readonly LiveTable[], state: TenancyState): LiveTable[] {
  const rank = (it: LiveTable) => {
    const key = keyOf(it);
    const leader = Object.values(state.tenancies).some(
      ({ root, colocateWith }) => root === key && colocateWith === undefined,
    );
    return leader ? 0 : Object.values(state.tenancies).some(({ root }) => root === key) ? 1 : 2;
  };
  return [...tables].sort((a, b) => rank(a) - rank(b));
}

/** A role that policies hold back would copy no rows. */
const hidden = (table: LiveTable, more: PlanStep['precondition']): PlanStep['precondition'] =>
  atObstacles(
    "SELECT 'Run apply as a role that has BYPASSRLS' AS remedy " +
      `WHERE row_security_active(${literal(quoted(table))}::regclass)${more ? ` UNION ALL (${more.query})` : ''}`,
  );

/** An owner who is no superuser sees no rows under FORCE, and would move none. */
const relax = (table: LiveTable) => (table.forced ? [`ALTER TABLE ${quoted(table)} NO FORCE ROW LEVEL SECURITY;`] : []);
