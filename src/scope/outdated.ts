/**
 * Prepared statements that a migration has put out of date. PostgreSQL refuses one whose result has other types than when
 * it was prepared, each time, before it runs anything. Outside of a transaction it is run again, unprepared, and nobody
 * notices; within one the transaction has failed with it. In both cases the text is prepared under another name from
 * then on. postgres.js does all of this by itself.
 */
import type { DrizzleSession } from './binding.js';

/** Names for texts whose statements are out of date. More than are ever asked for: a text that is left out fails once more. */
const renamed = new Map<string, string>();
const renamedLimit = 1_000;
let count = 0;
/** No other process may have a statement of the same name: behind a pooler they share connections. */
const prefix = `drizzle_tenant_${crypto.randomUUID().replaceAll('-', '')}`;

/** The server's refusals to run a statement under its name: it is out of date, forgotten, or another's. */
const routines: ReadonlySet<unknown> = new Set(['RevalidateCachedQuery', 'FetchPreparedStatement', 'StorePreparedStatement']);
const codes: ReadonlySet<unknown> = new Set(['0A000', '26000', '42P05']);

function isOutdated(error: any): boolean {
  const answer = error?.cause ?? error;
  return codes.has(answer?.code) && routines.has(answer?.routine);
}

/**
 * Drizzle's prepared query of a promise driver, which runs again where its statement is out of date.
 *
 * @param session Drizzle's session
 * @param query what `prepareQuery` takes
 * @param isAlone whether the statement is in no transaction
 */
export function lasting(session: DrizzleSession, query: readonly [query: { readonly sql: string }, mode: unknown, name: unknown, ...rest: unknown[]], isAlone: boolean): any {
  const [{ sql: text }, mode, name, ...rest] = query;
  if (name === false || name === undefined) return session.prepareQuery(...query);
  const key = `${String(name)}\0${text}`;
  const prepare = (as: unknown) => session.prepareQuery(query[0], mode, as, ...rest);
  let current = renamed.get(key);
  let prepared = prepare(current ?? name);
  return {
    async execute(values?: unknown) {
      const used = renamed.get(key);
      if (used !== current) prepared = prepare((current = used) ?? name);
      try {
        return await prepared.execute(values);
      } catch (error) {
        if (!isOutdated(error)) throw error;
        if (renamed.get(key) === used) {
          if (renamed.size >= renamedLimit) renamed.clear();
          renamed.set(key, `${prefix}_${++count}`);
        }
        if (!isAlone) throw error;
        return prepare(false).execute(values);
      }
    },
  };
}
