/** `batch` of the drivers over HTTP: several statements in one request, which is one transaction. */
import { entityKind, is, Param, Placeholder } from 'drizzle-orm';
import { UnsupportedTenantOperationError } from '../errors.js';
import type { Settings } from '../rls/settings.js';
import { asked, type How, type ScopedSession, type Sendable } from '../scope/session.js';
import type { Parse } from '../sql/load.js';

type Batched = readonly [query: Sendable, ...how: How];

const kindOf = (session: any): unknown => session?.constructor[entityKind];

/** Drizzle's sessions over HTTP, whose only transactions are batches. */
const overHttp: unknown[] = ['NeonHttpSession', 'PostgresHttpSession'];
/** Those whose batch is a transaction, so that it can set whose rows its statements see. */
const transactional: unknown[] = [...overHttp, 'NetlifyDbSession'];

/** @throws UnsupportedTenantOperationError where a transaction cannot be begun, in place of Drizzle's own error */
export function assertTransactions(session: any): void {
  if (overHttp.includes(kindOf(session)))
    throw new UnsupportedTenantOperationError(
      'Send the statements as one batch, as in tdb.batch([first, second]): ' +
        'over HTTP, this driver has no transaction that stays open.',
    );
}

/** @returns what Drizzle's session is asked to prepare: each query as it has passed the gate of its handle */
export const batchedBy = (session: ScopedSession, queries: readonly any[], parse: Parse): Batched[] =>
  queries.map((it) => {
    const prepared = it?._prepare?.();
    const how: How | undefined = prepared?.[asked];
    if (!how) throw refused('one of these is none');
    const sent = session.batched(prepared.query, parse);
    if (sent.params.some((param) => is(param, Placeholder) || (is(param, Param) && is(param.value, Placeholder))))
      throw refused('sql.placeholder() gets no value here');
    const [mode, , mapper, metadata, , shape] = how;
    // Of a query without a mapper, some drivers give back their own result in place of the rows.
    const rows = mode === 'raw' || shape ? mapper : (mapper ?? ((all: unknown) => all));
    return [sent, mode, false, rows, metadata, undefined, shape];
  });

const refused = (reason: string) =>
  new UnsupportedTenantOperationError(
    `Give batch() queries of its own handle, as in tdb.batch([tdb.select().from(projects)]): ${reason}.`,
  );

/**
 * @param session Drizzle's own, outside of transactions
 * @param settings what row-level security is told, in the same transaction
 * @returns each statement's result
 */
export async function runBatch(
  session: any,
  batched: readonly Batched[],
  settings: Settings | undefined,
): Promise<unknown[]> {
  if (batched.length === 0) return [];
  const before = settings ? [settings.first, ...settings.tenant] : [];
  const queries = [...before.map((sql) => [{ sql, params: [] }, 'raw', false] as const), ...batched];
  const results: unknown[] = await session.batch(
    queries.map((it) => ({ _prepare: () => session.prepareQuery(...it) })),
  );
  return results.slice(before.length);
}

/** @throws UnsupportedTenantOperationError where statements cannot be sent as a batch */
export function assertBatches(session: any, isInTransaction: boolean, isBound: boolean): void {
  if (isInTransaction)
    throw new UnsupportedTenantOperationError(
      'Run the statements of a transaction one by one: a batch is a transaction of its own.',
    );
  if (typeof session?.batch !== 'function' || (isBound && !transactional.includes(kindOf(session))))
    throw new UnsupportedTenantOperationError(
      'Use transaction() in place of batch(): this driver has no batch that is a transaction. ' +
        'drizzle-orm/neon-http has one.',
    );
}
