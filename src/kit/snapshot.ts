/**
 * What drizzle-kit's snapshots say about the tables. `drizzle-kit/api-postgres` can reconstruct a snapshot too, but
 * only asynchronously, and loading it takes longer than the whole of `generate`; drizzle-kit writes the migration
 * synchronously. The tests hold this against drizzle-kit's own reconstruction.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MigrationFolderError } from './errors.js';
import { keyOf, type TableName } from './names.js';

/** One entity of a snapshot: a table, a column, a foreign key... with drizzle-kit's own fields. */
export type Row = { readonly entityType: string; [field: string]: any };

type Delta = { readonly op: string; readonly row?: Row; readonly key?: string; readonly set?: Record<string, unknown> };

export interface Snapshot {
  readonly id: string;
  readonly prevIds: readonly string[];
  readonly type?: 'base' | 'diff';
  readonly version: string;
  readonly ddl?: readonly Row[];
  readonly deltas?: readonly Delta[];
}

/** A migration folder: its name, and its snapshot. */
export interface Migration {
  readonly folder: string;
  readonly path: string;
  readonly snapshot: Snapshot;
}

export const origin = '00000000-0000-0000-0000-000000000000';

/**
 * Reads the migrations in `out`, in the order of their names. A folder that is not there holds none.
 *
 * @throws MigrationFolderError for a migration of which a file is lost, or that cannot be read
 */
export function readMigrations(out: string): Migration[] {
  if (!existsSync(out)) return [];
  return readdirSync(out)
    .filter((folder) => isMigration(join(out, folder)))
    .sort()
    .map((folder) => {
      const path = join(out, folder);
      return {
        folder,
        path,
        snapshot: parseSnapshot(readFileSync(join(path, 'snapshot.json'), 'utf8'), join(path, 'snapshot.json')),
      };
    });
}

/** What drizzle-kit migrate runs, in its order. A folder that a person made has no snapshot, and is run as well. */
export function foldersToRun(out: string): Pick<Migration, 'folder' | 'path'>[] {
  if (!existsSync(out)) return [];
  return readdirSync(out)
    .filter((folder) => existsSync(join(out, folder, 'migration.sql')))
    .sort()
    .map((folder) => ({ folder, path: join(out, folder) }));
}

/** A folder with a `migration.sql` alone is one that a person made: drizzle-kit runs it without knowing its tables. */
function isMigration(path: string): boolean {
  const lost = (file: string, other: string) => {
    throw new MigrationFolderError(
      `Restore ${join(path, file)} from git: ${other} beside it was written together with it.`,
    );
  };
  const [hasSnapshot, hasSql] = ['snapshot.json', 'migration.sql'].map((it) => existsSync(join(path, it)));
  if (hasSnapshot && !hasSql) lost('migration.sql', 'the snapshot.json');
  if (!hasSnapshot && existsSync(join(path, 'tenancy.json'))) lost('snapshot.json', 'the tenancy.json');
  return hasSnapshot!;
}

/** @throws MigrationFolderError when the text is not a snapshot that this version can read */
export function parseSnapshot(text: string, path: string): Snapshot {
  let raw: any;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new MigrationFolderError(`Restore ${path} from git: it is not JSON.`);
  }
  if (typeof raw?.id !== 'string' || !Array.isArray(raw.prevIds)) {
    throw new MigrationFolderError(`Restore ${path} from git: it is not a snapshot of drizzle-kit.`);
  }
  if (raw.version !== '9' || (!Array.isArray(raw.ddl) && !Array.isArray(raw.deltas))) {
    throw new MigrationFolderError(
      `Run "npx drizzle-kit up": ${path} has format ${raw.version}, and drizzle-tenant reads format 9.`,
    );
  }
  return raw;
}

/** The ids of the newest migration of each branch, the newest folder first. */
export function leavesOf(migrations: readonly Migration[]): string[] {
  const parents = new Set(migrations.flatMap((it) => it.snapshot.prevIds));
  return migrations
    .map((it) => it.snapshot.id)
    .filter((id) => !parents.has(id))
    .reverse();
}

