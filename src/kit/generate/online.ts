/**
 * `tenancy.online`: a migration that holds no table with rows for long. It keeps what is done at once, and leaves the
 * rest to `drizzle-tenant apply`. Whether there are rows is asked when it runs: in an empty database, as in tests and
 * CI, the same file does all of it.
 */
import { tenantFills, unfilled } from './backfill.js';
import { changesOf, isAdopted, isMoved, nameBefore, renamedColumn, type Migrated } from '../changes.js';
import { asideName, droppedIndex, readCreateIndex } from './indexes.js';
import { lockBlock } from './lock-block.js';
import { ident, keyOf, literal, quoted, type TableName } from '../names.js';
import type { Drop, Fill, OnlineSteps } from '../online.js';
import type { Row } from '../snapshot.js';
import { marker } from '../state.js';
import { match, tablePattern } from '../statements.js';
import { dollar, doBlock, namesIn } from '../quotes.js';
import { uniqueKeys } from './unique-keys.js';

/** What becomes of one statement. */
interface Split {
  /** Runs in the migration, whether there are rows or not. */
  readonly now?: readonly string[];
  /** Runs in the migration where there are no rows, and is otherwise what `apply` finds to do. */
  readonly later?: readonly string[];
}

const now = (...statements: string[]): Split => ({ now: statements });
const later = (...statements: string[]): Split => ({ later: statements });

/**
 * @param statements the whole migration, as it would be without `online`
 * @returns the migration, and what it leaves; nothing where it holds no table for long
 */
export function leaveForLater(
  statements: readonly string[],
  migrated: Migrated,
): { statements: string[]; left?: OnlineSteps } {
  const [header, ...rest] = statements;
  if (!header?.startsWith(marker)) return { statements: [...statements] };
  const it = new Splitter(migrated);
  const parts = rest.map((statement) => ({ statement, split: it.split(statement, rest) }));
  const kept = parts.flatMap(({ split }) => split.now ?? []);
  const body: string[] = [];
  let group: string[] = [];
  const close = () => {
    if (group.length > 0) body.push(whereEmpty(group));
    group = [];
  };
  for (const { split } of parts) {
    if (split.now) {
      close();
      body.push(...split.now);
    }
    group.push(...(split.later ?? []));
  }
  close();
  const isLeft = parts.some(({ split }) => split.later);
  return {
    statements: [
      it.isCutLater ? `${header}\n-- "npx drizzle-tenant apply" cuts the shards.` : header,
      ...(isLeft ? [it.asksForRows()] : []),
      ...lockBlock(kept, it.existing, migrated.next.citus || migrated.prev.citus),
      ...body,
    ],
    ...(isLeft && { left: { fills: it.fills, drops: it.drops, indexes: it.indexes } }),
  };
}

const setting = 'drizzle_tenant.later';

function whereEmpty(statements: readonly string[]): string {
  return [
    '-- Left to "npx drizzle-tenant apply" where the tables have rows.',
    doBlock('later', [
      'BEGIN',
      `\tIF current_setting('${setting}') = 'on' THEN RETURN; END IF;`,
      ...statements.map((it) => `\tEXECUTE ${dollar('step', it)};`),
      'END',
    ]),
  ].join('\n');
}

const names = new RegExp(
  '^(?:ALTER TABLE|(?:CREATE|DROP|ALTER) POLICY "(?:[^"]|"")*" ' +
    `ON) (${tablePattern})(?: (?:NO FORCE|FORCE|ENABLE) ROW| |;)`,
);
const isPolicy = /^(?:(?:CREATE|DROP|ALTER) POLICY |ALTER TABLE .* (?:NO FORCE|FORCE|ENABLE) ROW LEVEL SECURITY;$)/;

class Splitter {
  readonly fills: Fill[] = [];
  readonly drops: Drop[] = [];
  readonly indexes: string[] = [];
  /** Tables that exist before, by their names after, as they are quoted. */
  readonly existing = new Map<string, { table: TableName; old: TableName }>();
  private readonly rewritten: ReadonlySet<string>;
  private readonly placing: boolean;
  private readonly placed: ReadonlySet<string>;
  private readonly fillTexts: ReadonlySet<string>;
  /**
   * Indexes that change in what no comparison with a database shows, such as an expression: they change in the
   * migration.
   */
  private readonly inPlace: ReadonlySet<string>;
  /** Whether shards are left to `apply` in an empty database too. */
  isCutLater = false;
  /** The tables whose rows are asked for, by their names before. */
  private readonly touched = new Map<string, TableName>();

