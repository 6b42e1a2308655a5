/** What Citus refuses to do to tables that it already holds, and what a change would mean for their rows. */
import { changesOf, isMoved, type Migrated, nameBefore } from '../changes.js';
import type { Fault } from '../faults.js';
import { keyOf, quoted, type TableName } from '../names.js';
import type { Options } from '../options.js';
import { tsColumn, tsString, unquote } from '../quotes.js';
import { isCut } from '../shards.js';
import { match, tablePattern } from '../statements.js';
import { Faults } from './found.js';
import { endedNames } from './quoted-names.js';
import { refusedOn } from './refused.js';
import { drawsNumbers } from './sequences.js';
import { isNamed, narrowedUniques } from './uniques.js';

/** Looks for faults of a change: what Citus refuses to do to tables that it already holds. */
export function changeFaults(drizzle: readonly string[], migrated: Migrated, options: Options): Fault[] {
  const faults = new Faults(options, migrated.next.citus && migrated.prev.citus);
  for (const change of changesOf(migrated)) {
    if (change.isNew || isMoved(change) || change.to.kind === 'local') continue;
    const { table, was, is } = change;
    if (is?.column && was?.type !== is.type) {
      faults.add(
        'tenant-column-type',
        table,
        is.column,
        'Keep its type, or add a new tenancy column and move the rows to it',
        `Citus does not change the type of a distribution column (${was?.type} to ${is.type})`,
      );
    }
    const name = quoted(table);
    for (const statement of drizzle) {
      const found = refusedOn(name, statement);
      if (found) faults.add('citus-statement', table, found.at, found.refused.remedy, found.refused.reason);
      const retyped = setType.exec(statement);
      const retypedColumn = retyped ? unquote(retyped[2]!) : '';
      if (
        retyped?.[1] === name &&
        // Whose default goes first draws no longer.
        !drizzle.includes(`ALTER TABLE ${name} ALTER COLUMN ${retyped[2]} DROP DEFAULT;`) &&
        drawsNumbers(migrated.before.column(nameBefore(table, migrated.after) ?? table, retypedColumn))
      ) {
        faults.add(
          'citus-statement',
          table,
          retypedColumn,
          'Keep its type, or add a new column beside it and copy the values',
          'Citus does not change the type of a column that draws from a sequence',
        );
      }
      const defaulted = changesDefault.exec(statement);
      if (defaulted?.[1] === name && is?.column && unquote(defaulted[2]!) === is.column) {
        faults.add(
          'citus-statement',
          table,
          is.column,
          defaulted[3] === 'SET'
            ? 'Give new rows their id by $defaultFn, which needs no migration, or in the application'
            : 'Keep the default of the tenant column: a value that is given goes before it',
          'Citus does not change a distribution column, nor its default',
        );
      }
      const added = match('addColumn', statement);
      if (!added || !/" (?:small|big)?serial\b| GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY/.test(statement)) continue;
      if (added.table !== name) continue;
      faults.add(
        'add-sequence',
        table,
        added.name,
        'Add a uuid column, or create a new table with the column and copy the rows',
        'Citus adds no serial or identity column to a table that it already holds',
      );
    }
  }
  const held = new Set(
    changesOf(migrated)
      .filter((it) => !it.isNew && !isMoved(it) && it.to.kind !== 'local')
      .map((it) => keyOf(it.table)),
  );
  for (const statement of drizzle) {
    const name = changedSequence.exec(statement)?.[1];
    const user =
      name &&
      migrated.after
        .list('columns')
        .find(
          (it) =>
            held.has(keyOf({ schema: it.schema, name: it.table })) &&
            typeof it.default === 'string' &&
            it.default.includes('nextval(') &&
            it.default.includes(name.replaceAll('"', '')),
        );
    if (user)
      faults.add(
        'citus-statement',
        { schema: user.schema, name: user.table },
        user.name,
        `Keep the sequence ${name} as it was declared first, or make another`,
        'Citus does not change a sequence that a table draws from',
      );
  }
  for (const { table, column, name } of endedNames(drizzle, migrated))
    faults.add(
      'name-quote',
      table,
      column,
      `Take the double quote out of the name ${name}`,
      'drizzle-kit writes it as it is, and PostgreSQL takes it for the end of the name',
      true,
    );
  growFaults(migrated, options.online, faults);
  for (const { table, was, is } of changesOf(migrated)) {
    if (!was?.rls || !is?.rls || [is.rls.setting, is.rls.also?.setting].includes(was.rls.setting)) continue;
    faults.add(
      'setting-renamed',
      table,
      is.column ?? '-',
      'Stop the instances of the version before while the migration runs, or deploy in a window',
      `they set ${was.rls.setting}, and the policies will read ${is.rls.setting}: they would see no rows`,
      true,
    );
  }
  return faults.sorted();
}

const setType = new RegExp(`^ALTER TABLE (${tablePattern}) ALTER COLUMN ("(?:[^"]|"")*") SET DATA TYPE`);

const changesDefault = new RegExp(`^ALTER TABLE (${tablePattern}) ALTER COLUMN ("(?:[^"]|"")*") (SET|DROP) DEFAULT`);

const changedSequence = /^ALTER SEQUENCE ("(?:[^"]|"")*"(?:\."(?:[^"]|"")*")?) (?!RENAME|SET SCHEMA|OWNED)/;

