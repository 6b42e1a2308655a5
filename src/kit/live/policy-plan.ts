/** The steps that make row-level security hold in a live database: on tables, on their shards, and on partitions. */
import { confines, isTenantOnly, openingPolicy, type Policy, type TenantOf } from '../../rls/policies.js';
import { DatabaseStateError } from '../errors.js';
import type { Live, LiveTable } from './read.js';
import type { LivePolicy, Locks } from './policies.js';
import type { PlanStep } from './step.js';
import { ident, keyOf, literal, ourNames, plain, quoted } from '../names.js';
import { createPolicy, enable, ourPolicies, ownPolicies, predicate, type PolicyRow } from '../generate/policies.js';
import type { Entities } from '../snapshot.js';
import type { TableState, TenancyState } from '../state.js';

export function policySteps(
  tables: readonly LiveTable[],
  live: Live,
  entities: Entities,
  state: TenancyState,
  moving: readonly LiveTable[],
): PlanStep[] {
  return tables.flatMap((it) => {
    const wanted = state.tables[keyOf(it)];
    if (!wanted?.rls) return withoutOurs(it);
    return [
      ...stepsOf(it, wanted, entities, state, moving.includes(it)),
      ...partitionsOf(it, live, state).flatMap((partition) => closePartition(partition, wanted)),
    ];
  });
}

const step = (live: LiveTable, what: string, sql: string[]): PlanStep[] =>
  sql.length === 0 ? [] : [{ table: plain(live), what: `${plain(live)}: ${what}`, sql }];

const drop = (live: LiveTable, name: string) => `DROP POLICY IF EXISTS ${ident(name)} ON ${quoted(live)};`;
const isOurs = ({ name }: { name: string }) => ourNames.includes(name);

function withoutOurs(live: LiveTable): PlanStep[] {
  const ours = live.policies.filter(isOurs);
  if (ours.length === 0) return [];
  return step(live, 'without the policy', [
    ...ours.map((it) => drop(live, it.name)),
    `ALTER TABLE ${quoted(live)} NO FORCE ROW LEVEL SECURITY;`,
  ]);
}

function stepsOf(
  live: LiveTable,
  wanted: TableState,
  entities: Entities,
  state: TenancyState,
  isMoving: boolean,
): PlanStep[] {
  const tenant = tenantOf(live, wanted);
  const own = ownPolicies(entities, wanted);
  const declared = ourPolicies(wanted, own, state);
  const isRight = (it: PolicyRow, found: LivePolicy | undefined) =>
    found !== undefined &&
    commandOf(it) === found.command &&
    found.permissive === (it.as === 'PERMISSIVE') &&
    holds(it, found, tenant);
  const wrong = declared.filter(
    (it) =>
      !isRight(
        it,
        live.policies.find((found) => found.name === it.name),
      ),
  );
  const needless = live.policies.filter(
    (it) => isOurs(it) && !declared.some((wantedOne) => wantedOne.name === it.name),
  );
  const isDiffering = live.kind !== 'local' && live.shards.some((it) => !sameLocks(it, live, tenant));
  const replaced = isDiffering ? declared : wrong;
  const steps: PlanStep[] = [];
  if (replaced.length + needless.length > 0 || isDiffering) {
    const strangers = new Set(
      live.shards
        .flatMap((it) => it.policies.map(({ name }) => name))
        .filter((name) => !live.policies.some((it) => it.name === name)),
    );
    steps.push(
      ...step(live, `rows of the tenant in ${wanted.rls!.setting} only${isDiffering ? ', on its shards too' : ''}`, [
        ...[...strangers].map(
          (name) =>
            `SELECT run_command_on_shards(${literal(quoted(live))}, ${literal(`DROP POLICY ${ident(name)} ON %s`)});`,
        ),
        ...[...replaced, ...needless].map((it) => drop(live, it.name)),
        ...replaced.map((it) => createPolicy(live, it)),
        ...enable(live),
      ]),
    );
  } else if (!live.enabled || !live.forced || isMoving) {
    steps.push(...step(live, 'with row-level security for its owner too', enable(live)));
  }
  return [
    ...steps,
    ...strangersOf(
      live,
      wanted,
      state,
      tenant,
      [...declared, ...own].map((it) => it.name!),
    ),
  ];
}

