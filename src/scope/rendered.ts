/** The queries of scoped handles, on both sides of the gate: nothing else passes the session. */
import { UnsupportedTenantOperationError } from '../errors.js';
import type { Passed } from './gate.js';
import type { Scope } from './scope.js';

type Values = Record<string, unknown>;
type ValuesOf = (values: Values | undefined) => Values;

/** A query that has passed the gate, as it is sent. */
export class ProvedQuery {
  readonly #scope: Scope;
  readonly #valuesOf: ValuesOf | undefined;
  readonly sql: string;
  readonly params: readonly unknown[];

  /** @param valuesOf looks at the values of placeholders that stand where a row names its tenant */
  constructor({ text }: Passed, params: readonly unknown[], scope: Scope, valuesOf?: ValuesOf) {
    this.sql = text;
    this.params = params;
    this.#scope = scope;
    this.#valuesOf = valuesOf;
    Object.freeze(params);
    Object.freeze(this);
  }

  /** @returns the values that a query is run with */
  static valuesFor(query: ProvedQuery, values: Values | undefined): Values | undefined {
    return query.#valuesOf ? query.#valuesOf(values) : values;
  }

  /** @returns the scope of a query, undefined for one that did not pass the gate */
  static scopeOf(query: object): Scope | undefined {
    return #scope in query ? query.#scope : undefined;
  }
}

/** A query that waits for PostgreSQL's parser, which the first statements of a process may overtake. */
export class WaitingQuery {
  readonly #text: string;
  readonly #params: unknown[];

  constructor(text: string, params: unknown[]) {
    this.#text = text;
    this.#params = params;
    Object.freeze(this);
  }

  get sql(): string {
    throw notReady();
  }

  get params(): unknown[] {
    throw notReady();
  }

  static is(query: object): query is WaitingQuery {
    return #text in query;
  }

  /** What it waits with. */
  static read(query: WaitingQuery): { text: string; params: unknown[] } {
    return { text: query.#text, params: query.#params };
  }
}

const notReady = () =>
  new UnsupportedTenantOperationError("Await db.ready before toSQL(): PostgreSQL's parser is still being loaded, and tells where the tenant has to stand.");
