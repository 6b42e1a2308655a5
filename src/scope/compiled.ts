/** The queries of scoped handles, on both sides of the gate: nothing else passes the session. */
import { UnsupportedTenantOperationError } from '../errors.js';
import { parser, type Parse } from '../sql/load.js';
import type { Passed } from './gate.js';
import type { Scope } from './scope.js';

type Values = Record<string, unknown>;
type ValuesOf = (values: Values | undefined) => Values;

/** A query that has passed the gate, as it is sent. */
export class ProvedQuery {
  readonly #scope: Scope;
  readonly #valuesOf: ValuesOf | undefined;
  readonly #usesTenant: boolean;
  readonly sql: string;
  readonly params: readonly unknown[];

  /** @param valuesOf looks at the values of placeholders that stand where a row names its tenant */
  constructor({ text, usesTenant }: Passed, params: readonly unknown[], scope: Scope, valuesOf?: ValuesOf) {
    this.sql = text;
    this.params = params;
    this.#scope = scope;
    this.#valuesOf = valuesOf;
    this.#usesTenant = usesTenant;
    Object.freeze(params);
    Object.freeze(this);
  }

  /** @returns the values that a query is run with */
  static valuesFor(query: ProvedQuery, values: Values | undefined): Values | undefined {
    return query.#valuesOf ? query.#valuesOf(values) : values;
  }

  /** @returns the number of the tenant's parameter, which is the last one; undefined where the text has none */
  static tenantOf(query: ProvedQuery): number | undefined {
    return query.#usesTenant ? query.params.length : undefined;
  }

  /** @returns the scope of a query, undefined for one that did not pass the gate */
  static scopeOf(query: object): Scope | undefined {
    return #scope in query ? query.#scope : undefined;
  }
}

/**
 * A query that passes the gate, or is refused, when it is run: where the parser is not loaded yet, or nothing may be
 * thrown before.
 */
export class WaitingQuery {
  readonly #pass: (parse: Parse) => ProvedQuery;

  constructor(pass: (parse: Parse) => ProvedQuery) {
    this.#pass = pass;
    Object.freeze(this);
  }

  get sql(): string {
    return this.#now().sql;
  }

  get params(): readonly unknown[] {
    return this.#now().params;
  }

  #now(): ProvedQuery {
    const parse = parser();
    if (parse) return this.#pass(parse);
    throw new UnsupportedTenantOperationError(
      "Await db.ready before toSQL(): PostgreSQL's parser is still being loaded, and tells where the " +
        'tenant has to stand.',
    );
  }

  static is(query: object): query is WaitingQuery {
    return #pass in query;
  }

  static pass(query: WaitingQuery, parse: Parse): ProvedQuery {
    return query.#pass(parse);
  }
}

// What toSQL() gives leads to no constructor: nobody makes one by hand.
for (const { prototype } of [ProvedQuery, WaitingQuery])
  Object.defineProperty(prototype, 'constructor', { value: Object });