/** The tables as they were after the given migrations. */
export function entitiesAt(migrations: readonly Migration[], ids: readonly string[]): Entities {
  const byId = new Map(migrations.map((it) => [it.snapshot.id, it.snapshot]));
  const lookup = (id: string) => {
    const found = byId.get(id);
    if (!found)
      throw new MigrationFolderError(`Restore the migration with the snapshot ${id} from git: a later one needs it.`);
    return found;
  };
  const history = (start: readonly string[], known: ReadonlySet<string> = new Set()) => {
    const found = new Set<string>();
    const open = [...start];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (id === origin || found.has(id) || known.has(id)) continue;
      found.add(id);
      open.push(...lookup(id).prevIds);
    }
    return found;
  };
  const applyOthers = (entities: Entities, prevIds: readonly string[]) => {
    const rest = history(prevIds.slice(1), history(prevIds.slice(0, 1)));
    for (const [id, snapshot] of byId) if (rest.has(id)) entities.apply(snapshot.deltas ?? []);
  };
  const first = ids[0] ?? origin;
  if (first === origin) return new Entities([]);
  const diffs: Snapshot[] = [];
  let snapshot = lookup(first);
  while (!snapshot.ddl) {
    diffs.push(snapshot);
    snapshot = lookup(snapshot.prevIds[0] ?? origin);
  }
  const entities = new Entities(snapshot.ddl);
  for (const diff of diffs.reverse()) {
    if (diff.prevIds.length > 1) applyOthers(entities, diff.prevIds);
    entities.apply(diff.deltas!);
  }
  if (ids.length > 1) applyOthers(entities, ids);
  return entities;
}

const identities: Record<string, readonly string[]> = {
  schemas: ['name'],
  tables: ['schema', 'name'],
  enums: ['schema', 'name'],
  indexes: ['schema', 'name'],
  sequences: ['schema', 'name'],
  views: ['schema', 'name'],
  roles: ['name'],
  privileges: ['schema', 'table', 'grantor', 'grantee', 'type'],
};
const inTable = ['schema', 'table', 'name'];

const identityOf = (row: Row): string =>
  `${row.entityType}\0${JSON.stringify((identities[row.entityType] ?? inTable).map((field) => row[field]))}`;

const quotedName = `"((?:[^"]|"")*)"`;
const quotedTable = `(?:${quotedName}\\.)?${quotedName}`;
const renameTable = new RegExp(`^ALTER TABLE ${quotedTable} RENAME TO ${quotedName}`);
const setSchema = new RegExp(`^ALTER TABLE ${quotedTable} SET SCHEMA ${quotedName}`);
const renameColumn = new RegExp(`^ALTER TABLE ${quotedTable} RENAME COLUMN ${quotedName} TO ${quotedName}`);
const renameSchema = new RegExp(`^ALTER SCHEMA ${quotedName} RENAME TO ${quotedName}`);
const dropTable = new RegExp(`^DROP TABLE ${quotedTable}`);

function parseRename(statement: string): { key: string; set: Record<string, unknown> } | undefined {
  const table = renameTable.exec(statement) ?? setSchema.exec(statement);
  if (table) {
    const key = identityOf({ entityType: 'tables', schema: table[1] ?? 'public', name: table[2] });
    return { key, set: renameTable.test(statement) ? { name: table[3] } : { schema: table[3] } };
  }
  const column = renameColumn.exec(statement);
  if (column) {
    return {
      key: identityOf({ entityType: 'columns', schema: column[1] ?? 'public', table: column[2], name: column[3] }),
      set: { name: column[4] },
    };
  }
  const schema = renameSchema.exec(statement);
  return schema ? { key: identityOf({ entityType: 'schemas', name: schema[1] }), set: { name: schema[2] } } : undefined;
}

function parseDropTable(statement: string): TableName | undefined {
  const table = dropTable.exec(statement);
  return table ? { schema: table[1] ?? 'public', name: table[2]! } : undefined;
}

function groupByTable(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.entityType}\0${row.schema}\0${row.table}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}

/** The entities of a snapshot. Renames carry to what holds the old name, as drizzle-kit does it. */
export class Entities {
  private rows: Row[];
  /** Made when it is first asked for, and again after a change. */
  private byTable: Map<string, Row[]> | undefined;
  /** Where each table that existed at the start is now, by its first key; undefined once it is dropped. */
  readonly moved = new Map<string, TableName | undefined>();
  /** Column renames: the table's present key and the column's present name, to its first name. */
  readonly renamedColumns = new Map<string, string>();

  constructor(rows: readonly Row[]) {
    this.rows = rows.map((row) => ({ ...row }));
  }

  /** A copy whose `moved` and `renamedColumns` start afresh. */
  copy(): Entities {
    const copy = new Entities(this.rows);
    for (const table of this.list('tables'))
      copy.moved.set(keyOf(table as any), { schema: table.schema, name: table.name });
    return copy;
  }

  /** Every entity. */
  all(): readonly Row[] {
    return this.rows;
  }

  list(entityType: string): Row[] {
    return this.rows.filter((row) => row.entityType === entityType);
  }