  constructor(private readonly migrated: Migrated) {
    const { after } = migrated;
    for (const row of after.list('tables')) {
      const table = { schema: row.schema, name: row.name };
      const old = nameBefore(table, after);
      if (old) this.existing.set(quoted(table), { table, old });
    }
    this.inPlace = changedUnseen(migrated);
    const changes = changesOf(migrated);
    const moved = changes.filter(isMoved);
    this.placing = moved.length > 0;
    this.placed = new Set(
      this.placing ? changes.filter((it) => it.isNew || isMoved(it)).map((it) => quoted(it.table)) : [],
    );
    this.rewritten = new Set(changes.filter((it) => isMoved(it) || isAdopted(it, after)).map((it) => quoted(it.table)));
    for (const it of moved) this.touch(quoted(it.table));
    const fills = tenantFills(unfilled(changes, migrated), changes, migrated);
    this.fillTexts = new Set(fills.flatMap((it) => it.updates));
    for (const { change, updates } of fills) {
      const { schema, name } = change.table;
      const column = change.is!.column!;
      this.fills.push({ schema, table: name, column, updates, ...toFill(change.table, column, change.is!.everybody) });
      this.touch(quoted(change.table));
    }
  }

  private touch(table: string): void {
    const found = this.existing.get(table);
    if (found) this.touched.set(keyOf(found.old), found.old);
  }

  split(statement: string, all: readonly string[]): Split {
    const text = statement.replace(/^(?:--[^\n]*\n)+/, '');
    if (this.fillTexts.has(text) || statement.startsWith('-- Stops when rows of ')) return later(statement);
    if (statement.startsWith('-- Citus: split the tables anew')) return this.reshard(statement);
    if (statement.startsWith('-- Citus: ')) return this.placing ? later(statement) : now(statement);
    if ([...this.inPlace].some((it) => statement.startsWith(`-- Keeps ${ident(it)} `))) return now(statement);
    if (statement.startsWith('-- Stops where a concurrent build ') || statement.startsWith('-- Keeps "'))
      return later(statement);
    return this.index(statement) ?? this.constraint(statement, all) ?? this.column(statement) ?? this.other(statement);
  }

  /**
   * Citus rewrites the tables of a group when it splits them anew: a step of its own. It copies no identity, so that
   * shards of such tables are only cut, which no transaction may do that did anything else.
   */
  private reshard(statement: string): Split {
    const hasIdentity = this.migrated.after
      .list('columns')
      .some((it) => it.identity && statement.includes(`${literal(tableOf(it))}::regclass`));
    if (hasIdentity) {
      this.isCutLater = true;
      return {};
    }
    for (const it of Object.values(this.migrated.next.tables)) if (it.kind === 'tenant') this.touch(quoted(it));
    return later(statement);
  }

  private index(statement: string): Split | undefined {
    const created = readCreateIndex(statement);
    if (created) {
      if (!this.existing.has(created.table) || this.inPlace.has(created.name)) return now(statement);
      this.touch(created.table);
      this.indexes.push(statement.replace('INDEX IF NOT EXISTS ', 'INDEX '));
      return later(statement.replace('INDEX CONCURRENTLY ', 'INDEX '));
    }
    const dropped = droppedIndex(statement);
    if (!dropped) return undefined;
    const { schema, name } = nameOf(dropped);
    const { before, after } = this.migrated;
    if ([...this.inPlace].some((it) => it === name || asideName(it, 'old') === name)) return now(statement);
    const old = before.list('indexes').find((it) => it.schema === schema && it.name === name);
    // What was renamed aside is no index of the snapshot.
    if (!old) return later(statement);
    const table = after.moved.get(keyOf({ schema, name: old.table }));
    if (table) this.touch(quoted(table));
    if (!after.list('indexes').some((it) => it.schema === schema && it.name === name))
      this.drops.push({ schema, index: name });
    return later(statement);
  }

