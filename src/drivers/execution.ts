/**
 * How a prepared query of Drizzle's is executed. Its own `execute` makes a promise for each of its steps. Where nobody
 * watches the query, which Drizzle finds out itself, these are few enough for one promise: the executor of the driver's
 * session is given the parameters, and the mapper what comes back.
 */
import { DrizzleQueryError, fillPlaceholders } from 'drizzle-orm';
import { PgAsyncPreparedQuery } from 'drizzle-orm/pg-core/async';

type Values = Record<string, unknown>;

/** What Drizzle's prepared queries are made of. */
interface Parts {
  readonly query: { readonly sql: string; readonly params: unknown[]; readonly _sql?: unknown };
  readonly executor: (params: unknown[]) => Promise<any>;
  readonly mapper: ((rows: any) => unknown) | undefined;
  readonly logger: { logQuery(text: string, params: unknown[]): void };
  readonly paramsInErrors: boolean | undefined;
  /** False where the query has a cache, or telemetry. */
  readonly fastPath: boolean;
}

const own: unknown = PgAsyncPreparedQuery.prototype.execute;
/** Whether this is the `execute` that is known, and not one of another version, or one that somebody has wrapped. */
const isKnown = /\bfastPath\b/.test(String(own));

/**
 * @param prepared what Drizzle's session prepared
 * @param failed gives an answer in place of an error of the driver, or undefined
 * @returns its `execute`, which rejects and never throws
 */
export function executionOf(
  prepared: any,
  failed?: (error: unknown, values: Values | undefined) => Promise<unknown> | undefined,
): (values?: Values) => Promise<unknown> {
  if (!isKnown || prepared.execute !== own || !prepared.fastPath || prepared.query._sql) {
    if (!failed) return (values) => prepared.execute(values);
    return (values) =>
      prepared.execute(values).then(undefined, (error: unknown) => {
        const answer = failed(error, values);
        if (answer) return answer;
        throw error;
      });
  }
  const { query, executor, mapper, logger, paramsInErrors }: Parts = prepared;
  const { sql: text, params: asked } = query;
  return (values) => {
    try {
      const params = asked.length === 0 ? asked : fillPlaceholders(asked, values ?? {});
      logger.logQuery(text, params);
      return executor(params).then(mapper, (error) => {
        const answer = failed?.(error, values);
        if (answer) return answer;
        throw new DrizzleQueryError(text, paramsInErrors ? params : undefined, error);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  };
}
