/** Reads a tenant in one snapshot. */
import { DamagedExportError, TenantNotFoundError, UnsupportedTenantOperationError } from '../errors.js';
import { readRows, type Reading } from './cells.js';
import { readCatalog, type Catalog, type Column, type LiveTable, type Subject, type TenantTable } from './catalog.js';
import { connect, type Connection, type Row, type Source } from './connection.js';
import {
  Digest,
  ndjsonOf,
  schemaVersionOf,
  type ExportedTable,
  type ExportHead,
  type Part,
  type Piece,
} from './format.js';
import { inOrder } from './order.js';
import { sharedTables } from './shared.js';
import {
  anyRow,
  boundOfPart,
  copyPart,
  copyRows,
  copyShared,
  declarePart,
  declareRows,
  declareShared,
  fingerprintOfPart,
  fingerprintOfShared,
  settings,
} from './statements.js';

/** Gives a value in place of another: of a column, as text or null. */
export type Mask =
  | ((value: string | null, row: Readonly<Record<string, string | null>>) => string | number | boolean | null)
  | string
  | number
  | boolean
  | null;
/** By table and column, each called as in the schema or as in the database. */
export type Masks = Readonly<Record<string, Readonly<Record<string, Mask>>>>;

export interface Progress {
  readonly table: string;
  readonly rows: number;
  /** How many of them an earlier run had done. */
  readonly kept?: number;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly masks?: Masks | undefined;
  /** Whether a tenant without rows is an empty export, and not an error. */
  readonly allowEmpty?: boolean | undefined;
}

/** For an export that may be taken up again: how it is taken apart, and what is there of it already. */
export interface Parts {
  /** Rows for each part of a table. */
  readonly rows: number;
  /** Of the fingerprints: nobody who writes rows is to know it. */
  readonly seed: string;
  /** The parts of an earlier run, given what this one exports. */
  readonly kept: (head: ExportHead) => Promise<(table: string) => readonly Part[]>;
}

const writable = (table: LiveTable) => table.columns.filter((it) => !it.isGenerated);

/** The tables of an export, in order: shared rows first. */
export function exportedTables(catalog: Catalog) {
  const { tables } = inOrder(catalog.tables);
  const shared = sharedTables(catalog);
  const described = (table: LiveTable): ExportedTable['columns'] =>
    writable(table).map(({ name, type }) => ({ name, type }));
  return [
    ...shared.map((it) => ({
      live: it.table,
      pointers: it.pointers,
      table: {
        name: it.table.title,
        kind: 'reference',
        columns: described(it.table),
        key: it.key,
        tenant: [],
      } satisfies ExportedTable as ExportedTable,
    })),
    ...tables.map((live) => ({
      live,
      pointers: undefined,
      table: {
        name: live.title,
        kind: 'tenant',
        columns: described(live),
        key: live.key,
        tenant: [live.column, ...live.renamed],
      } satisfies ExportedTable as ExportedTable,
    })),
  ];
}

/**
 * The pieces of an export, in constant memory: what is not taken is not read.
 *
 * @throws TenantNotFoundError, SchemaDifferenceError
 */