  private constraint(statement: string, all: readonly string[]): Split | undefined {
    const { after, before } = this.migrated;
    const dropped = match('dropConstraint', statement);
    const at = dropped && this.existing.get(dropped.table);
    if (dropped && at) {
      const { schema, name: table } = at.table;
      const was = (kind: string) => before.of(kind, at.old).some((it) => it.name === dropped.name);
      const isKey = was('pks') || was('uniques');
      if (!isKey && !this.rewritten.has(dropped.table)) return now(ifExists(statement));
      this.touch(dropped.table);
      const isAddedAgain = all.some(
        (it) =>
          it !== statement && it.startsWith(`ALTER TABLE ${dropped.table} ADD CONSTRAINT ${ident(dropped.name)} `),
      );
      const hasNewKey = was('pks') && after.of('pks', at.table).length > 0;
      if (!isAddedAgain && !hasNewKey) this.drops.push({ schema, table, constraint: dropped.name });
      return later(ifExists(statement));
    }
    const added = match('addForeignKey', statement);
    if (added) return this.foreignKey(statement, added.table, added.name);
    const key = match('addKey', statement);
    const check = match('addCheck', statement);
    const on = key?.table ?? check?.table;
    if (on === undefined || !this.existing.has(on)) return undefined;
    this.touch(on);
    if (key) return later(statement);
    return {
      now: [statement.replace(/;$/, ' NOT VALID;')],
      later: [`ALTER TABLE ${on} VALIDATE CONSTRAINT ${ident(check!.name)};`],
    };
  }

  /** Holds for new rows at once, where the key that it leads to is there already; old rows are checked later. */
  private foreignKey(statement: string, table: string, name: string): Split {
    const { after } = this.migrated;
    const fk = after.list('fks').find((it) => it.name === name && tableOf(it) === table);
    const to = fk && { schema: fk.schemaTo as string, name: fk.tableTo as string };
    const isNew = !this.existing.has(table);
    const isNewTo = to !== undefined && !this.existing.has(quoted(to));
    const hasKey =
      to !== undefined &&
      uniqueKeys(to, this.migrated).some((it) => [...it].sort().join('\0') === [...fk!.columnsTo].sort().join('\0'));
    const moves = [table, to && quoted(to)].some((it) => it && (this.placed.has(it) || this.rewritten.has(it)));
    if (to) this.touch(quoted(to));
    this.touch(table);
    if (!fk || moves || !(hasKey || isNewTo)) return later(statement);
    if (isNew) return now(statement);
    return {
      now: [statement.replace(/;$/, ' NOT VALID;')],
      later: [`ALTER TABLE ${table} VALIDATE CONSTRAINT ${ident(name)};`],
    };
  }

  private column(statement: string): Split | undefined {
    const notNull = match('setNotNull', statement);
    if (notNull) {
      if (!this.existing.has(notNull.table)) return undefined;
      this.touch(notNull.table);
      return later(statement);
    }
    const dropped = match('dropColumn', statement);
    if (dropped && this.rewritten.has(dropped.table)) {
      const { schema, name: table } = this.existing.get(dropped.table)!.table;
      this.touch(dropped.table);
      this.drops.push({ schema, table, column: dropped.name });
      return later(statement);
    }
    const added = match('addColumn', statement);
    const at = added && this.existing.get(added.table);
    if (!added || !at || / PRIMARY KEY| GENERATED /.test(statement)) return undefined;
    const row = this.migrated.after.column(at.table, added.name);
    if (!row?.notNull || !/ NOT NULL;$/.test(statement) || /^(?:small|big)?serial/.test(row.type)) return undefined;
    const setNotNull = `ALTER TABLE ${added.table} ALTER COLUMN ${ident(added.name)} SET NOT NULL;`;
    const set = this.valueOf(row, at.table);
    if (set === undefined) return undefined;
    this.touch(added.table);
    // The tenant column of old rows is filled in by what they point at, which is a fill already.
    const isTenant = this.fills.some(
      (it) => it.schema === at.table.schema && it.table === at.table.name && it.column === added.name,
    );
    const update =
      `UPDATE ${added.table} SET ${ident(added.name)} = DEFAULT WHERE ${added.table}.${ident(added.name)} IS ` + 'NULL';
    const { schema, name: table } = at.table;
    if (!isTenant)
      this.fills.push({
        schema,
        table,
        column: added.name,
        updates: set === 'default' ? [update] : [],
        ...toFill(at.table, added.name),
      });
    const plain = statement.replace(/ NOT NULL;$/, ';');
    if (set === 'nothing') return { now: [plain], later: [setNotNull] };
    const [, byDefault] = / (DEFAULT [\s\S]*);$/.exec(plain) ?? [];
    if (byDefault === undefined) return undefined;
    return {
      now: [
        plain.replace(` ${byDefault}`, ''),
        `ALTER TABLE ${added.table} ALTER COLUMN ${ident(added.name)} SET ${byDefault};`,
      ],
      later: [setNotNull],
    };
  }

