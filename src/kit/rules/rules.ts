/**
 * What Citus refuses, checked against the schema before any SQL is written. Every fault is found in one go. A rule
 * that only matters on Citus is off when `tenancy.citus` is false.
 */
import { changesOf, isMoved, nameBefore, type Migrated } from '../changes.js';
import type { Fault, RuleName } from '../faults.js';
import { keyOf, ourNames, plain, quoted, type TableName } from '../names.js';
import { tsColumn, tsString, unquote } from '../quotes.js';
import type { Options, RuleLevel } from '../options.js';
import type { Entities, Row } from '../snapshot.js';
import type { TableState, TenancyState } from '../state.js';
import { endedNames } from './quoted-names.js';
import { refusedOn } from './refused.js';
import { drawsDefault, drawsNumbers, sequencesOf, sharedSequences } from './sequences.js';
import { isCut } from '../shards.js';
import { match, tablePattern } from '../statements.js';
import { isNamed, narrowedUniques } from './uniques.js';
import { viewsOf, type ViewReader } from './views.js';

const defaults: Partial<Record<RuleName, RuleLevel>> = {
  'setting-renamed': 'warn',
  'replica-identity': 'warn',
  'foreign-key-index': 'warn',
  'name-length': 'warn',
};

/** The tables of a schema, what they are, and how strict to be. */
export interface RuleInput {
  readonly entities: Entities;
  readonly state: TenancyState;
  readonly options: Options;
  readonly views: ViewReader;
  /** Tables that `pgTable` made of columns among which is a tenant column. */
  readonly plain: readonly (TableName & { readonly column?: string; readonly tenancy?: string })[];
}

/**
 * Looks for faults of the schema as it is.
 *
 * @returns every fault that is not switched off, sorted by table
 */
export function faultsOf({ entities, state, options, views, plain }: RuleInput): Fault[] {
  const faults = new Faults(options, state.citus);
  const kindOf = (table: TableName) => state.tables[keyOf(table)];
  for (const table of Object.values(state.tables)) {
    if (table.kind === 'tenant') tenantTableFaults(table, entities, faults);
    policyFaults(table, entities, faults);
  }
  for (const fk of entities.list('fks')) {
    foreignKeyFaults(
      fk,
      kindOf({ schema: fk.schema, name: fk.table }),
      kindOf({ schema: fk.schemaTo, name: fk.tableTo }),
      entities,
      state,
      faults,
    );
  }
  for (const { table, column, remedy, reason } of sharedSequences(entities, state))
    faults.add('sequence-type', table, column, remedy, reason);
  if (!options.foreignKeyIndexes) indexFaults(entities, state, faults);
  nameFaults(entities, state, faults);
  colocationFaults(state, faults);
  settingFaults(state, faults);
  viewFaults(entities, state, views, faults);
  for (const table of plain)
    faults.add(
      'plain-table',
      table,
      table.column ?? '-',
      `Declare it with tenantTable(), or the column with ${table.tenancy}.ref(), which makes no tenant column`,
      'pgTable() makes a plain table of it: no handle takes it, and plain Drizzle reads the rows of every tenant',
      true,
    );
  return faults.sorted();
}

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

function tenantTableFaults(table: TableState, entities: Entities, faults: Faults): void {
  const column = table.column!;
  if (table.everybody) {
    faults.add(
      'everybody',
      table,
      column,
      'Keep the rows of everybody in a referenceTable beside it',
      'Citus puts a row on the node of its tenant, and has no place for one without',
    );
  }
  const [key] = entities.of('pks', table);
  if (!key) {
    faults.add(
      'replica-identity',
      table,
      column,
      'Give the table a primary key',
      'Citus cannot move its shards while it is written to',
    );
  } else if (!key.columns.includes(column)) {
    faults.add(
      'primary-key',
      table,
      key.columns.join(', '),
      `Declare the table with tenantTable, or put "${column}" into its primary key, without unscoped()`,
      'each node can only see that a key is unique among its own rows',
    );
  }
  // In a table whose whole key is the tenant column, a unique key with that column says nothing.
  const within = key?.columns.length === 1 && key.columns[0] === column ? undefined : column;
  for (const unique of entities.of('uniques', table)) {
    if (!unique.columns.includes(column))
      uniqueFault(table, unique.columns, within, `unique constraint "${unique.name}"`, faults);
  }
  for (const index of entities.of('indexes', table)) {
    if (index.isUnique && !index.columns.some((it: any) => !it.isExpression && it.value === column)) {
      uniqueFault(
        table,
        index.columns.map((it: any) => it.value),
        within,
        `unique index "${index.name}"`,
        faults,
      );
    }
  }
  for (const it of entities.of('columns', table)) {
    const isSmall =
      /^(?:small)?serial$/.test(it.type) ||
      ((it.identity || sequencesOf(it).length > 0) && /^(?:smallint|integer|int[24]?)$/.test(it.type));
    if (isSmall) {
      faults.add(
        'sequence-type',
        table,
        it.name,
        sequencesOf(it).length > 0 ? 'Make it bigint' : 'Make it bigserial',
        'workers draw numbers from ranges of their own, which do not fit into an integer',
      );
    }
  }
}

