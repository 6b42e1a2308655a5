/** Compares a tenant's rows in two databases: both in the order of their keys, a row of each at a time. */
import { readRows } from './cells.js';
import { readCatalog, type Catalog, type Subject, type TenantTable } from './catalog.js';
import { connected, transact, type Connection, type Row, type Source } from './connection.js';
import { SchemaDifferenceError } from '../errors.js';
import { noRows } from './export.js';
import { copyInOrder, declareInOrder } from './statements.js';

export interface TableComparison {
  readonly table: string;
  readonly rows: number;
  readonly otherRows: number;
  readonly onlyHere: number;
  readonly onlyThere: number;
  readonly changed: number;
  /** Keys of the first rows that differ, and how. */
  readonly examples: readonly {
    readonly key: readonly (string | null)[];
    readonly is: 'only here' | 'only there' | 'changed';
    readonly columns?: readonly string[];
  }[];
}

export interface Comparison {
  readonly isEqual: boolean;
  readonly tables: readonly TableComparison[];
}

export interface CompareOptions {
  readonly signal?: AbortSignal | undefined;
  /** Columns to leave out, by table: masked ones, say. */
  readonly except?: Readonly<Record<string, readonly string[]>> | undefined;
  /**
   * Whether a tenant without rows on both sides is equal, and not an error: an id that was mistyped has none either.
   */
  readonly allowEmpty?: boolean | undefined;
}

const limit = 10;

/**
 * @param other the tenant in another database, or another tenant: that its id differs is no difference
 * @throws SchemaDifferenceError where a table or a column of one is not in the other; TenantNotFoundError where neither
 * side has a row
 */
export function compareTenants(
  here: Source,
  subject: Subject,
  there: Source,
  other: Subject,
  options: CompareOptions = {},
): Promise<Comparison> {
  const { signal, except = {}, allowEmpty = false } = options;
  const within = <T>(connection: Connection, it: Subject, use: (catalog: Catalog) => Promise<T>) =>
    readCatalog(connection, it).then((catalog) =>
      transact(connection, { access: 'read', settings: it.settings, tenant: catalog.tenant, signal }, () =>
        use(catalog),
      ),
    );
  return connected(here, (a) =>
    connected(there, (b) =>
      within(a, subject, (own) =>
        within(b, other, async (others) => {
          const pairs = pairsOf(own, others);
          const tables: TableComparison[] = [];
          for (const [table, same] of pairs) {
            const without = new Set([...(except[table.title] ?? []), ...(except[table.name] ?? [])]);
            tables.push(await compareTable([a, table, own.tenant], [b, same, others.tenant], without));
          }
          if (!allowEmpty && tables.every((it) => it.rows + it.otherRows === 0)) throw noRows(subject);
          return { isEqual: tables.every((it) => it.onlyHere + it.onlyThere + it.changed === 0), tables };
        }),
      ),
    ),
  );
}

const written = (table: TenantTable) => table.columns.filter((it) => !it.isGenerated).map((it) => it.name);

function pairsOf(here: Catalog, there: Catalog): [TenantTable, TenantTable][] {
  const differences: string[] = [];
  for (const it of there.tables)
    if (!here.tables.some((own) => own.title === it.title)) differences.push(`"${it.title}" is there only`);
  const pairs = here.tables.flatMap((table): [TenantTable, TenantTable][] => {
    const same = there.tables.find((it) => it.title === table.title);
    if (!same) differences.push(`"${table.title}" is here only`);
    else {
      for (const name of written(table))
        if (!written(same).includes(name)) differences.push(`"${table.title}"."${name}" is here only`);
      for (const name of written(same))
        if (!written(table).includes(name)) differences.push(`"${table.title}"."${name}" is there only`);
    }
    return same ? [[table, same]] : [];
  });
  if (differences.length > 0)
    throw new SchemaDifferenceError('Bring both databases to the same migrations', differences);
  return pairs;
}

type Side = readonly [Connection, TenantTable, tenant: string];

async function compareTable(here: Side, there: Side, without: ReadonlySet<string>): Promise<TableComparison> {
  const [, table] = here;
  const columns = written(table).filter((it) => !without.has(it));
  const key = table.key.filter((it) => it !== table.column && columns.includes(it));
  // Without a key, a row is told by all that it says.
  const keys = table.key.length > 0 ? key : columns.filter((it) => it !== table.column && !table.renamed.includes(it));
  const places = keys.map((it) => columns.indexOf(it));
  const [a, b] = [here, there].map(([connection, it, tenant]) => {
    const order = keys.length > 0 ? keys : [it.column];
    return new Rows(
      readRows(connection, {
        copy: copyInOrder(it, columns, order, tenant),
        declare: declareInOrder(it, columns, order, tenant),
      }),
    );
  }) as [Rows, Rows];
  const own = [table.column, ...table.renamed].map((it) => columns.indexOf(it)).filter((it) => it >= 0);
  const blank = (row: Row, tenant: string) => row.map((cell, i) => (own.includes(i) && cell === tenant ? '' : cell));
  const found = { onlyHere: 0, onlyThere: 0, changed: 0 };
  const examples: TableComparison['examples'][number][] = [];
  const note = (row: Row, is: 'only here' | 'only there' | 'changed', changed?: string[]) =>
    examples.length < limit &&
    examples.push({ key: places.map((it) => row[it]!), is, ...(changed && { columns: changed }) });
  let [x, y] = [await a.next(), await b.next()];
  while (x || y) {
    const order = !x ? 1 : !y ? -1 : compareKeys(x, y, places);
    if (order < 0) {
      found.onlyHere += 1;
      note(x!, 'only here');
    } else if (order > 0) {
      found.onlyThere += 1;
      note(y!, 'only there');
    } else {
      const [first, second] = [blank(x!, here[2]), blank(y!, there[2])];
      const changed = columns.filter((_, i) => first[i] !== second[i]);
      if (changed.length > 0) {
        found.changed += 1;
        note(x!, 'changed', changed);
      }
    }
    if (order <= 0) x = await a.next();
    if (order >= 0) y = await b.next();
  }
  return { table: table.title, rows: a.count, otherRows: b.count, ...found, examples };
}

/** As `collate "C"` orders them, NULL first. */
function compareKeys(a: Row, b: Row, places: readonly number[]): number {
  for (const place of places) {
    const [x, y] = [a[place]!, b[place]!];
    if (x === y) continue;
    if (x === null) return -1;
    if (y === null) return 1;
    return Buffer.compare(Buffer.from(x), Buffer.from(y));
  }
  return 0;
}

class Rows {
  readonly #batches: AsyncGenerator<Row[]>;
  #batch: Row[] = [];
  #at = 0;
  count = 0;

  constructor(batches: AsyncGenerator<Row[]>) {
    this.#batches = batches;
  }

  async next(): Promise<Row | undefined> {
    while (this.#at >= this.#batch.length) {
      const next = await this.#batches.next();
      if (next.done) return undefined;
      this.#batch = next.value;
      this.#at = 0;
    }
    this.count += 1;
    return this.#batch[this.#at++];
  }
}
