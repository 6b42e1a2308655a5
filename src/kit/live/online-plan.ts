/**
 * What migrations with `tenancy.online` left, found by comparing the database with the snapshot: rows to fill in, NOT
 * NULL, keys, checks, and what goes at the end. Each step can be stopped at any moment; what it left is a fact that the
 * next plan sees.
 */
import { createHash } from 'node:crypto';
import { uncheckedForeignKeySql } from '../citus.js';
import { DatabaseStateError } from '../errors.js';
import { asideName, indexIn } from '../generate/indexes.js';
import type { LiveColumns } from './columns.js';
import { concurrently, constraint, lackingConstraint, sameColumns } from './key-plan.js';
import { ident, keyOf, plain, quoted, type TableName } from '../names.js';
import type { Drop, Fill } from '../online.js';
import type { Live, LiveTable } from './read.js';
import type { Entities, Row } from '../snapshot.js';
import type { TenancyState } from '../state.js';
import type { PlanStep } from './step.js';

export interface Online {
  readonly fills: readonly Fill[];
  readonly drops: readonly Drop[];
  readonly columns: (key: string) => LiveColumns;
  /** Tables are distributed while writes to them wait. */
  readonly blockWrites: boolean;
  /** What waits for the end of write-only mode. */
  readonly writeOnly?: TenancyState['writeOnly'];
}

export interface OnlineInput {
  readonly online: Online;
  readonly state: TenancyState;
  readonly entities: Entities;
  /** Keys and indexes that are due; none while write-only mode lets them wait. */
  readonly due?: Entities;
  readonly live: Live;
}

const step = (table: TableName, what: string, sql: readonly string[], more: Partial<PlanStep> = {}): PlanStep => ({
  table: plain(table),
  what: `${plain(table)}: ${what}`,
  sql,
  ...more,
});

/** The tables of the schema that are there, but for those whose keys wait for the end of write-only mode. */
function tablesOf({ entities, live, online: { writeOnly } }: OnlineInput): LiveTable[] {
  return entities.list('tables').flatMap((row) => {
    const table = live.tables.get(keyOf({ schema: row.schema, name: row.name }));
    return table && !(writeOnly && isOnItsWay(table, writeOnly)) ? [table] : [];
  });
}

/** Whether keys of a table wait for the end of write-only mode. */
export const isOnItsWay = (table: TableName, writeOnly: NonNullable<TenancyState['writeOnly']>): boolean =>
  writeOnly.tables.includes(keyOf(table)) ||
  writeOnly.keys?.[keyOf(table)] !== undefined ||
  writeOnly.statements.some((it) => it.includes(quoted(table)));

const isOneOf = (table: TableName, tables: readonly TableName[]) => tables.some((it) => keyOf(it) === keyOf(table));

/**
 * What comes before tables move: rows, NOT NULL and keys. On Citus a table takes no key along that lacks the tenant.
 */
export function stepsBefore(input: OnlineInput, moving: readonly TableName[]): PlanStep[] {
  const tables = tablesOf(input);
  return [
    ...fillSteps(tables, input),
    ...tables.flatMap((it) => notNullSteps(it, input)),
    ...tables.flatMap((it) => keySwaps(it, input)),
    // A shard takes no row that breaks a check, whether it was looked at before or not.
    ...tables.filter((it) => isOneOf(it, moving)).flatMap((it) => checkSteps(it, input)),
    ...dropSteps(input).filter((it) => moving.some((table) => plain(table) === it.table)),
  ];
}

/** What comes when all else stands. */
export function stepsAfter(input: OnlineInput, moving: readonly TableName[]): PlanStep[] {
  const tables = tablesOf(input);
  return [
    ...tables.filter((it) => !isOneOf(it, moving)).flatMap((it) => checkSteps(it, input)),
    ...dropSteps(input).filter((it) => !moving.some((table) => plain(table) === it.table)),
  ];
}

function fillSteps(tables: readonly LiveTable[], { online, entities }: OnlineInput): PlanStep[] {
  const last = new Map(online.fills.map((it) => [`${it.schema}.${it.table}\0${it.column}`, it]));
  return [...last.values()].flatMap((fill): PlanStep[] => {
    const table = tables.find((it) => it.schema === fill.schema && it.name === fill.table);
    if (!table || !entities.column(table, fill.column) || !(fill.column in table.types)) return [];
    if (online.columns(keyOf(table)).notNull.has(fill.column)) return [];
    return [
      step(table, `${fill.column} of older rows filled in, batch by batch`, fill.updates, {
        rows: table.rows,
        bytes: table.bytes,
        ifFailed: `Correct the rows of ${plain(table)} that break a check or a key of the migration`,
        fill: { table, fill, key: batchKey(table, online), types: table.types },
      }),
    ];
  });
}

