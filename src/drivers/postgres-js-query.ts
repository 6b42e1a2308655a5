/**
 * Queries of postgres.js that fail alone. postgres.js sends several down one connection before the first is answered:
 * one that cannot be written then fails another, and waits for ever for an answer to what was never sent. And it takes
 * queries for a connection that has failed, until that is closed, and leaves them without an answer.
 */

import { refusalOfConnection, warn } from './postgres-js-parts.js';

/** What of a connection is used. */
export interface Connection {
  /** Sends a query. @returns false where it has to be answered before another one is sent */
  execute(query: Query): unknown;
  /** Called when all that was sent is answered, and the transaction is still open. Null when it is not. */
  reserved: (() => void) | null;
  onclose: ((error: unknown) => void) | null;
  terminate(): void;
}

/** A query of postgres.js, which is handed to its handler when it is awaited. */
export interface Query extends Promise<any> {
  handler: (query: Query) => void;
  readonly options: { readonly prepare?: boolean };
  active: boolean;
  cancelled: unknown;
  /** These are called by the connection, which awaits nothing: so a query can be listened to without a promise. */
  resolve: (result: any) => void;
  reject: (error: unknown) => void;
  execute(): Query;
  values(): Query;
}

/** Whatever makes queries: a client, or what `begin` gives. */
export interface Client {
  /** None where the client of a transaction makes them. */
  readonly options?: { readonly serializers: Serializers; readonly transform: { readonly undefined: unknown } };
  unsafe(text: string, args?: unknown[], options?: object): Query;
}

type Serializers = Record<number, ((value: unknown) => unknown) | undefined>;

/** Of the protocol, as postgres.js counts them. */
const maxParameters = 65_533;

/** Whether the server said this, and answers what comes next. */
export const isAnswer = (error: unknown) => (error as { name?: unknown } | undefined)?.name === 'PostgresError';

/**
 * Fails a query for another reason than the server's answer. Whoever waits hears of it when the loss is over: what
 * postgres.js takes while connections end, it may never write; a timer comes after that, and what a timer sends is
 * written before anything else ends. Until then, the answer to what came next is none to this query.
 */
export function failLater(query: Query, fail: () => void): void {
  query.resolve = () => {};
  afterLoss(fail);
}

/** Calls when connections that are ending have ended. */
export const afterLoss = (tell: () => void) => void setTimeout(tell, 0);

/** Of a connection that ends with an error, postgres.js keeps what it took since. This drops it. */
export function dropRest(this: Connection): void {
  this.terminate();
}

/** Why a statement can never be sent, as postgres.js says it. */
export function refusal({ options }: Client, args: unknown[] = []): Error | undefined {
  const refused = (code: string, message: string) => Object.assign(new Error(message), { code });
  if (args.length > maxParameters)
    return refused('MAX_PARAMETERS_EXCEEDED', `Max number of parameters (${maxParameters}) exceeded`);
  if (options && options.transform.undefined === undefined && args.includes(undefined))
    return refused('UNDEFINED_VALUE', 'Undefined values are not allowed');
  return undefined;
}

const serializersOf = Symbol('serializers');
const describeFirst = Symbol('describeFirst');
const isChecked = Symbol('isChecked');

/** What postgres.js sets when it is about to write a query. */
interface Building {
  parameters: unknown[];
  prepare: boolean;
  prepared: boolean;
  statement: { readonly string: string; readonly types: number[]; readonly name: string };
  [serializersOf]: Serializers;
  [describeFirst]: unknown;
  [isChecked]: boolean;
}

const prototypes = new WeakMap<object, object>();

/**
 * The values of a prepared query are written with its text, and those of others after the server has said their types:
 * one that cannot be written then fails alone. So a prepared query with such a value is sent like the others.
 */