function policyFaults(table: TableState, entities: Entities, faults: Faults): void {
  const column = table.column ?? '-';
  for (const policy of entities.of('policies', table)) {
    const expressions = [policy.using, policy.withCheck].filter((it) => typeof it === 'string');
    if (expressions.some((it) => /\bselect\b/i.test(it))) {
      faults.add(
        'policy-subquery',
        table,
        column,
        `Write the policy "${policy.name}" without a subquery, with current_setting() for what it needs`,
        'Citus refuses policies that read other tables',
      );
    }
    if (policy.as === 'RESTRICTIVE') {
      faults.add(
        'policy-restrictive',
        table,
        column,
        `Drop the policy "${policy.name}", and write its condition into the using ` +
          'and withCheck of each permissive policy of the table, with "and"; ' +
          `with none, make it permissive`,
        'Citus makes it permissive on the shards, where it lets rows through that it should hold back',
      );
    }
    if (!table.rls) continue;
    if (ourNames.includes(policy.name)) {
      faults.define(
        table,
        column,
        `Give the policy "${policy.name}" another name`,
        'row-level security has a policy of that name',
      );
    }
    if (!expressions.every(isWhole)) {
      faults.define(
        table,
        column,
        `Write the expression of the policy "${policy.name}" with plain quotes, whole parentheses and no comment`,
        'the tenant condition is put beside it',
      );
    }
  }
}

