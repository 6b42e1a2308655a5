/**
 * The failures of a database, told apart by cause.
 *
 * Every Effect of this entry point fails with one error, `DbError`, whose `reason` says what happened: match it with
 * `Effect.catchReason('DbError', 'UniqueViolation', ...)`. Reasons of PostgreSQL carry its code and the name of the
 * constraint, and nothing of a row: the server's `detail` quotes values, which may be those of another tenant. The
 * library's own refusals, such as `TenantMismatchError`, are reasons too.
 */
import * as Cause from 'effect/Cause';
import * as Data from 'effect/Data';
import type {
  ImmutableTenantError,
  InvalidTenantIdError,
  RawSqlNotScopedError,
  RowLevelSecurityError,
  TenantDefinitionError,
  TenantMismatchError,
  UnscopedTableError,
  UnsupportedTenantOperationError,
} from '../schema/index.js';

/** What PostgreSQL says of an error: its SQLSTATE and primary message. */
export interface Report {
  readonly code: string;
  readonly message: string;
}

export interface ConstraintReport extends Report {
  /** The constraint's name in the schema. */
  readonly constraint: string;
  readonly table: string | undefined;
}

/** The server cannot be reached, or closed the connection. Worth another try. */
export class ConnectionError extends Data.TaggedError('ConnectionError')<{
  readonly message: string;
  readonly cause?: unknown;
}> {}
/** The server refused the user, the password or the database. */
export class AuthenticationError extends Data.TaggedError('AuthenticationError')<Report> {}
export class UniqueViolation extends Data.TaggedError('UniqueViolation')<ConstraintReport> {}
export class ForeignKeyViolation extends Data.TaggedError('ForeignKeyViolation')<ConstraintReport> {}
export class CheckViolation extends Data.TaggedError('CheckViolation')<ConstraintReport> {}
export class ExclusionViolation extends Data.TaggedError('ExclusionViolation')<ConstraintReport> {}
/** A column that may not be null. PostgreSQL has no name for such a constraint before version 18. */
export class NotNullViolation extends Data.TaggedError('NotNullViolation')<
  Report & { readonly column: string; readonly table: string | undefined; readonly constraint: string | undefined }
> {}
/** A transaction that would not have been serializable. Run the whole of it again. */
export class SerializationError extends Data.TaggedError('SerializationError')<Report> {}
/** PostgreSQL chose this transaction to end a deadlock. Run the whole of it again. */
export class DeadlockError extends Data.TaggedError('DeadlockError')<Report> {}
/** A lock was not to be had: `lock_timeout`, or `nowait`. */
export class LockTimeoutError extends Data.TaggedError('LockTimeoutError')<Report> {}
export class StatementTimeoutError extends Data.TaggedError('StatementTimeoutError')<Report> {}
/** Somebody else cancelled the statement. Interrupting a fiber is an interruption, and no error. */
export class CancelledError extends Data.TaggedError('CancelledError')<Report> {}
/** `tx.rollback()` was called. */
export class RollbackError extends Data.TaggedError('RollbackError')<{}> {
  override readonly message = 'The transaction was rolled back by tx.rollback().';
}
/** PostgreSQL refused the statement for another reason, by its code. */
export class QueryError extends Data.TaggedError('QueryError')<{
  readonly code: string | undefined;
  readonly message: string;
  readonly cause?: unknown;
}> {}

/** The library's own refusals, from before anything is sent. */
export type TenantReason =
  | ImmutableTenantError
  | InvalidTenantIdError
  | RawSqlNotScopedError
  | RowLevelSecurityError
  | TenantDefinitionError
  | TenantMismatchError
  | UnscopedTableError
  | UnsupportedTenantOperationError;

/** Why a statement failed. */
export type DbErrorReason =
  | AuthenticationError
  | CancelledError
  | CheckViolation
  | ConnectionError
  | DeadlockError
  | ExclusionViolation
  | ForeignKeyViolation
  | LockTimeoutError
  | NotNullViolation
  | QueryError
  | RollbackError
  | SerializationError
  | StatementTimeoutError
  | TenantReason
  | UniqueViolation;

const retryable: ReadonlySet<string> = new Set([
  'ConnectionError',
  'DeadlockError',
  'LockTimeoutError',
  'SerializationError',
]);

/**
 * A statement or a transaction failed.
 *
 * @example
 * const db = yield* Db;
 * const created = yield* db.insert(projects).values({ name }).pipe(
 *   Effect.catchReason('DbError', 'UniqueViolation', ({ constraint }) => Effect.fail(new NameTaken({ constraint }))),
 * );
 * // A whole transaction, again, while PostgreSQL asks for it:
 * yield* Effect.retry(transfer, { while: (error) => error.isRetryable, schedule: Schedule.exponential(10), times: 5 });
 */
export class DbError extends Data.TaggedError('DbError')<{
  readonly reason: DbErrorReason;
  /** The text of the statement, without its parameters. */
  readonly query?: string | undefined;
}> {
  override get message(): string {
    return this.reason.message;
  }

  /** Whether the same program may succeed when it is run again. */
  get isRetryable(): boolean {
    return retryable.has(this.reason._tag);
  }
}

