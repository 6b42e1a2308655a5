/**
 * What can go wrong, as RFC 9457 problems: JSON that says what was wrong, and nothing of another tenant. What the
 * database says becomes one of these by its cause, and its own text goes to nobody.
 */
import { Effect, Schema, SchemaIssue } from 'effect';
import { HttpApiError, HttpApiMiddleware } from 'effect/http-api';
import type { DbError } from '../../src/effect/index.js';

const { Problem } = HttpApiError;

export class Unauthorized extends Problem<Unauthorized>()('Unauthorized', {
  type: '/problems/unauthorized',
  status: 401,
  title: 'A valid bearer token is needed',
}) {}

/** For an id of nobody and for one of another tenant alike: who asks cannot tell one from the other. */
export class NotFound extends Problem<NotFound>()('NotFound', {
  type: '/problems/not-found',
  status: 404,
  title: 'There is nothing under this address',
}) {}

export class Invalid extends Problem<Invalid>()(
  'Invalid',
  { type: '/problems/invalid', status: 400, title: 'The request is not as it should be' },
  { errors: Schema.optionalKey(Schema.Array(HttpApiError.ProblemIssue)) },
) {}

export class Conflict extends Problem<Conflict>()(
  'Conflict',
  { type: '/problems/conflict', status: 409, title: 'This does not go with what is there' },
  { constraint: Schema.String },
) {}

/** An id that leads nowhere, which an id of another tenant does as well. */
export class UnknownReference extends Problem<UnknownReference>()(
  'UnknownReference',
  { type: '/problems/unknown-reference', status: 422, title: 'An id in the request is that of nothing' },
  { constraint: Schema.String },
) {}

export class Unavailable extends Problem<Unavailable>()('Unavailable', {
  type: '/problems/unavailable',
  status: 503,
  title: 'The database does not answer now: try again',
}) {}

/** What any endpoint that asks the database may answer. */
export const databaseProblems = [Invalid, Conflict, UnknownReference, Unavailable] as const;
export type DatabaseProblem = InstanceType<(typeof databaseProblems)[number]>;

/** Turns the failures of the database, and no others, into problems. */
export const answer = <A, E, R>(
  program: Effect.Effect<A, E, R>,
): Effect.Effect<A, Exclude<E, DbError> | DatabaseProblem, R> =>
  Effect.catch(
    program,
    (error): Effect.Effect<never, Exclude<E, DbError> | DatabaseProblem> =>
      isDbError(error)
        ? Effect.andThen(Effect.logDebug(error.reason._tag, error.message), problemOf(error))
        : Effect.fail(error as Exclude<E, DbError>),
  );

const isDbError = (error: unknown): error is DbError => (error as { _tag?: unknown })?._tag === 'DbError';

function problemOf(error: DbError): Effect.Effect<never, DatabaseProblem> {
  const { reason } = error;
  switch (reason._tag) {
    case 'UniqueViolation':
      return Effect.fail(new Conflict({ detail: 'There is one of these already.', constraint: reason.constraint }));
    case 'ForeignKeyViolation': {
      const { constraint } = reason;
      // PostgreSQL says it of both ends: of a row that points at nothing, and of one that others point at.
      if (!reason.message.startsWith('insert'))
        return Effect.fail(new Conflict({ detail: 'Something else still needs this.', constraint }));
      return Effect.fail(new UnknownReference({ constraint }));
    }
    case 'CheckViolation':
    case 'NotNullViolation':
      return Effect.fail(new Invalid({ detail: 'A value is not allowed here.' }));
    case 'QueryError':
      // Class 22 is about values. Any other is a fault of the program: a 500, and the log tells.
      return reason.code?.startsWith('22')
        ? Effect.fail(new Invalid({ detail: 'PostgreSQL cannot hold a value.' }))
        : Effect.die(error);
    case 'ConnectionError':
    case 'AuthenticationError':
    case 'CancelledError':
    case 'DeadlockError':
    case 'LockTimeoutError':
    case 'SerializationError':
    case 'StatementTimeoutError':
      return Effect.fail(new Unavailable());
    default:
      return Effect.die(error);
  }
}

const standard = SchemaIssue.makeFormatterStandardSchemaV1();

/** Says in the body which value of the request was wrong, and why. A path that cannot be an id is one of nothing. */
export class Checked extends HttpApiMiddleware.Service<Checked>()('app/Checked', { error: [Invalid, NotFound] }) {
  static readonly layer = HttpApiMiddleware.layerSchemaErrorTransform(Checked, (error) => {
    if (error.kind === 'Params') return Effect.fail(new NotFound());
    if (error.kind === 'Body' || error.kind === 'ResponseHeaders') return Effect.die(error);
    const { issues } = standard(error.cause.issue);
    const errors = issues.map(({ message, path = [] }) => ({
      message,
      path: [error.kind.toLowerCase(), ...path.map(String)],
    }));
    return Effect.fail(new Invalid({ errors }));
  });
}
