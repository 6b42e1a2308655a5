/**
 * Prepared statements that a migration has put out of date. PostgreSQL refuses one whose result has other types than
 * when it was prepared, each time, before it runs anything. Outside of a transaction it is run again, unprepared, and
 * nobody notices; within one the transaction has failed with it. In both cases the text is prepared under another name
 * from then on.
 */
import type { DrizzleSession } from './binding.js';
import { executionOf } from './execution.js';

/**
 * Names for texts whose statements are out of date. More than are ever asked for: a text that is left out fails once
 * more.
 */
const renamed = new Map<string, string>();
const renamedLimit = 1_000;
let count = 0;
/**
 * No other process may have a statement of the same name: behind a pooler they share connections. Made when it is
 * needed: workerd gives nothing random while a module is loaded.
 */
let prefix: string | undefined;
const nextName = () => `${(prefix ??= `drizzle_tenant_${crypto.randomUUID().replaceAll('-', '')}`)}_${++count}`;

/**
 * The server's refusals to run a statement under its name: its result has other types, the server forgot it, the name
 * is another's, a column that it writes has another type. Each comes before anything was run.
 */
const refusals: Readonly<Record<string, string | undefined>> = {
  RevalidateCachedQuery: '0A000',
  FetchPreparedStatement: '26000',
  StorePreparedStatement: '42P05',
  transformAssignedExpr: '42804',
};

function isOutdated(error: any): boolean {
  const { code, routine } = error?.cause ?? error ?? {};
  return code !== undefined && Object.hasOwn(refusals, routine) && refusals[routine] === code;
}

/**
 * Drizzle's prepared query of a promise driver, which runs again where its statement is out of date.
 *
 * @param session Drizzle's session
 * @param query what `prepareQuery` takes
 * @param isAlone whether the statement is in no transaction
 */
export function lasting(
  session: DrizzleSession,
  query: readonly [query: { readonly sql: string }, mode: unknown, name: unknown, ...rest: unknown[]],
  isAlone: boolean,
): any {
  const [{ sql: text }, mode, name, ...rest] = query;
  if (name === false || name === undefined) {
    const prepared = session.prepareQuery(...query);
    const execute = executionOf(prepared);
    return prepared.stream ? { execute, stream: (...how: unknown[]) => prepared.stream(...how) } : { execute };
  }
  const key = `${String(name)}\0${text}`;
  const prepare = (as: unknown) => session.prepareQuery(query[0], mode, as, ...rest);
  const executionAs = (used: string | undefined) =>
    executionOf(prepare(used ?? name), (error, values) => {
      if (!isOutdated(error)) return undefined;
      if (renamed.get(key) === used) {
        if (renamed.size >= renamedLimit) renamed.clear();
        renamed.set(key, nextName());
      }
      return isAlone ? prepare(false).execute(values) : undefined;
    });
  const renamedTo = () => (renamed.size === 0 ? undefined : renamed.get(key));
  let current = renamedTo();
  let execute = executionAs(current);
  return {
    execute(values?: Record<string, unknown>): Promise<unknown> {
      const used = renamedTo();
      if (used !== current) execute = executionAs((current = used));
      return execute(values);
    },
  };
}