export async function* readTenant(
  source: Source,
  subject: Subject,
  options: ReadOptions = {},
  parts?: Parts,
): AsyncGenerator<Piece> {
  const { signal, onProgress, masks = {}, allowEmpty = false } = options;
  signal?.throwIfAborted();
  const connection = await connect(source);
  // What waits for the server goes on waiting unless its connection ends.
  const onAbort = () => void connection.close().catch(() => {});
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await connection.begin('read');
    const catalog = await readCatalog(connection, subject);
    for (const text of settings(subject.settings, catalog.tenant)) await connection.query(text);
    const all = exportedTables(catalog);
    const { tenant } = catalog;
    if (!allowEmpty && !(await hasRows(connection, catalog))) throw noRows(subject);
    const maskOf = masksFor(catalog, masks);
    const [[at] = []] = await connection.query(
      `select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
    );
    const tables = all.map((it) => it.table);
    const head: ExportHead = {
      drizzleTenant: 1,
      tenancy: subject.tenancy,
      tenant,
      at: at!,
      schemaVersion: schemaVersionOf(tables),
      masked: [...maskOf].flatMap(([title, columns]) => Object.keys(columns).map((it) => `${title}.${it}`)),
      tables,
    };
    yield { kind: 'head', head };
    const keptOf = await parts?.kept(head);
    const digests = [];
    for (const { table, live, pointers } of all) {
      const columns = table.columns.map((it) => it.name);
      const own = catalog.tables.find((it) => it.oid === live.oid);
      const place = own ? columns.indexOf(own.column) : -1;
      const mask = maskOf.get(table.name);
      const digest = new Digest(table.name);
      yield { kind: 'table', table };
      let count = 0;
      let keptRows = 0;
      const progress = (rows: number) =>
        onProgress?.({ table: table.name, rows: (count += rows), ...(keptRows > 0 && { kept: keptRows }) });
      const read = async function* (reading: Reading): AsyncGenerator<Piece> {
        for await (const read of readRows(connection, reading)) {
          signal?.throwIfAborted();
          if (place >= 0)
            for (const row of read)
              if (row[place] !== tenant)
                throw new DamagedExportError(
                  `Report this: the database gave a row of another tenant of "${table.name}", ` +
                    'and the export was ended.',
                );
          const rows = mask ? read.map((row) => masked(row, columns, mask)) : read;
          const ndjson = ndjsonOf(rows);
          digest.add(ndjson, rows.length);
          progress(rows.length);
          yield { kind: 'rows', table, rows, ndjson };
        }
      };
      if (!parts || !keptOf) {
        yield* read(
          own
            ? { copy: copyRows(own, columns, tenant), declare: declareRows(own, columns, tenant) }
            : {
                copy: copyShared(live, columns, pointers!, tenant),
                declare: declareShared(live, columns, pointers!, tenant),
              },
        );
        digests.push(digest.end());
        continue;
      }
      const kept = keptOf(table.name);
      const key = partKeyOf(live, own);
      let after: Part['after'] = null;
      for (let n = 0; ; n++) {
        signal?.throwIfAborted();
        const known: Part | undefined = isSame(kept[n]?.after, after) ? kept[n] : undefined;
        const to: Part['to'] = known ? known.to : await boundOf(connection, own, tenant, key, after, parts.rows);
        const range = { key, after, to };
        const [[fingerprint] = []] = await connection.query(
          own
            ? fingerprintOfPart(own, columns, tenant, range, parts.seed)
            : fingerprintOfShared(live, columns, pointers!, tenant, parts.seed),
        );
        if (known?.fingerprint === fingerprint) {
          keptRows += Number(fingerprint!.split(' ')[0]);
          progress(Number(fingerprint!.split(' ')[0]));
          yield { kind: 'kept', table, n };
        } else {
          yield { kind: 'part', table, n, part: { after, to, fingerprint: fingerprint! } };
          yield* read(
            own
              ? { copy: copyPart(own, columns, tenant, range), declare: declarePart(own, columns, tenant, range) }
              : {
                  copy: copyShared(live, columns, pointers!, tenant),
                  declare: declareShared(live, columns, pointers!, tenant),
                },
          );
        }
        if (to === null) break;
        after = to;
      }
      // What is kept is not read here: who writes the parts tells the digests.
    }
    await connection.commit();
    yield { kind: 'end', digests };
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await connection.close();
  }
}

/** The columns behind the tenant column in the primary key, whose index gives a part of a table quickly. */
function partKeyOf(live: LiveTable, own: TenantTable | undefined): Column[] {
  if (!own || !live.key.includes(own.column)) return [];
  return live.key.filter((it) => it !== own.column).map((name) => live.columns.find((it) => it.name === name)!);
}

const isSame = (a: Part['after'] | undefined, b: Part['after']) =>
  a !== undefined && JSON.stringify(a) === JSON.stringify(b);

async function boundOf(
  connection: Connection,
  own: TenantTable | undefined,
  tenant: string,
  key: readonly Column[],
  after: Part['after'],
  rows: number,
): Promise<Part['to']> {
  if (!own || key.length === 0) return null;
  const [bound] = await connection.query(boundOfPart(own, tenant, { key, after }, rows));
  return bound ? (bound as string[]) : null;
}

export const noRows = ({ tenancy }: Subject) =>
  new TenantNotFoundError(
    `Check the id: no table of the tenancy "${tenancy}" has a row of this tenant. ` +
      'Pass allowEmpty where that is as it should be.',
  );

export async function hasRows(
  connection: { query(text: string): Promise<Row[]> },
  { tables, tenant }: Catalog,
): Promise<boolean> {
  for (const table of tables) {
    const [[found] = []] = await connection.query(anyRow(table, tenant));
    if (found === 'true') return true;
  }
  return false;
}

type ColumnMasks = Readonly<Record<string, Mask>>;

function masksFor(catalog: Catalog, masks: Masks): Map<string, ColumnMasks> {
  const found = new Map<string, ColumnMasks>();
  for (const [title, columns] of Object.entries(masks)) {
    const table = catalog.tables.find(
      ({ declared, ...it }) => declared.titles.includes(title) || it.name === title || it.title === title,
    );
    if (!table)
      throw new UnsupportedTenantOperationError(
        `Name a tenant table of the schema in the masks: there is no "${title}".`,
      );
    // A column may be called `constructor`.
    const named: Record<string, Mask> = Object.create(null);
    for (const [key, mask] of Object.entries(columns)) {
      const name = table.declared.keys[key] ?? key;
      const column = table.columns.find((it) => it.name === name && !it.isGenerated);
      if (!column)
        throw new UnsupportedTenantOperationError(
          `Name a column of "${title}" in the masks: there is no "${key}" that holds a value of its own.`,
        );
      if (name === table.column || table.renamed.includes(name))
        throw new UnsupportedTenantOperationError(
          `Leave "${key}" of "${title}" out of the masks: it says whose the row is.`,
        );
      named[name] = mask;
    }
    found.set(table.title, named);
  }
  return found;
}

function masked(row: Row, columns: readonly string[], masks: ColumnMasks): Row {
  const whole = Object.fromEntries(columns.map((name, i) => [name, row[i]!]));
  return row.map((cell, i) => {
    const mask = masks[columns[i]!];
    if (mask === undefined) return cell;
    const value = typeof mask === 'function' ? mask(cell, whole) : mask;
    return value === null || value === undefined ? null : String(value);
  });
}