const commandOf = (it: PolicyRow) =>
  ({ ALL: '*', SELECT: 'r', INSERT: 'a', UPDATE: 'w', DELETE: 'd' })[it.for] ?? it.for;

/** Ours is the tenant condition and nothing else; the schema's own have it beside what they say. */
const holds = (it: PolicyRow, found: Policy, tenant: TenantOf) =>
  isOurs(it)
    ? isOurText(it.using, found.using, tenant) &&
      isOurText(it.withCheck, found.check ?? (it.using === it.withCheck ? found.using : null), tenant)
    : Boolean(it.using) === (found.using !== null) &&
      Boolean(it.withCheck) === (found.check !== null) &&
      isNarrow(found, tenant);

const isOurText = (wanted: string | null | undefined, found: string | null, tenant: TenantOf) =>
  wanted
    ? isTenantOnly(found, tenant, wanted.endsWith(' IS NULL')) &&
      Boolean(tenant.earlier) === found!.includes('COALESCE(')
    : found === null;

const isNarrow = (it: Policy, tenant: TenantOf) => openingPolicy([{ ...it, permissive: true }], tenant) === undefined;

/** Citus changes AS RESTRICTIVE, and that alone is looked at elsewhere. */
const sameLocks = (shard: Locks, table: Locks, tenant: TenantOf) => {
  const said = ({ policies }: Locks) =>
    JSON.stringify(
      policies
        .map((it) => [it.name, it.command, it.roles, it.using === null, it.check === null, confines(it, tenant)])
        .sort(),
    );
  return shard.enabled === table.enabled && shard.forced === table.forced && said(shard) === said(table);
};

/**
 * Policies that neither the schema nor we declare, where Citus has made ours as permissive as they are: those that let
 * other tenants' rows through get the tenant condition.
 */
function strangersOf(
  live: LiveTable,
  wanted: TableState,
  state: TenancyState,
  tenant: TenantOf,
  known: readonly string[],
): PlanStep[] {
  if (!state.citus) return [];
  const strangers = live.policies.filter((it) => !known.includes(it.name) && !isNarrow(it, tenant));
  const restrictive = strangers.filter((it) => !it.permissive);
  if (restrictive.length > 0) {
    throw new DatabaseStateError(
      `Drop ${restrictive.map((it) => `the policy "${it.name}" of "${plain(live)}"`).join(', ')}, ` +
        'and write what it says into the permissive policies of the schema: ' +
        "Citus makes a restrictive policy permissive on the shards, where it opens every tenant's rows.",
    );
  }
  return strangers.flatMap((it) => narrow(live, it, wanted));
}

function narrow(live: LiveTable, { name, using, check }: LivePolicy, wanted: TableState): PlanStep[] {
  const both = (word: string, said: string | null) =>
    said === null ? '' : ` ${word} ((${predicate(wanted)}) AND (${said}))`;
  return step(live, `the policy ${name}, which the schema does not have, for rows of the tenant only`, [
    `ALTER POLICY ${ident(name)} ON ${quoted(live)}${both('USING', using)}${both('WITH CHECK', check)};`,
  ]);
}

/** Partitions, and partitions of those, that are no tables of the schema themselves. */
function partitionsOf(live: LiveTable, { tables }: Pick<Live, 'tables'>, state: TenancyState): LiveTable[] {
  return [...tables.values()]
    .filter((it) => it.parent === keyOf(live) && !state.tables[keyOf(it)])
    .flatMap((it) => [it, ...partitionsOf(it, { tables }, state)]);
}

/**
 * Without a policy nothing is let through: rows of a partition are read by way of its parent, under the parent's
 * policies.
 */
function closePartition(live: LiveTable, wanted: TableState): PlanStep[] {
  const isClosed = live.enabled && live.forced && live.shards.every((it) => it.enabled && it.forced);
  const opening = live.policies.filter((it) => it.permissive && !isNarrow(it, tenantOf(live, wanted)));
  return [
    ...(isClosed ? [] : step(live, 'no rows of the partition but by way of its parent', enable(live))),
    ...opening.flatMap((it) => narrow(live, it, wanted)),
  ];
}

const tenantOf = (live: LiveTable, { column, rls, everybody }: TableState): TenantOf => ({
  column: column!,
  settings: [rls!.setting],
  types: live.types[column!] ?? [],
  earlier: rls!.also,
  everybody,
});
