/** The last word on each response: what fails is JSON that says why, whoever noticed it. */
import { ByteSize, Cause, Effect } from 'effect';
import { HttpIncomingMessage, HttpServerError, HttpServerRequest, HttpServerResponse } from 'effect/http';
import { DbError } from '../../src/effect/index.js';
import { answer } from './problems.js';

/** Larger than any request that makes sense here. */
export const maxBodySize = 64 * 1024;

const titles: Record<number, string> = {
  400: 'The request is not as it should be',
  403: 'This token is for another account',
  404: 'There is nothing under this address',
  413: `The body is larger than ${maxBodySize} bytes`,
  415: 'The body has to be application/json',
  500: 'The server has made a mistake',
  503: 'The database does not answer now: try again',
};

/** Those that an endpoint answers as well. */
const types: Record<number, string> = {
  403: '/problems/forbidden',
  404: '/problems/not-found',
  503: '/problems/unavailable',
};

export const withProblems = <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
  Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest;
    if (Number(headers['content-length']) > maxBodySize) return problem(413);
    return yield* app;
  }).pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(maxBodySize)),
    Effect.catchCause((cause) => (isTooLarge(cause) ? Effect.succeed(problem(413)) : failed(cause))),
    Effect.map((response) => finished(response)),
  );

const failed = (cause: Cause.Cause<unknown>) =>
  Effect.gen(function* () {
    const thrown = Cause.squash(cause);
    // A middleware that cannot ask the database dies of it: that is the database's fault, and not a mistake.
    const reason = thrown instanceof DbError ? yield* Effect.flip(Effect.sandbox(answer(Effect.fail(thrown)))) : cause;
    const [response] = yield* HttpServerError.causeResponse(reason);
    if (response.status === 500) yield* Effect.logError('A request failed', cause);
    return response;
  });

/** A body without a length is found to be too large while it is read. */
const isTooLarge = (cause: Cause.Cause<unknown>) =>
  cause.reasons.some((reason) => {
    const thrown: any = reason._tag === 'Fail' ? reason.error : reason._tag === 'Die' ? reason.defect : undefined;
    return thrown?._tag === 'HttpServerError' && thrown.reason.cause?._tag === 'MaxBytesError';
  });

function finished(response: HttpServerResponse.HttpServerResponse) {
  const { status, headers } = response;
  if (status < 400) return response;
  const body = headers['content-type']?.includes('problem+json') ? response : problem(status);
  if (status === 401) return HttpServerResponse.setHeader(body, 'www-authenticate', 'Bearer');
  if (status === 503) return HttpServerResponse.setHeader(body, 'retry-after', '1');
  return body;
}

const problem = (status: number) =>
  HttpServerResponse.jsonUnsafe(
    { type: types[status] ?? 'about:blank', status, title: titles[status] ?? 'The request cannot be answered' },
    // What is left of a body that is too large is not read: the connection ends here.
    { status, contentType: 'application/problem+json', headers: status === 413 ? { connection: 'close' } : {} },
  );
