/** The last gate: a session that runs nothing but what the scoped dialect rendered. */
import type { SQL } from 'drizzle-orm';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import type { ScopedDialect } from './handles.js';
import { prove } from './raw.js';
import { RenderedQuery } from './rendered.js';
import type { Statements } from './statements.js';

/** The transaction of a handle: whether it is still open, and whether row-level security knows its tenant. */
export interface Lifetime {
  open: boolean;
  readonly isBound: boolean;
}

export class ScopedSession {
  readonly #session: any;
  readonly #dialect: ScopedDialect;
  readonly #lifetime: Lifetime | undefined;
  readonly #after: (check: () => Promise<void>, run: () => unknown) => unknown;
  readonly #statements: Statements | undefined;
  #handedOut: object | undefined;

  constructor(
    session: object,
    dialect: ScopedDialect,
    lifetime: Lifetime | undefined,
    after: (check: () => Promise<void>, run: () => unknown) => unknown,
    statements?: Statements,
  ) {
    this.#session = session;
    this.#dialect = dialect;
    this.#lifetime = lifetime;
    this.#after = after;
    this.#statements = statements;
  }

  prepareQuery(query: object, mode: unknown, name: unknown, mapper?: unknown, metadata?: unknown, cache?: any, shape?: unknown) {
    if (!RenderedQuery.scopeOf(query)) {
      throw new UnsupportedTenantOperationError('Run the query through the handle that built it: this statement was not scoped.');
    }
    this.#assertOpen();
    const named = name === false ? (this.#statements?.prepares((query as RenderedQuery).sql) ?? false) : name;
    const prepare = () => this.#session.prepareQuery(query, mode, named, mapper, metadata, this.#cacheOf(cache), shape);
    if (!RenderedQuery.isProved(query)) return this.#proveFirst(query as RenderedQuery, prepare);
    return this.#handOut(query as RenderedQuery, prepare());
  }

  /** What of a prepared query may be used: its driver would run it with other parameters, too. */
  #handOut(query: RenderedQuery, prepared: any) {
    const handedOut: { execute(...args: unknown[]): any } = Object.freeze({
      query,
      getQuery: () => query,
      execute: (...args: unknown[]) => {
        this.#assertOpen();
        return prepared.execute(...args);
      },
      ...(prepared.stream && { stream: (...args: unknown[]) => prepared.stream(...args) }),
    });
    this.#handedOut = handedOut;
    return handedOut;
  }

  /** A prepared query that the driver does not see before it is proved. */
  #proveFirst(query: RenderedQuery, prepare: () => any) {
    let prepared: any;
    const proved = (run: () => unknown) =>
      this.#after(
        async () => {
          this.#assertOpen();
          await prove(query, this.#dialect);
        },
        () => {
          this.#assertOpen();
          prepared ??= prepare();
          return run();
        },
      );
    const proveFirst = {
      query,
      getQuery: () => query,
      execute: (...args: unknown[]) => proved(() => prepared.execute(...args)),
      stream: (...args: unknown[]) => proved(() => prepared.stream(...args)),
    };
    this.#handedOut = proveFirst;
    return Object.freeze(proveFirst);
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

  /** A cached result is the tenant's: a tag that the application chose is filed under the tenant. */
  #cacheOf(given: any): unknown {
    const cache = given && { ...given };
    return cache?.tag === undefined ? cache : { ...cache, tag: tagOf(this.#dialect, cache.tag) };
  }

  #assertOpen(): void {
    if (this.#lifetime && !this.#lifetime.open) {
      throw new UnsupportedTenantOperationError('Use the handle inside its transaction: this one has ended.');
    }
  }
}

/** A cache tag, within the tenant. */
export const tagOf = (dialect: ScopedDialect, tag: string) => `${dialect.scope.key}:${tag}`;