/**
 * A table that goes to another place, or is split anew with its group, is copied: Citus copies no table with an
 * identity. Shards that are only cut keep their tables.
 */
function growFaults(migrated: Migrated, online: boolean, faults: Faults): void {
  const waiting = new Map<string, { table: TableName; column: string; before: number; now: number }>();
  for (const change of changesOf(migrated)) {
    const { table, was, is, isNew, to, from } = change;
    if (isNew) continue;
    const identities = migrated.after.of('columns', table).filter((it) => it.identity);
    if (isMoved(change)) {
      if (from.kind === 'local') continue;
      const [left, wanted] = [from, to].map((it) => (it.kind === 'tenant' ? it.column : it.kind));
      for (const column of identities) {
        faults.add(
          'grow',
          table,
          column.name,
          `Keep the table as it is, or copy the rows to a new table whose "${column.name}" is a bigserial`,
          `Citus does not copy a table with an identity column, and this one goes from ${left} to ${wanted}`,
        );
      }
      if (online && identities.length === 0)
        faults.add(
          'grow',
          table,
          is?.column ?? '-',
          'Run the migrations when writes to the table may wait, or copy its rows to a new table in the application',
          `it goes from ${left} to ${wanted}, for which Citus has no way without a pause`,
          false,
          'warn',
        );
      continue;
    }
    if (to.kind !== 'tenant') continue;
    const [before, now] = [
      migrated.prev.tenancies[was!.tenancy!]?.shardCount,
      migrated.next.tenancies[is!.tenancy!]?.shardCount,
    ];
    if (before === undefined || now === undefined || before === now) continue;
    const canBeCut = isCut(before, now);
    if (online && canBeCut) continue;
    if (online && !waiting.has(to.group)) waiting.set(to.group, { table, column: to.column, before, now });
    for (const column of identities) {
      faults.add(
        'grow',
        table,
        column.name,
        (canBeCut
          ? `Set tenancy.online to true, so that apply cuts the shards`
          : `Keep shardCount at ${before}, or make it ${before * 2} with tenancy.online, so that apply cuts ` +
            'the shards') + `; or copy the rows to a new table whose "${column.name}" is a bigserial`,
        'Citus does not copy a table with an identity column, and splits all tables of a group together',
      );
    }
  }
  for (const { table, column, before, now } of waiting.values())
    faults.add(
      'grow',
      table,
      column,
      `Keep shardCount at ${before}, or make it ${before * 2}, so that apply cuts the shards; ` +
        'or run apply when writes may wait',
      `the tables of the group are copied to ${now} shards, for which Citus has no way without a pause`,
      false,
      'warn',
    );
}

/** Looks for unique keys that mean less after an adoption. */
export function uniqueFaults(migrated: Migrated, options: Options): Fault[] {
  const faults = new Faults(options, migrated.next.citus);
  for (const it of narrowedUniques(migrated)) {
    if (isNamed(it, options.uniquePerTenant)) continue;
    const keep = migrated.next.citus
      ? 'a referenceTable (docs/unique-values.md)'
      : `unscoped(unique().on(${it.columns.map(tsColumn).join(', ')}))`;
    faults.add(
      'unique-meaning',
      it.table,
      it.columns.join(', '),
      `Keep it unique over all tenants with ${keep}, or set tenancy.uniquePerTenant ` +
        `to [${tsString(it.name)}] if each tenant may have its own`,
      'it was unique over all rows, and would only be unique within each tenant',
      true,
    );
  }
  return faults.sorted();
}
