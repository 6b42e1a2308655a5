/** The session of a handle: it runs nothing but what has passed the gate. */
import type { SQL } from 'drizzle-orm';
import { UnsupportedTenantOperationError } from '../errors.js';
import { rowsOf, type Asked } from '../drivers/cursor.js';
import type { Marks } from '../drivers/marks.js';
import { commentOf } from './gate.js';
import { columnOf } from '../schema/tenancy.js';
import type { Statements } from '../drivers/prepares.js';
import { loadParser, parser, type Parse } from '../sql/load.js';
import type { ScopedDialect } from './handles.js';
import { ProvedQuery, WaitingQuery } from './compiled.js';

/** The transaction of a handle: whether it is still open, and whether row-level security knows its tenant. */
export interface InTransaction {
  readonly open: boolean;
  readonly isBound: boolean;
}

type Values = Record<string, unknown>;

/** How a prepared query was asked for, which a batch asks for again. */
export const asked = Symbol('asked');

/** What runs after something else, in the way in which the handle's statements run. */
export type After = <T>(first: () => Promise<T>, then: (it: T) => unknown) => unknown;

/** What a driver is given: the proved text, in its own marks. */
export type Sendable = { readonly sql: string; readonly params: readonly unknown[] };

/** How Drizzle's session prepares a query that outlives a migration. */
export type Lasting = (session: any, query: readonly [query: Sendable, ...how: How], isAlone: boolean) => any;

/** How Drizzle asks for a prepared query, besides the query. */
export type How = readonly [
  mode: unknown,
  name: unknown,
  mapper?: unknown,
  metadata?: unknown,
  cache?: any,
  shape?: unknown,
];

/** Opens a transaction for one statement's cursor, and gives its session. */
export type Begin = (body: (session: any) => Promise<void>) => Promise<unknown>;

export class ScopedSession {
  readonly #session: any;
  readonly #dialect: ScopedDialect;
  readonly #lifetime: InTransaction | undefined;
  readonly #after: After;
  readonly #statements: Statements | undefined;
  readonly #lasting: Lasting;
  readonly #marks: Marks | undefined;
  readonly #begin: Begin | undefined;
  #handedOut: object | undefined;

  constructor(
    session: object,
    dialect: ScopedDialect,
    lifetime: InTransaction | undefined,
    after: After,
    lasting: Lasting,
    statements?: Statements,
    marks?: Marks,
    begin?: Begin,
  ) {
    this.#session = session;
    this.#dialect = dialect;
    this.#lifetime = lifetime;
    this.#after = after;
    this.#statements = statements;
    this.#lasting = lasting;
    this.#marks = marks;
    this.#begin = begin;
  }

  prepareQuery(query: object, ...how: How) {
    this.#assertOpen();
    const prepared = WaitingQuery.is(query) ? this.#waiting(query, how) : this.#prepare(query as ProvedQuery, how);
    this.#handedOut = prepared;
    return prepared;
  }