  /** The entities of one type in one table. */
  of(entityType: string, table: TableName): Row[] {
    this.byTable ??= groupByTable(this.rows);
    return this.byTable.get(`${entityType}\0${table.schema}\0${table.name}`) ?? [];
  }

  column(table: TableName, name: string): Row | undefined {
    return this.of('columns', table).find((row) => row.name === name);
  }

  has(table: TableName): boolean {
    return this.list('tables').some((row) => row.schema === table.schema && row.name === table.name);
  }

  apply(deltas: readonly Delta[]): this {
    this.byTable = undefined;
    for (const delta of deltas) {
      if (delta.op === 'create') this.rows.push({ ...delta.row! });
      else if (delta.op === 'drop') {
        const dropped = this.rows.filter((row) => identityOf(row) === delta.key);
        this.rows = this.rows.filter((row) => !dropped.includes(row));
        for (const row of dropped) if (row.entityType === 'tables') this.move(row as any, undefined);
      } else {
        const row = this.rows.find((it) => identityOf(it) === delta.key);
        if (row) this.update(row, delta.set ?? {});
      }
    }
    return this;
  }

  /** Follows the renames that drizzle-kit's statements make, for callers that have no deltas. */
  follow(statements: readonly string[]): this {
    for (const statement of statements) {
      const renamed = parseRename(statement);
      const row = renamed && this.rows.find((it) => identityOf(it) === renamed.key);
      if (row) this.apply([{ op: 'rename', key: renamed.key, set: renamed.set }]);
      const dropped = row ? undefined : parseDropTable(statement);
      if (dropped) this.apply([{ op: 'drop', key: identityOf({ entityType: 'tables', ...dropped }) }]);
    }
    return this;
  }

  /** The same moves, with the rows of another snapshot. */
  withRows(rows: readonly Row[]): this {
    this.byTable = undefined;
    this.rows = rows.map((row) => ({ ...row }));
    return this;
  }

  private update(row: Row, set: Record<string, unknown>): void {
    const old = { ...row };
    Object.assign(row, set);
    if (identityOf(old) === identityOf(row)) return;
    if (row.entityType === 'schemas') {
      for (const it of this.rows) {
        if (it === row) continue;
        if (it.schemaTo === old.name) it.schemaTo = row.name;
        if (it.typeSchema === old.name) it.typeSchema = row.name;
        if (it.schema !== old.name) continue;
        const before = { ...it };
        it.schema = row.name;
        if (it.entityType === 'tables') this.move(before as any, it as any);
      }
    } else if (row.entityType === 'tables') {
      for (const it of this.rows) {
        if (it.schema === old.schema && it.table === old.name)
          Object.assign(it, { schema: row.schema, table: row.name });
        if (it.schemaTo === old.schema && it.tableTo === old.name)
          Object.assign(it, { schemaTo: row.schema, tableTo: row.name });
      }
      this.move(old as any, row as any);
    } else if (row.entityType === 'columns') {
      const renameIn = (names: any[]) =>
        names.map((it) =>
          typeof it === 'string'
            ? it === old.name
              ? row.name
              : it
            : !it.isExpression && it.value === old.name
              ? { ...it, value: row.name }
              : it,
        );
      for (const it of this.rows) {
        if (it.schema === old.schema && it.table === old.table && Array.isArray(it.columns))
          it.columns = renameIn(it.columns);
        if (it.schemaTo === old.schema && it.tableTo === old.table && Array.isArray(it.columnsTo))
          it.columnsTo = renameIn(it.columnsTo);
      }
      const at = `${old.schema}.${old.table}`;
      this.renamedColumns.set(`${at}\0${row.name}`, this.renamedColumns.get(`${at}\0${old.name}`) ?? old.name);
    } else if (row.entityType === 'enums') {
      for (const it of this.rows) {
        if (it.typeSchema === old.schema && it.type === old.name)
          Object.assign(it, { typeSchema: row.schema, type: row.name });
      }
    }
  }

  private move(from: TableName, to: TableName | undefined): void {
    for (const [key, now] of this.moved) {
      if (now && now.schema === from.schema && now.name === from.name) {
        this.moved.set(key, to && { schema: to.schema, name: to.name });
      }
    }
    if (!to) return;
    for (const [key, first] of [...this.renamedColumns]) {
      const prefix = `${keyOf(from)}\0`;
      if (!key.startsWith(prefix)) continue;
      this.renamedColumns.delete(key);
      this.renamedColumns.set(`${keyOf(to)}\0${key.slice(prefix.length)}`, first);
    }
  }
}