export function failsAlone(query: Query, serializers: Serializers): Query {
  const base = Object.getPrototypeOf(query);
  if (!prototypes.has(base)) {
    const asked: PropertyDescriptor & ThisType<Building> = {
      get() {
        if (this[isChecked]) return this[describeFirst];
        this[isChecked] = true;
        if (this.prepared && !isWritable(this)) {
          const { string, types } = this.statement;
          Object.assign(this, {
            prepare: false,
            prepared: false,
            statement: { string, types: [...types], name: '' },
            [describeFirst]: true,
          });
        }
        return this[describeFirst];
      },
      set(value) {
        this[describeFirst] = value;
        this[isChecked] = false;
      },
    };
    prototypes.set(base, Object.create(base, { describeFirst: asked }));
  }
  const { resolve } = query;
  query.resolve = (result) => {
    if (!(isChecked in query)) warn("a value that cannot be written fails another's query");
    resolve(result);
  };
  return Object.setPrototypeOf(Object.assign(query, { [serializersOf]: serializers }), prototypes.get(base)!);
}

function isWritable({ parameters, statement: { types }, [serializersOf]: serializers }: Building): boolean {
  try {
    return parameters.every((value, i) => {
      const serialize = serializers[types[i]!];
      return value === null || typeof (serialize ? serialize(value) : '' + value) === 'string';
    });
  } catch {
    return false;
  }
}

/**
 * Where a query fails, postgres.js goes on counting its rows: the result of the next one on the connection, which may
 * be another tenant's, begins with as many empty places. This takes them out.
 */
export function countsAnew<T extends Pick<Query, 'resolve'>>(query: T): T {
  const { resolve } = query;
  query.resolve = (result) => {
    if (Array.isArray(result) && result.length > 0 && !(0 in result)) result.splice(0, Number(Object.keys(result)[0]));
    resolve(result);
  };
  return query;
}

const whenOutdated = Symbol('when outdated');
const outdatedPrototypes = new WeakMap<object, object>();

/**
 * postgres.js runs a statement again when its plan is out of date, behind whatever was sent since: behind COMMIT in a
 * transaction, and elsewhere it then gives the answers to the wrong queries, or to none. It says so to the query first,
 * which here has it fail instead.
 */
export function neverAgain(query: Query, told: () => void): void {
  const base = Object.getPrototypeOf(query);
  if (!outdatedPrototypes.has(base)) {
    const retried: PropertyDescriptor & ThisType<Query & { [whenOutdated]: () => void }> = {
      get: () => undefined,
      set(error) {
        this[whenOutdated]();
        this.cancelled = true;
        this.reject(error);
      },
    };
    outdatedPrototypes.set(base, Object.create(base, { retried }));
  }
  Object.setPrototypeOf(Object.assign(query, { [whenOutdated]: told }), outdatedPrototypes.get(base)!);
}

/** Whether the server does not know a prepared statement, or has another one of its name: it ran nothing. */
export const isForgotten = (error: any): boolean =>
  (error?.code === '26000' && error.routine === 'FetchPreparedStatement') ||
  (error?.code === '42P05' && error.routine === 'StorePreparedStatement');

/** postgres.js fails the first query of a connection, unsent, with what the server said as it ended the one before. */
export const isStale = (query: Query, error: any): boolean =>
  !(query as unknown as { state: unknown }).state && /^57P0/.test(String(error?.code));

/**
 * A statement of its own, on whatever connection comes next.
 *
 * @param outdated is told when its plan is out of date, so that it was not run
 */
export function lone(
  client: Client,
  text: string,
  args?: unknown[],
  options?: { readonly prepare?: boolean; readonly isAlone?: boolean },
  outdated = () => {},
): Query {
  const onexecute = (connection: Connection) => {
    const lacking = refusalOfConnection(connection);
    if (lacking) reject(lacking);
    connection.onclose ??= dropRest;
    return !options?.isAlone;
  };
  const query = countsAnew(client.unsafe(text, args, { ...options, onexecute }));
  const { reject } = query;
  const refused = refusal(client, args);
  if (refused) query.handler = () => query.reject(refused);
  else if (options?.prepare && client.options) neverAgain(failsAlone(query, client.options.serializers), outdated);
  query.reject = (error) => (isAnswer(error) ? reject(error) : failLater(query, () => reject(error)));
  return query;
}
