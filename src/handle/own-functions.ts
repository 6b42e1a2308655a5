/** The start-up check of names: whether those that a statement may call mean PostgreSQL's own functions. */
import { OwnFunctionError, UnsupportedTenantOperationError } from '../errors.js';
import type { Checkable } from '../rls/check.js';
import { answerTo, checkedDatabase, withReplicasOf } from '../rls/checked.js';
import { describeOwn, ownFunctionsQuestion, untrusted, type OwnFunction } from '../sql/own-functions.js';

/** Options of {@link assertNoOwnFunctions}. */
export interface OwnFunctionsOptions {
  /** Functions by their name, and anything by its signature as the error prints it: known to read no table. */
  readonly except?: readonly string[] | undefined;
}

/**
 * Says at start-up whether the database has functions, operators or casts of its own that a statement could call by a
 * name that is known to be safe: an application's own `format(integer)` is a better match for `format(1)` than
 * PostgreSQL's, and may read rows of any tenant. Or tables that the search path finds before those in "public", which
 * are meant by what is declared without a schema. One statement, of the role that the handles log in as.
 *
 * @param db what `withTenancy()` returned; its `functions` are trusted
 * @param options `except` names what is trusted besides
 * @throws OwnFunctionError with each of them; the driver's own error where the server cannot be asked
 * @see https://www.postgresql.org/docs/current/typeconv-func.html
 * @example
 * const db = withTenancy(drizzle({ client: postgres(url) }), { relations });
 * await assertNoOwnFunctions(db);
 */
export async function assertNoOwnFunctions(db: Checkable, options?: OwnFunctionsOptions): Promise<void> {
  for (const it of withReplicasOf(db)) await assertNone(it, options);
}

async function assertNone(db: Checkable, { except = [] }: OwnFunctionsOptions = {}): Promise<void> {
  const database = checkedDatabase(db);
  if (!database) throw new UnsupportedTenantOperationError('Pass assertNoOwnFunctions() what withTenancy() returned.');
  const rows: OwnFunction[] = await answerTo(
    database.session.prepareQuery({ sql: ownFunctionsQuestion, params: [] }, 'objects', false).execute(),
  );
  const found = untrusted(rows, [...database.functions, ...except]);
  if (found.length > 0)
    throw new OwnFunctionError(
      found.map((it) => it.signature),
      found.map(describeOwn),
    );
}