  /** Whence old rows get the column's value; undefined where adding it takes no time, or cannot be done otherwise. */
  private valueOf({ default: value }: Row, table: TableName): 'nothing' | 'default' | undefined {
    if (value === null || value === undefined) return 'nothing';
    const isConstant =
      !/\w\s*\(/.test(String(value).replace(/'(?:[^']|'')*'/g, '')) || /^now\(\)$/i.test(String(value));
    // Citus takes no function that may give another value to each row in an UPDATE.
    const isHeld = this.migrated.next.citus && this.migrated.next.tables[keyOf(table)] !== undefined;
    return isConstant || isHeld ? undefined : 'default';
  }

  private other(statement: string): Split {
    const table = names.exec(statement)?.[1];
    return table !== undefined && this.rewritten.has(table) && isPolicy.test(statement)
      ? later(statement)
      : now(statement);
  }

  asksForRows(): string {
    return [
      `-- Where one of these tables has rows, what would hold them for long is left to "npx drizzle-tenant apply".`,
      doBlock('later', [
        'BEGIN',
        `\tPERFORM set_config(${literal(setting)}, 'off', true);`,
        ...[...this.touched.values()].map(
          (it) =>
            `\tPERFORM FROM ${quoted(it)} LIMIT 1;\n\tIF FOUND THEN PERFORM ` +
            `set_config(${literal(setting)}, 'on', true); END IF;`,
        ),
        'END',
      ]),
    ].join('\n');
  }
}

/** Under the same name, and alike in all that is compared; columns by what they were called. */
function changedUnseen({ before, after }: Migrated): Set<string> {
  const look = (row: Row, at?: TableName) =>
    JSON.stringify([
      row.columns.map((it: Row) => [
        it.isExpression ? null : at ? renamedColumn(after, at, it.value) : it.value,
        it.asc,
        it.nullsFirst,
      ]),
      row.isUnique,
      row.method,
      Boolean(row.where),
    ]);
  const whole = (row: Row) => JSON.stringify([row.columns, row.where, row.with, row.method, row.isUnique]);
  return new Set(
    after.list('indexes').flatMap((row) => {
      const at = { schema: row.schema as string, name: row.table as string };
      const was = before.list('indexes').find((it) => it.schema === row.schema && it.name === row.name);
      return was && whole(was) !== whole(row) && look(was, at) === look(row) ? [row.name as string] : [];
    }),
  );
}

const tableOf = (fk: Row) => quoted({ schema: fk.schema, name: fk.table });
const ifExists = (statement: string) => statement.replace(' DROP CONSTRAINT ', ' DROP CONSTRAINT IF EXISTS ');

function nameOf(text: string): TableName {
  const parts = namesIn(text);
  return parts.length === 2 ? { schema: parts[0]!, name: parts[1]! } : { schema: 'public', name: parts[0]! };
}

function toFill(table: TableName, column: string, everybody = false): Pick<Fill, 'remedy' | 'optional'> {
  const example = `UPDATE ${quoted(table)} SET ${ident(column)} = ... WHERE ${quoted(table)}.${ident(column)} IS NULL`;
  return {
    remedy:
      `Write the update that sets ${column} of every row of ${table.name} into "updates" of its ` +
      `online.json, such as ${example}` +
      (everybody ? `; or set "optional": true beside it, where rows without a tenant are to be everybody's` : ''),
  };
}
