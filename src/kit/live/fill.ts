/**
 * Rows that get a value while they are read and written. A batch is small enough that nobody who wants one of its rows
 * waits for long. What is done is seen by the rows themselves, so that a run that was stopped goes on.
 */
import type { Database } from './database.js';
import { DatabaseStateError } from '../errors.js';
import { ident, literal, quoted } from '../names.js';
import type { FillStep } from './step.js';

/** Rows done, of those that had no value when the step began. */
export type Rows = (done: number, total: number) => void;

/** How long a batch is to take: its rows are locked so long. */
const goal = 40;
const smallest = 50;
const largest = 20_000;

/**
 * @param database where
 * @param step the rows
 * @param run runs a statement, again where a lock is not to be had
 * @param progress told after each batch
 * @throws DatabaseStateError for rows that nothing gives a value, and where policies hide rows
 */
export async function fillRows(
  database: Database,
  { table, fill, key, types }: FillStep,
  run: (statement: string, values?: readonly unknown[]) => Promise<number>,
  progress: Rows,
): Promise<void> {
  const name = quoted(table);
  const isOpen = `${name}.${ident(fill.column)} IS NULL`;
  const [hidden] = await database.query<{ hidden: boolean }>(
    `SELECT row_security_active(${literal(name)}::regclass) AS hidden`,
  );
  if (hidden?.hidden)
    throw new DatabaseStateError(
      `Run apply as a role that has BYPASSRLS: policies hide rows of ${name} from this one.`,
    );
  const countOpen = async () =>
    (await database.query<{ open: number }>(`SELECT count(*)::float8 AS open FROM ${name} WHERE ${isOpen}`))[0]!.open;
  const total = await countOpen();
  let open = total;
  progress(0, total);
  // Rows that came without a value while a pass ran are for the next one.
  while (open > 0) {
    if (fill.updates.length > 0) {
      const already = total - open;
      const told: Rows = (done) => progress(Math.min(total, already + done), total);
      if (key) await pass(database, name, isOpen, key, fill.updates, types, run, told);
      else if (table.kind !== 'tenant') await passByPlace(name, isOpen, fill.updates, run, told);
      else
        throw new DatabaseStateError(
          `Give ${name} a primary key, or fill in ${fill.column} yourself: without a key, its rows cannot ` +
            'be taken batch by batch.',
        );
    }
    const left = await countOpen();
    if (left === open) break;
    open = left;
  }
  if (open === 0 || fill.optional) return;
  throw new DatabaseStateError(
    `${fill.remedy}. ${open.toLocaleString('en')} rows have none, which SELECT * FROM ${name} WHERE ${isOpen} finds`,
  );
}

async function pass(
  database: Database,
  name: string,
  isOpen: string,
  key: readonly string[],
  updates: readonly string[],
  types: FillStep['types'],
  run: (statement: string, values?: readonly unknown[]) => Promise<number>,
  progress: (done: number, total: number) => void,
): Promise<void> {
  const columns = key.map((it) => `${name}.${ident(it)}`);
  const row = columns.length === 1 ? columns[0]! : `(${columns.join(', ')})`;
  const bound = (from: number) => {
    const values = key.map((it, i) => `$${from + i}::text::${types[it]![0]}`);
    return values.length === 1 ? values[0]! : `(${values.join(', ')})`;
  };
  const select = columns.map((it, i) => `${it}::text AS k${i}`).join(', ');
  let [size, done] = [1000, 0];
  let after: readonly string[] | undefined;
  for (;;) {
    const above = after ? `${row} > ${bound(1)}` : 'true';
    const [last] = await database.query<Record<string, string>>(
      `SELECT ${select} FROM ${name} WHERE ${isOpen} AND ${above} ORDER BY ${columns.join(', ')} OFFSET ` +
        `${size - 1} LIMIT 1`,
      after ?? [],
    );
    const until: readonly string[] | undefined = last && key.map((_, i) => last[`k${i}`]!);
    const below = until ? ` AND ${row} <= ${bound((after?.length ?? 0) + 1)}` : '';
    const begin = Date.now();
    for (const update of updates)
      await run(`${withoutEnd(update)} AND ${above}${below}`, [...(after ?? []), ...(until ?? [])]);
    const took = Date.now() - begin;
    done += size;
    progress(done, done);
    if (!until) return;
    after = until;
    size = nextSize(size, took);
    await rest(took);
  }
}

/** By the rows' places in the table: without a key there is no other way to name them. */
async function passByPlace(
  name: string,
  isOpen: string,
  updates: readonly string[],
  run: (statement: string) => Promise<number>,
  progress: (done: number, total: number) => void,
): Promise<void> {
  for (const update of updates) {
    let [size, done] = [1000, 0];
    for (;;) {
      const begin = Date.now();
      const places = `ARRAY(SELECT ctid FROM ${name} WHERE ${isOpen} LIMIT ${size})`;
      const changed = await run(
        `WITH changed AS (${withoutEnd(update)} AND ${name}.ctid = ANY(${places}) RETURNING 1) ` +
          'SELECT count(*)::int AS changed FROM changed',
      );
      if (changed === 0) break;
      done += changed;
      progress(done, done);
      const took = Date.now() - begin;
      size = nextSize(size, took);
      await rest(took);
    }
  }
}

const withoutEnd = (update: string) => update.trim().replace(/;$/, '');

const nextSize = (size: number, took: number) =>
  took < goal / 2 ? Math.min(largest, size * 2) : took > goal * 2 ? Math.max(smallest, Math.floor(size / 2)) : size;

/** Others come first: two thirds of the time are theirs. */
const rest = (took: number) => new Promise((done) => setTimeout(done, Math.min(200, took * 2)));
