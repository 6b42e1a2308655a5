/**
 * The core device: a program runs over three tenants that share their ids, and over one tenant alone. What it
 * returns or throws must be equal, and so must be what it leaves; other tenants' rows stay as they were.
 */
import { afterAll, beforeAll, expect } from 'vitest';
import { dropDatabases, open, type Contents, type Sent, type Tdb, type TestDatabase } from './databases.js';
import { a } from './rows.js';
import * as schema from './schema.js';
import { keep, putBack, stateOf, type RunText, type State } from './state.js';

export type Schema = typeof schema;
export type Run = (tdb: Tdb, schema: Schema, db: TestDatabase) => unknown;

/** A database under comparison, on any driver. */
export interface Side {
  readonly db: TestDatabase;
  /** Drizzle's own handle on the same database. */
  readonly plain: any;
  readonly run: RunText;
  /** What the handles sent so far. */
  readonly sent?: readonly Sent[];
  readonly close: () => Promise<unknown>;
}

export interface Outcome {
  readonly result?: unknown;
  readonly error?: Record<string, unknown>;
}

/**
 * A value as it is compared: dates and the like as text, and lists without their order unless the program orders them.
 */
function comparable(value: unknown, ordered: boolean): unknown {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) {
    const list = value.map((it) => comparable(it, ordered));
    return ordered ? list : list.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
  }
  if (typeof value === 'object' && value !== null) {
    const { rows, fields } = value as any; // The result of node-postgres and PGlite, with the oids of its tables.
    if (Array.isArray(rows) && Array.isArray(fields)) return comparable(rows, ordered);
    return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, comparable(it, ordered)]));
  }
  return value;
}

/** What a program does on a handle: its result, or what is told apart of its error. */
export async function outcomeOf(program: () => unknown, ordered = false): Promise<Outcome> {
  try {
    return { result: comparable(await program(), ordered) };
  } catch (thrown) {
    const error = thrown as any;
    const cause = error.cause ?? error;
    // PostgreSQL's detail quotes the row that was written, which is the caller's own.
    return {
      error: error._tag
        ? { tag: error._tag, message: error.message }
        : { code: cause.code ?? error.name, detail: cause.detail },
    };
  }
}

/** Opens a pair of databases for the tests of a file. `rows` are put back when a program wrote. */
export function comparison(openSide: (contents: Contents) => Promise<Side> = openPostgresJs) {
  let many: Side;
  let alone: Side;
  let before: State;

  beforeAll(async () => {
    [many, alone] = [await openSide('many'), await openSide('alone')];
    await Promise.all([keep(many.run), keep(alone.run)]);
    before = await stateOf(many.run);
    expect((await stateOf(alone.run)).own).toEqual(before.own);
  });
  afterAll(async () => {
    await Promise.all([many?.close(), alone?.close()]);
    await dropDatabases();
  });

  return {
    get many() {
      return many;
    },
    get alone() {
      return alone;
    },

    /**
     * Runs a program on both sides and compares.
     *
     * @returns what it did, the same on both
     */
    async isolated(run: Run, ordered = false): Promise<Outcome> {
      const [manySent, aloneSent] = [many, alone].map((side) => side.sent?.length ?? 0);
      const [first, second] = await Promise.all(
        [many, alone].map((side) => outcomeOf(() => run(side.db.forTenant(a), schema, side.db), ordered)),
      );
      const [after, aloneAfter] = await Promise.all([stateOf(many.run), stateOf(alone.run)]);
      if (JSON.stringify([after, aloneAfter.own]) !== JSON.stringify([before, before.own])) await this.restore();
      expect(first).toEqual(second);
      expect(many.sent?.slice(manySent)).toEqual(alone.sent?.slice(aloneSent));
      expect(after.others).toEqual(before.others);
      expect(after.own).toEqual(aloneAfter.own);
      return first!;
    },

    /** Puts back the rows of both sides. */
    async restore(): Promise<void> {
      await Promise.all([putBack(many.run), putBack(alone.run)]);
    },

    /** Runs a program through Drizzle's own handle, over the tenant alone. */
    async plainly(run: Run, ordered = false): Promise<Outcome> {
      const outcome = await outcomeOf(() => run(alone.plain, schema, alone.db), ordered);
      if (JSON.stringify((await stateOf(alone.run)).own) !== JSON.stringify(before.own)) await putBack(alone.run);
      return outcome;
    },

    /** The program is not refused: it does what it does over the tenant alone, an error of PostgreSQL's among that. */
    async confined(run: Run): Promise<Outcome> {
      const outcome = await this.isolated(run);
      expect(outcome.error?.tag).toBeUndefined();
      return outcome;
    },

    /** The program is refused before anything is sent. */
    async refused(run: Run): Promise<string> {
      const { error } = await this.isolated(run);
      expect(error?.tag, `expected a refusal, got ${JSON.stringify(error ?? 'a result')}`).toBeTypeOf('string');
      return error!.tag as string;
    },
  };
}

async function openPostgresJs(contents: Contents): Promise<Side> {
  const { db, client, plain, sent, close } = await open(contents);
  return { db, plain, sent, close, run: (text) => client.unsafe(text) as any };
}