/** The columns of a unique key by which rows are taken in order; undefined where there is none. */
function batchKey(table: LiveTable, { columns }: Online): readonly string[] | undefined {
  const { notNull } = columns(keyOf(table));
  const keys = table.keys
    .filter((it) => it.unique && it.valid && !it.isPartial && it.method === 'btree')
    .filter((it) => it.columns.every((column) => column !== null && notNull.has(column)));
  return (keys.find((it) => it.kind === 'primary') ?? keys[0])?.columns as string[] | undefined;
}

const checkName = (table: TableName, column: string) =>
  `not_null_${createHash('sha256')
    .update(`${keyOf(table)}\0${column}`)
    .digest('hex')
    .slice(0, 16)}`;

function notNullSteps(live: LiveTable, { entities, online }: OnlineInput): PlanStep[] {
  const inKey = new Set<string>(entities.of('pks', live).flatMap((it) => it.columns as string[]));
  const there = online.columns(keyOf(live));
  const at = `ALTER TABLE ${quoted(live)}`;
  return entities.of('columns', live).flatMap((row): PlanStep[] => {
    const isDue = row.notNull === true || inKey.has(row.name);
    if (!(row.name in live.types) || !isDue) return [];
    const name = checkName(live, row.name);
    const check = there.checks.find((it) => it.name === name);
    const isNotNull = there.notNull.has(row.name);
    if (isNotNull && !check) return [];
    const sql = [
      ...(check || isNotNull ? [] : [`${at} ADD CONSTRAINT ${name} CHECK (${ident(row.name)} IS NOT NULL) NOT VALID;`]),
      ...(isNotNull || check?.validated ? [] : [`${at} VALIDATE CONSTRAINT ${name};`]),
      // PostgreSQL believes the check, and looks at no row.
      ...(isNotNull ? [] : [`${at} ALTER COLUMN ${ident(row.name)} SET NOT NULL;`]),
      `${at} DROP CONSTRAINT ${name};`,
    ];
    const rows = `SELECT * FROM ${quoted(live)} WHERE ${ident(row.name)} IS NULL`;
    return [
      step(live, `${row.name} NOT NULL`, sql, {
        alone: true,
        ifFailed: `Fill in ${row.name} of the rows that ${rows} finds`,
      }),
    ];
  });
}

/** Keys that are built aside, and take their place in a moment. */
function keySwaps(live: LiveTable, input: OnlineInput): PlanStep[] {
  return (['pks', 'uniques'] as const).flatMap((kind) =>
    (input.due?.of(kind, live) ?? []).flatMap((row) => keySwap(live, row, kind, input)),
  );
}

function keySwap(live: LiveTable, row: Row, kind: 'pks' | 'uniques', input: OnlineInput): PlanStep[] {
  const lack = lackingConstraint(live, row, kind);
  if (!lack) return [];
  // PostgreSQL makes no key of an index that a table with partitions has.
  if (live.isPartitioned) return constraint(live, row, kind);
  const { word, rival, alike, what } = lack;
  const aside = asideName(row.name, 'new');
  const built = live.keys.find((it) => it.name === aside);
  const isBuilt =
    built?.valid === true &&
    built.unique &&
    sameColumns(built, row.columns) &&
    built.nullsNotDistinct === Boolean(row.nullsNotDistinct) &&
    !live.lackingOnShards.includes(aside);
  const columns = row.columns.map(ident).join(', ');
  const build = [
    ...(built ? [`DROP INDEX CONCURRENTLY IF EXISTS ${indexIn(live, aside)};`] : []),
    `CREATE UNIQUE INDEX CONCURRENTLY ${ident(aside)} ` +
      `ON ${quoted(live)} (${columns})${row.nullsNotDistinct ? ' NULLS NOT DISTINCT' : ''};`,
  ];
  const { drop, again } = rival ? dependents(live, rival.columns as string[], input) : { drop: [], again: [] };
  const at = `ALTER TABLE ${quoted(live)}`;
  return [
    ...(isBuilt
      ? []
      : [
          step(live, `an index for the ${word} ${row.name}, built beside`, build, {
            alone: true,
            rows: live.rows,
            bytes: live.bytes,
            index: { schema: live.schema, name: aside },
            precondition: alike,
          }),
        ]),
    step(live, what, [
      ...drop,
      ...(rival ? [`${at} DROP CONSTRAINT IF EXISTS ${ident(rival.name)};`] : []),
      `${at} ADD CONSTRAINT ${ident(row.name)} ${kind === 'pks' ? 'PRIMARY KEY' : 'UNIQUE'} USING INDEX ` +
        `${ident(aside)};`,
      ...again,
    ]),
  ];
}