  /** A query of this handle, as it is sent. */
  #sent(query: ProvedQuery): Sendable {
    if (ProvedQuery.scopeOf(query) !== this.#dialect.scope) {
      throw new UnsupportedTenantOperationError(
        'Run the query through the handle that built it: this statement was not scoped.',
      );
    }
    return this.#marks ? this.#marked(query, this.#marks) : query;
  }

  /** What of a query is given to a driver that runs several as one: no value comes later. */
  batched(query: ProvedQuery | WaitingQuery, parse: Parse): Sendable {
    const proved = WaitingQuery.is(query) ? WaitingQuery.pass(query, parse) : query;
    const sent = this.#sent(proved);
    ProvedQuery.valuesFor(proved, undefined);
    return sent;
  }

  /** What of a prepared query may be used: its driver would run it with other parameters, too. */
  #prepare(query: ProvedQuery, how: How) {
    const [mode, name, mapper, metadata, cache, shape] = how;
    const sent = this.#sent(query);
    const named = this.#nameOf(query.sql, name);
    const given = cache && { ...cache };
    const prepare = (values?: Values) => {
      const filed = given?.tag === undefined ? given : { ...given, tag: this.#dialect.scope.tag(given.tag, values) };
      return this.#lasting(this.#session, [sent, mode, named, mapper, metadata, filed, shape], !this.#lifetime);
    };
    // A cached result is the tenant's: a tag that the application chose is filed under the tenant of each run.
    const prepared = given?.tag === undefined ? prepare() : undefined;
    const execute = (values?: Values) => {
      this.#assertOpen();
      return (prepared ?? prepare(values)).execute(ProvedQuery.valuesFor(query, values));
    };
    const stream = (values?: Values, options?: { chunkSize?: number }) => {
      const own = prepared ?? prepare(values);
      if (!own.stream) return this.#rows(query, { ...sent, mode, mapper, shape }, values, options);
      this.#assertOpen();
      return own.stream(ProvedQuery.valuesFor(query, values), options);
    };
    return Object.freeze({ query, [asked]: how, getQuery: () => query, execute, stream });
  }

  /** The rows of a query one by one. What the cursor sends is looked at by the session of its transaction. */
  #rows(query: ProvedQuery, asked: Asked, values: Values | undefined, options: { chunkSize?: number } | undefined) {
    this.#assertOpen();
    const prepareQuery = (...how: unknown[]) => {
      this.#assertOpen();
      return this.#session.prepareQuery(...how);
    };
    const place = () => (this.#lifetime || !this.#begin ? { session: { prepareQuery } } : { begin: this.#begin });
    return rowsOf(place, asked, ProvedQuery.valuesFor(query, values), options?.chunkSize);
  }

  /**
   * Within a transaction, only what the application named itself: a statement whose result a migration has changed
   * fails once, and with it the transaction. Outside of one it runs again.
   */
  #nameOf(text: string, name: unknown): unknown {
    if (this.#lifetime) return typeof name === 'string' ? name : false;
    return name === false ? (this.#statements?.prepares(text) ?? false) : name;
  }

  /** The proved query, for a driver that marks parameters otherwise. */
  #marked(query: ProvedQuery, marks: Marks) {
    const number = ProvedQuery.tenantOf(query);
    const { reach, tenancy } = this.#dialect.scope;
    const type =
      number === undefined ? undefined : `${columnOf(tenancy!).getSQLType()}${reach.kind === 'several' ? '[]' : ''}`;
    return {
      sql: marks.in(
        parser()!,
        query.sql,
        type === undefined ? undefined : { number: number!, type },
        reach.kind === 'all' ? commentOf(reach.reason) : undefined,
      ),
      params: query.params,
    };
  }

  /** A query that passes the gate when it is run. */
  #waiting(query: WaitingQuery, how: How) {
    let prepared: any;
    const run =
      (method: string) =>
      (...args: unknown[]) =>
        this.#after(loadParser, (parse) => {
          this.#assertOpen();
          prepared ??= this.#prepare(WaitingQuery.pass(query, parse), how);
          return prepared[method](...args);
        });
    const [execute, stream] = [run('execute'), run('stream')];
    return Object.freeze({ query, [asked]: how, getQuery: () => query, execute, stream });
  }

  /** Whether a prepared query is this session's own, the last that it gave. */
  hasPrepared(prepared: object): boolean {
    return prepared !== undefined && prepared === this.#handedOut;
  }

  execute(query: SQL) {
    return this.#run(query, 'raw');
  }

  arrays(query: SQL) {
    return this.#run(query, 'arrays');
  }

  objects(query: SQL) {
    return this.#run(query, 'objects');
  }

  #run(query: SQL, mode: string) {
    return this.prepareQuery(this.#dialect.sqlToQuery(query), mode, false).execute();
  }

  #assertOpen(): void {
    if (this.#lifetime && !this.#lifetime.open) {
      throw new UnsupportedTenantOperationError('Use the handle inside its transaction: this one has ended.');
    }
  }
}