/** Put between parentheses, the expression stays between them. */
function isWhole(expression: string): boolean {
  let depth = 0;
  const token = /'(?:[^'\\]|'')*'|"(?:[^"]|"")*"|\$(?:[A-Za-z_]\w*)?\$|--|\/\*|[()'";\\]/g;
  for (const [found] of expression.matchAll(token)) {
    if (found === '(') depth++;
    else if (found === ')' && --depth < 0) return false;
    // What needs more than this to be read is written another way.
    else if (found !== ')' && !/^['"]./.test(found)) return false;
  }
  return depth === 0;
}

function uniqueFault(
  table: TableName,
  columns: readonly string[],
  within: string | undefined,
  what: string,
  faults: Faults,
): void {
  const lookUp = 'keep the value in a referenceTable that says whose it is (docs/unique-values.md)';
  faults.add(
    'unique',
    table,
    columns.join(', '),
    within === undefined ? `Drop the ${what}, and ${lookUp}` : `Put "${within}" into the ${what}, or ${lookUp}`,
    'each node can only see that a value is unique among its own rows',
  );
}

const isUniqueKey = (columns: readonly string[], table: TableName, entities: Entities) =>
  [
    ...entities.of('pks', table),
    ...entities.of('uniques', table),
    ...entities.of('indexes', table).filter((it) => it.isUnique && !it.where),
  ].some((key) => {
    const names = key.columns.map((it: any) => (typeof it === 'string' ? it : it.isExpression ? undefined : it.value));
    return names.length === columns.length && columns.every((it) => names.includes(it));
  });

function foreignKeyFaults(
  fk: Row,
  from: TableState | undefined,
  to: TableState | undefined,
  entities: Entities,
  state: TenancyState,
  faults: Faults,
): void {
  const table = { schema: fk.schema, name: fk.table };
  const target = plain({ schema: fk.schemaTo, name: fk.tableTo });
  const columns = fk.columns.join(', ');
  if (to?.kind === 'tenant' && from?.kind !== 'tenant') {
    // Without Citus, a plain table may point at what is unique over all tenants, such as the root's key.
    const isPossible = from === undefined && !state.citus && isUniqueKey(fk.columnsTo, to, entities);
    if (!isPossible) {
      faults.add(
        'foreign-key-place',
        table,
        columns,
        `Make "${plain(table)}" a tenantTable, or drop the reference to "${target}"`,
        'a table that is not split by tenant cannot point into one that is. With a tenant column, as in ' +
          `${to.tenancy}Id: ${to.tenancy}.id(), the migration adds it and fills it in from "${target}", by ${columns}`,
        true,
      );
    }
  } else if (from?.kind === 'tenant' && to === undefined) {
    faults.add(
      'foreign-key-place',
      table,
      columns,
      `Make "${target}" a referenceTable or a tenantTable, or drop the reference`,
      'its rows are on one node only, and a shard on another node cannot see them',
    );
  } else if (from?.kind === 'tenant' && to?.kind === 'tenant') {
    const at = fk.columns.indexOf(from.column);
    const isWithin = at >= 0 && fk.columnsTo[at] === to.column;
    const group = (it: TableState) => state.tenancies[it.tenancy!]?.colocateWith ?? it.tenancy;
    if (!isWithin) {
      faults.add(
        'foreign-key-tenant',
        table,
        columns,
        `Put "${from.column}" and "${to.column}" of "${target}" into the foreign key "${fk.name}", at one place`,
        'a row may only point at rows of its own tenant, which are on its own node',
      );
    } else if (group(from) !== group(to)) {
      faults.add(
        'foreign-key-place',
        table,
        columns,
        `Co-locate the tenancies with tenancy.citus.tenancies["${from.tenancy}"].colocateWith, or ` +
          `drop the reference to "${target}"`,
        `rows of "${from.tenancy}" and "${to.tenancy}" are on different nodes`,
      );
    }
  } else if (from?.kind === 'reference' && to === undefined) {
    const acts = [fk.onDelete, fk.onUpdate].some((it) => it && it !== 'NO ACTION' && it !== 'RESTRICT');
    if (acts) {
      faults.add(
        'foreign-key-action',
        table,
        columns,
        `Make "${target}" a referenceTable, or take onDelete and onUpdate off the reference`,
        'a reference table may point at a table on one node only without actions',
      );
    }
  }
  const drawn = (fk.columns as string[]).filter((it) => drawsDefault(entities.column(table, it)));
  const setsDefault = [fk.onDelete, fk.onUpdate].includes('SET DEFAULT');
  if (from && drawn.length > 0 && setsDefault && !(from.kind === 'tenant' && fk.columns.includes(from.column))) {
    faults.add(
      'foreign-key-action',
      table,
      columns,
      `Take 'set default' off the reference to "${target}"`,
      `the default of "${drawn[0]}" draws from a sequence, which Citus does not do there`,
    );
  }
  if (from?.kind === 'tenant' && fk.columns.includes(from.column)) {
    for (const [when, action] of [
      ['onDelete', fk.onDelete],
      ['onUpdate', fk.onUpdate],
    ]) {
      const refused =
        action === 'SET NULL' || action === 'SET DEFAULT' || (when === 'onUpdate' && action === 'CASCADE');
      if (refused) {
        const remedy = `Take ${when}: '${String(action).toLowerCase()}' off the reference to "${target}"`;
        const isClearing = when === 'onDelete' && action === 'SET NULL' && fk.columns.length > 1;
        if (isClearing) {
          faults.add(
            'foreign-key-action',
            table,
            columns,
            `${remedy}, and clear the column in the transaction that deletes the row`,
            'Citus has no SET NULL for a key that contains the tenant column',
          );
        } else
          faults.add(
            'foreign-key-action',
            table,
            columns,
            remedy,
            `it would change the tenant column "${from.column}"`,
          );
      }
    }
  }
}

function indexFaults(entities: Entities, state: TenancyState, faults: Faults): void {
  for (const fk of entities.list('fks')) {
    const table = { schema: fk.schema, name: fk.table };
    if (state.tables[keyOf(table)]?.kind !== 'tenant') continue;
    const indexes = [
      ...[...entities.of('pks', table), ...entities.of('uniques', table)].map((it) => it.columns as string[]),
      ...entities
        .of('indexes', table)
        .filter((it) => !it.where && it.method === 'btree')
        .map((it) => it.columns.map((column: Row) => (column.isExpression ? undefined : column.value))),
    ];
    const isIndexed = indexes.some((names) =>
      fk.columns.every((it: string) => names.slice(0, fk.columns.length).includes(it)),
    );
    if (isIndexed) continue;
    faults.add(
      'foreign-key-index',
      table,
      fk.columns.join(', '),
      `Add index().on(${fk.columns.map(tsColumn).join(', ')}), or take foreignKeyIndexes: false out of the config`,
      `deleting a row of "${plain({ schema: fk.schemaTo, name: fk.tableTo })}" reads all of "${plain(table)}"`,
      true,
    );
  }
}

/** PostgreSQL cuts a name without an error, and two that begin alike become one. */
function nameFaults(entities: Entities, state: TenancyState, faults: Faults): void {
  const names = new Map<string, string>();
  for (const type of ['tables', 'columns', 'indexes', 'uniques', 'pks']) {
    for (const it of entities.list(type)) {
      const table = { schema: it.schema, name: type === 'tables' ? it.name : it.table };
      const cut = Buffer.from(it.name).subarray(0, 63).toString();
      // Columns of two tables may have one name; tables, indexes and keys of a schema may not.
      const among = type === 'columns' ? `${it.schema}.${it.table}..${cut}` : `${it.schema}.${cut}`;
      const other = names.get(among);
      names.set(among, it.name);
      if (!state.tables[keyOf(table)] || Buffer.byteLength(it.name) <= 63) continue;
      const columns =
        it.columns?.map((column: any) => column.value ?? column).join(', ') ?? (type === 'columns' ? it.name : '-');
      if (other !== undefined)
        faults.add(
          'name-length',
          table,
          columns,
          `Give "${it.name}" a name of at most 63 bytes`,
          `PostgreSQL keeps "${cut}" of it, which is what it keeps of "${other}" too`,
          true,
          'error',
        );
      else
        faults.add(
          'name-length',
          table,
          columns,
          `Give "${it.name}" a name of at most 63 bytes`,
          `PostgreSQL keeps "${cut}" of it, and drizzle-kit knows it by the whole name`,
          true,
        );
    }
  }
}

function colocationFaults(state: TenancyState, faults: Faults): void {
  const typeOf = (tenancy: string) => Object.values(state.tables).find((it) => it.tenancy === tenancy);
  for (const [name, { colocateWith }] of Object.entries(state.tenancies)) {
    if (colocateWith === undefined) continue;
    const [a, b] = [typeOf(name), typeOf(colocateWith)];
    if (a && b && a.type !== b.type) {
      faults.add(
        'colocation-type',
        a,
        a.column!,
        `Take colocateWith off "${name}", or give both tenancies ids of one type`,
        `"${name}" has ${a.type} and "${colocateWith}" has ${b.type}`,
      );
    }
  }
}

function settingFaults(state: TenancyState, faults: Faults): void {
  const renamed = Object.values(state.tables).filter((it) => it.rls?.also);
  for (const earlier of new Set(renamed.map((it) => it.rls!.also!.setting))) {
    const of = renamed.filter((it) => it.rls!.also!.setting === earlier);
    faults.add(
      'setting-renamed',
      of[0]!,
      of[0]!.column!,
      `Set tenancy.retiredSettings to ['${earlier}'] once no program of the version before runs`,
      `the policies of ${of.length === 1 ? 'this table' : `${of.length} tables`} read ` +
        `${of[0]!.rls!.setting}, and accept ${earlier} until then`,
      true,
    );
  }
  const owners = new Map<string, string>();
  for (const table of Object.values(state.tables)) {
    if (!table.rls) continue;
    const other = owners.get(table.rls.setting) ?? table.tenancy!;
    owners.set(table.rls.setting, other);
    if (other !== table.tenancy) {
      faults.add(
        'setting-name',
        table,
        table.column!,
        `Rename the tenancy "${table.tenancy}" or "${other}"`,
        `both would read the setting ${table.rls.setting}, so that an id of one opens the rows of the other`,
        true,
      );
    }
  }
}

function viewFaults(entities: Entities, state: TenancyState, views: ViewReader, faults: Faults): void {
  const mixed = views(entities, state);
  if (!mixed) {
    const all = viewsOf(entities);
    const names = [...Object.values(state.tables).filter((it) => it.kind === 'tenant'), ...all].map((it) =>
      it.name.toLowerCase(),
    );
    for (const view of all) {
      const definition = view.definition.toLowerCase();
      const level = names.some((it) => definition.includes(it)) ? 'error' : 'warn';
      faults.add(
        'view-tenant',
        view,
        '-',
        'Install drizzle-tenant with its dependencies: libpg-query, which reads views, cannot be loaded',
        'whether this one keeps tenants apart is not known',
        true,
        level,
      );
    }
    return;
  }
  for (const view of mixed) {
    const remedy =
      view.remedy ?? 'Join its tables on their tenant columns too, and group, partition and limit within the tenant';
    faults.add('view-tenant', view, view.column, remedy, view.reason, true);
  }
}

/** Collects faults at the level that the options give their rule. */
class Faults {
  private readonly faults: Fault[] = [];

  constructor(
    private readonly options: Options,
    private readonly onCitus: boolean,
  ) {}

  add(
    rule: RuleName,
    table: TableName,
    column: string,
    remedy: string,
    reason: string,
    everywhere = false,
    byDefault: RuleLevel = defaults[rule] ?? 'error',
  ): void {
    const level = this.options.rules[rule] ?? byDefault;
    if (level === 'off' || (!everywhere && !this.onCitus)) return;
    this.faults.push({ rule, table: plain(table), column, remedy, reason, level });
  }

  /** A definition that can never work: no option lets it pass. */
  define(table: TableName, column: string, remedy: string, reason: string): void {
    this.faults.push({ rule: 'definition', table: plain(table), column, remedy, reason, level: 'error' });
  }

  sorted(): Fault[] {
    return this.faults.sort((a, b) => (a.table === b.table ? 0 : a.table < b.table ? -1 : 1));
  }
}
