/** Foreign keys of tables that move: without them before, with them after, and what they need. */
import { foreignKeySql, uncheckedForeignKeySql } from '../citus.js';
import { DatabaseStateError } from '../errors.js';
import { ident, keyOf, plain, quoted, type TableName } from '../names.js';
import type { Drop } from '../online.js';
import { isDropped } from './online-plan.js';
import type { Live, LiveTable } from './read.js';
import type { Entities, Row } from '../snapshot.js';
import type { TenancyState } from '../state.js';
import { match } from '../statements.js';
import type { PlanStep } from './step.js';

const touches = (fk: Row, tables: readonly TableName[]) =>
  tables.some(
    (it) => (it.schema === fk.schema && it.name === fk.table) || (it.schema === fk.schemaTo && it.name === fk.tableTo),
  );

const isSame = (a: Row, b: Row) =>
  ['schema', 'table', 'schemaTo', 'tableTo'].every((it) => a[it] === b[it]) &&
  `${a.columns}` === `${b.columns}` &&
  `${a.columnsTo}` === `${b.columnsTo}`;

/** Drops foreign keys before a move. Only those that the schema declares: a run that stops here finds them again. */
export function looseners(
  moving: readonly LiveTable[],
  entities: Entities,
  live: Live,
  drops: readonly Drop[],
  already: readonly LiveTable[] = [],
): PlanStep[] {
  const declared = entities.list('fks');
  const inTheWay = live.foreignKeys.filter((fk) => touches(fk, moving) && !touches(fk, already));
  const strangers = inTheWay.filter((fk) => !declared.some((it) => isSame(it, fk)) && !isDropped(fk, drops));
  if (strangers.length > 0) {
    throw new DatabaseStateError(
      'Drop these foreign keys, or declare them in the schema, before the tables move: ' +
        `${strangers.map((it) => `"${it.name}" of "${it.table}"`).join(', ')}.`,
    );
  }
  return inTheWay.map((fk) => ({
    table: plain({ schema: fk.schema, name: fk.table }),
    what: `${plain({ schema: fk.schema, name: fk.table })}: without the foreign key ${fk.name} while tables move`,
    sql: [
      `ALTER TABLE ${quoted({ schema: fk.schema, name: fk.table })} ` +
        `DROP CONSTRAINT ${drops.length > 0 ? 'IF EXISTS ' : ''}${ident(fk.name)};`,
    ],
  }));
}

/** Declared foreign keys that are not there, or will not be. @throws DatabaseStateError where one cannot be added */
export function fasteners(
  moving: readonly LiveTable[],
  entities: Entities,
  live: Live,
  waiting: readonly string[],
  state: TenancyState,
  due: Entities | undefined,
): PlanStep[] {
  const held = new Set(waiting.map((it) => match('addForeignKey', it)).map((it) => it && `${it.table}\0${it.name}`));
  const missing: string[] = [];
  const steps = entities
    .list('fks')
    .filter((fk) => !held.has(`${quoted({ schema: fk.schema, name: fk.table })}\0${fk.name}`))
    .flatMap((fk): PlanStep[] => {
      const table = { schema: fk.schema, name: fk.table };
      const found = live.foreignKeys.find((it) => isSame(it, fk));
      if (found && !touches(fk, moving)) return due ? mend(fk, found, state) : [];
      const isThere = found !== undefined;
      if (!isThere) missing.push(...whatLacks(fk, live, due));
      return [
        {
          table: plain(table),
          what: `${plain(table)}: with the foreign key ${fk.name}`,
          // Added without a look at the rows, then checked while they are written to.
          sql: [
            uncheckedForeignKeySql(fk, state, live.tables.get(keyOf(table))),
            `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${ident(fk.name)};`,
          ],
          alone: true,
          ...(!isThere && { precondition: strays(fk) }),
        },
      ];
    });
  if (missing.length > 0) {
    throw new DatabaseStateError(
      'Run "npx drizzle-kit generate" and "npx drizzle-kit migrate" first: the database has no ' +
        `${[...new Set(missing)].join(', ')}, which the foreign keys of the schema need.`,
    );
  }
  return steps;
}

/** A foreign key that is there, and was not checked yet, or does something else when its row goes. */
function mend(fk: Row, found: Row, state: TenancyState): PlanStep[] {
  const table = { schema: fk.schema, name: fk.table };
  const acts = (it: Row) => [it.onDelete, it.onUpdate].map((action) => action ?? 'NO ACTION').join();
  const step = (what: string, sql: string[]): PlanStep[] => [
    { table: plain(table), what: `${plain(table)}: ${what}`, sql, precondition: strays(fk) },
  ];
  if (acts(fk) !== acts(found)) {
    return step(`with the foreign key ${fk.name} as the schema has it`, [
      `ALTER TABLE ${quoted(table)} DROP CONSTRAINT ${ident(found.name)};`,
      foreignKeySql(fk, state),
    ]);
  }
  return found.validated === false
    ? step(`the foreign key ${found.name} checked`, [
        `ALTER TABLE ${quoted(table)} VALIDATE CONSTRAINT ${ident(found.name)};`,
      ])
    : [];
}

/** What a foreign key needs, and the database does not have, nor gets from the plan. */
function whatLacks(fk: Row, live: Live, due?: Entities): string[] {
  const ends = [
    [{ schema: fk.schema, name: fk.table }, fk.columns],
    [{ schema: fk.schemaTo, name: fk.tableTo }, fk.columnsTo],
  ] as const;
  const columns = ends.flatMap(([at, names]) => {
    const there = live.tables.get(keyOf(at))?.types ?? {};
    return (names as string[]).filter((it) => !(it in there)).map((it) => `column "${it}" in "${plain(at)}"`);
  });
  const [to, names] = ends[1];
  const likely = [
    ...(live.tables.get(keyOf(to))?.uniques ?? []),
    ...['pks', 'uniques'].flatMap((it) => due?.of(it, to).map((key) => key.columns as string[]) ?? []),
  ];
  const isKey = likely.some((it) => [...it].sort().join('\0') === [...(names as string[])].sort().join('\0'));
  return isKey || columns.length > 0 ? columns : [`unique key (${(names as string[]).join(', ')}) of "${plain(to)}"`];
}

/** Rows that point at nothing. */
function strays(fk: Row): PlanStep['precondition'] {
  const [table, to] = [
    quoted({ schema: fk.schema, name: fk.table }),
    quoted({ schema: fk.schemaTo, name: fk.tableTo }),
  ];
  const given = fk.columns.map((it: string) => `c.${ident(it)} IS NOT NULL`).join(' AND ');
  const same = fk.columns.map((it: string, i: number) => `p.${ident(fk.columnsTo[i])} = c.${ident(it)}`).join(' AND ');
  return {
    query:
      `SELECT c.* FROM ${table} c LEFT JOIN ${to} p ON ${same} WHERE ${given} ` +
      `AND p.${ident(fk.columnsTo[0])} IS NULL`,
    remedy: `Correct the rows of ${table} that point at no row of ${to}, or at another tenant's`,
  };
}
