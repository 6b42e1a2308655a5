/**
 * A SELECT through a cursor. These are the fixed forms that are sent besides a proved text: DECLARE before it, FETCH
 * and CLOSE with a name that is made here.
 */
import type { DrizzleSession } from './binding.js';

let cursors = 0;

/** @param chunkSize how many rows are fetched at a time */
export function cursorFor(chunkSize = 256) {
  const size = Math.max(1, Math.trunc(chunkSize) || 1);
  const name = `"drizzle_tenant_cursor_${++cursors}"`;
  return {
    size,
    declare: (text: string) => `declare ${name} no scroll cursor for ${text}`,
    fetch: `fetch forward ${size} from ${name}`,
    close: `close ${name}`,
  };
}

type Values = Record<string, unknown>;

/** How Drizzle asks for a prepared query. Its metadata would have a cache answer one FETCH with the rows of another. */
export interface Asked {
  readonly sql: string;
  readonly params: readonly unknown[];
  readonly mode: unknown;
  readonly mapper: unknown;
  readonly shape: unknown;
}

/** Where a cursor runs: in a transaction that is there, or within one of its own. */
export type Place =
  | { readonly session: DrizzleSession }
  | { readonly begin: (body: (session: DrizzleSession) => Promise<void>) => Promise<unknown> };

/**
 * Reads the rows of a query one by one.
 *
 * @param place is asked when the first row is
 * @param values of the query's placeholders
 */
export async function* rowsOf(
  place: () => Place,
  query: Asked,
  values: Values | undefined,
  chunkSize: number | undefined,
): AsyncGenerator<any, void, undefined> {
  const at = place();
  if ('session' in at) return yield* read(at.session, query, values, chunkSize, true);
  const own = opened(at.begin);
  let failure: { error: unknown } | undefined;
  try {
    yield* read(await own.session, query, values, chunkSize, false);
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    // Whoever leaves the loop waits until the connection is back.
    await own.end(failure);
  }
}

async function* read(
  session: DrizzleSession,
  { sql, params, mode, mapper, shape }: Asked,
  values: Values | undefined,
  chunkSize: number | undefined,
  isOthers: boolean,
) {
  const cursor = cursorFor(chunkSize);
  await session.prepareQuery({ sql: cursor.declare(sql), params }, 'raw', false).execute(values);
  let hasFailed = false;
  try {
    for (;;) {
      const rows: unknown[] = await session
        .prepareQuery({ sql: cursor.fetch, params: [] }, mode, false, mapper, undefined, undefined, shape)
        .execute(values);
      yield* rows;
      if (rows.length < cursor.size) break;
    }
  } catch (error) {
    hasFailed = true;
    throw error;
  } finally {
    // Its own transaction ends with it, and one that has failed takes no statement. Behind an end that came first,
    // there is none.
    if (isOthers && !hasFailed)
      await session
        .prepareQuery({ sql: cursor.close, params: [] }, 'raw', false)
        .execute(values)
        .catch(() => {});
  }
}

/** A transaction that stays open until it is ended from outside. */
function opened(begin: (body: (session: DrizzleSession) => Promise<void>) => Promise<unknown>) {
  let end!: (failure: { error: unknown } | undefined) => void;
  const ended = new Promise<{ error: unknown } | undefined>((resolve) => (end = resolve));
  let transaction!: Promise<unknown>;
  const session = new Promise<DrizzleSession>((resolve, reject) => {
    transaction = (async () =>
      begin(async (it) => {
        resolve(it);
        const failure = await ended;
        if (failure) throw failure.error;
      }))();
    transaction.catch(reject);
  });
  session.catch(() => {});
  return {
    session,
    end: async (failure: { error: unknown } | undefined) => {
      end(failure);
      // What the loop failed with says more.
      if (failure) await transaction.catch(() => {});
      else await transaction;
    },
  };
}