const tenantReasons: ReadonlySet<unknown> = new Set<TenantReason['_tag']>([
  'ImmutableTenantError',
  'InvalidTenantIdError',
  'RawSqlNotScopedError',
  'RowLevelSecurityError',
  'TenantDefinitionError',
  'TenantMismatchError',
  'UnscopedTableError',
  'UnsupportedTenantOperationError',
]);

/** Whether the library threw this. */
export const isTenantReason = (thrown: unknown): thrown is TenantReason =>
  thrown instanceof Error && tenantReasons.has((thrown as { _tag?: unknown })._tag);

/**
 * @param thrown what a driver, Drizzle or this library threw
 * @param query the text of the statement
 * @returns the error that says why
 */
export function dbErrorOf(thrown: unknown, query?: string): DbError {
  if (thrown instanceof DbError) return thrown;
  return new DbError({ reason: isTenantReason(thrown) ? thrown : reasonOf(innermost(thrown)), query });
}

/** The driver's error within Drizzle's, or within those of Effect's own SQL clients. */
function innermost(thrown: any): any {
  let error = thrown;
  for (let depth = 0; depth < 8; depth++) {
    if (Cause.isCause(error)) error = Cause.squash(error as Cause.Cause<unknown>);
    else if (typeof error?.code === 'string') return error;
    else if (error?._tag === 'SqlError') error = error.reason;
    else if (typeof error?.cause === 'object' && error.cause !== null) error = error.cause;
    else return error;
  }
  return error;
}

/** What the drivers say when the connection, rather than the statement, is at fault. */
const isConnectionCode = (code: string) =>
  /^(08...|57P0[1235]|53300|25P03|CONNECT(ION)?_\w+|E[A-Z]{4,})$/.test(code) && code !== 'EXECUTE';

function reasonOf(error: any): DbErrorReason {
  const message = typeof error?.message === 'string' ? error.message : String(error);
  const code: string | undefined = typeof error?.code === 'string' ? error.code : undefined;
  if (code === undefined) {
    const isConnection = /connection (terminated|closed|ended|timeout)|timeout exceeded when trying to connect/i.test(
      message,
    );
    return isConnection
      ? new ConnectionError({ message, cause: error })
      : new QueryError({ code, message, cause: error });
  }
  if (isConnectionCode(code)) return new ConnectionError({ message, cause: error });
  if (code.startsWith('28') || code === '3D000') return new AuthenticationError({ code, message });
  // What Citus passes on from a worker is the message alone, without the fields that tell the names in it.
  if (error.routine === 'ReportResultError' && code.startsWith('23')) return reasonOf(relayed(code, message));
  const report = { code, message };
  switch (code) {
    case '23505':
      return new UniqueViolation(constraintOf(error, report));
    case '23503':
      return new ForeignKeyViolation(constraintOf(error, report));
    case '23514':
      return new CheckViolation(constraintOf(error, report));
    case '23P01':
      return new ExclusionViolation(constraintOf(error, report));
    case '23502': {
      const { constraint, ...rest } = constraintOf(error, report);
      return new NotNullViolation({
        ...rest,
        column: error.column_name ?? error.column ?? '',
        constraint: constraint || undefined,
      });
    }
    case '40001':
      return new SerializationError(report);
    case '40P01':
      return new DeadlockError(report);
    case '55P03':
      return new LockTimeoutError(report);
    case '57014':
      return /user request/.test(message) ? new CancelledError(report) : new StatementTimeoutError(report);
    default:
      return new QueryError(report);
  }
}

/**
 * A worker's error with its names, which are those of shards: a table's is that of the schema and the number of the
 * shard, and so are those of indexes and foreign keys. A check keeps its own.
 */
function relayed(code: string, text: string) {
  const hasIndex = code === '23505' || code === '23P01';
  const shards = [
    ...text.matchAll(hasIndex ? /\bconstraint "[^"]*(_\d+)"/g : /\b(?:relation|table) "[^"]*(_\d+)"/g),
  ].map(([, shard]) => shard!);
  const plain = (name: string) => {
    const shard = shards.find((it) => name.endsWith(it));
    return shard === undefined ? name : name.slice(0, -shard.length);
  };
  const message = text.replaceAll(
    /\b(constraint|relation|table) "([^"]*)"/g,
    (_, kind, name) => `${kind} "${plain(name)}"`,
  );
  const named = (kind: string) => new RegExp(`\\b(?:${kind}) "([^"]*)"`).exec(message)?.[1];
  return { code, message, constraint: named('constraint'), table: named('relation|table'), column: named('column') };
}

/** postgres.js has PostgreSQL's names for the fields, the other drivers shorter ones. */
function constraintOf(error: any, { code, message }: Report): ConstraintReport {
  const constraint: string = error.constraint_name ?? error.constraint ?? '';
  const table: string | undefined = error.table_name ?? error.table;
  // On a Citus that runs a shard's statement itself, both are those of the schema and the number of the shard.
  const shard = /_\d{6,}$/.exec(table ?? '')?.[0];
  if (shard === undefined || !constraint.endsWith(shard)) return { code, message, constraint, table };
  const plain = (name: string) => (name.endsWith(shard) ? name.slice(0, -shard.length) : name);
  return {
    code,
    constraint: plain(constraint),
    table: plain(table!),
    message: message.replaceAll(/"([^"]*)"/g, (_, name: string) => `"${plain(name)}"`),
  };
}