/** The foreign keys that lead to a key which goes: those that the schema declares come back at once, for new rows. */
function dependents(live: LiveTable, columns: readonly string[], input: OnlineInput) {
  const key = (names: readonly string[]) => [...names].sort().join('\0');
  const found = input.live.foreignKeys.filter(
    (fk) => fk.schemaTo === live.schema && fk.tableTo === live.name && key(fk.columnsTo) === key(columns),
  );
  const of = (fk: Row) => ({ schema: fk.schema as string, name: fk.table as string });
  const declared = (fk: Row) =>
    input.entities
      .of('fks', of(fk))
      .find(
        (it) =>
          it.schemaTo === fk.schemaTo &&
          it.tableTo === fk.tableTo &&
          `${it.columns}` === `${fk.columns}` &&
          `${it.columnsTo}` === `${fk.columnsTo}`,
      );
  const isStillKey = (fk: Row) =>
    (['pks', 'uniques'] as const).some((kind) =>
      input.due?.of(kind, live).some((it) => key(it.columns) === key(fk.columnsTo)),
    );
  const strangers = found.filter((fk) => !declared(fk) && !isDropped(fk, input.online.drops));
  if (strangers.length > 0) {
    throw new DatabaseStateError(
      'Drop these foreign keys, or declare them in the schema, before their key is replaced: ' +
        `${strangers.map((it) => `"${it.name}" of "${it.table}"`).join(', ')}.`,
    );
  }
  return {
    drop: found.map((fk) => `ALTER TABLE ${quoted(of(fk))} DROP CONSTRAINT IF EXISTS ${ident(fk.name)};`),
    again: found
      .filter((fk) => declared(fk) && isStillKey(fk))
      .map((fk) => uncheckedForeignKeySql(declared(fk)!, input.state, input.live.tables.get(keyOf(of(fk))))),
  };
}

/** Whether a migration let a foreign key go, that is still there. */
export const isDropped = (fk: Row, drops: readonly Drop[]): boolean =>
  drops.some((it) => it.schema === fk.schema && it.table === fk.table && it.constraint === fk.name);

function checkSteps(live: LiveTable, { entities, online }: OnlineInput): PlanStep[] {
  const { checks } = online.columns(keyOf(live));
  return entities.of('checks', live).flatMap((row) => {
    const found = checks.find((it) => it.name === row.name);
    return found && !found.validated
      ? [
          step(
            live,
            `the check ${row.name} looked at for older rows`,
            [`ALTER TABLE ${quoted(live)} VALIDATE CONSTRAINT ${ident(row.name)};`],
            {
              alone: true,
              ifFailed: `Correct the rows that SELECT * FROM ${quoted(live)} WHERE NOT (${row.value}) finds`,
            },
          ),
        ]
      : [];
  });
}

function dropSteps({ online, live, entities }: OnlineInput): PlanStep[] {
  const ranks = (it: Drop) => (it.constraint ? 0 : it.index ? 1 : 2);
  return [...online.drops]
    .sort((a, b) => ranks(a) - ranks(b))
    .flatMap((it): PlanStep[] => {
      if (it.index !== undefined) {
        const at = [...live.tables.values()].find(
          (table) =>
            table.schema === it.schema && table.keys.some((key) => key.kind === 'index' && key.name === it.index),
        );
        const isDeclared = entities.list('indexes').some((row) => row.schema === it.schema && row.name === it.index);
        if (!at || isDeclared) return [];
        const sql = `DROP INDEX${concurrently(at)} IF EXISTS ${quoted({ schema: it.schema, name: it.index })};`;
        return [step(at, `without the index ${it.index}`, [sql], { alone: true })];
      }
      const table = live.tables.get(keyOf({ schema: it.schema, name: it.table! }));
      if (!table) return [];
      const at = `ALTER TABLE ${quoted(table)}`;
      if (it.column !== undefined) {
        if (!(it.column in table.types) || entities.column(table, it.column)) return [];
        return [step(table, `without the column ${it.column}`, [`${at} DROP COLUMN IF EXISTS ${ident(it.column)};`])];
      }
      const isThere =
        table.keys.some((key) => key.kind !== 'index' && key.name === it.constraint) ||
        live.foreignKeys.some((fk) => isDropped(fk, [it]));
      const isDeclared = ['pks', 'uniques', 'fks'].some((kind) =>
        entities.of(kind, table).some((row) => row.name === it.constraint),
      );
      if (!isThere || isDeclared) return [];
      return [
        step(table, `without the constraint ${it.constraint}`, [
          `${at} DROP CONSTRAINT IF EXISTS ${ident(it.constraint!)};`,
        ]),
      ];
    });
}
