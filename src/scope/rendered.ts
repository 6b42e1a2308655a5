/** The queries that this library rendered: nothing else passes the session. */
import { Param } from 'drizzle-orm';
import { chunkKindOf, chunkKinds } from './chunks.js';
import type { Scope } from './scope.js';
import { isCarried, valueOf } from './values.js';

/** A query as it is sent, for good: nobody changes it between the scoping, the proof and the driver. */
export class RenderedQuery {
  readonly #scope: Scope;
  readonly #isProved: boolean;
  readonly sql: string;
  readonly params: readonly unknown[];

  /** @param isProved false where it holds text that was not understood: it is proved before it is sent */
  constructor(sql: string, given: readonly unknown[], scope: Scope, isProved: boolean) {
    const params = given.some(isCarried) ? given.map(valueOf) : given;
    this.sql = sql;
    this.params = params;
    this.#scope = scope;
    this.#isProved = isProved;
    for (const param of Object.freeze(params)) if (chunkKindOf(param) === chunkKinds.param) Object.freeze(param as Param);
    Object.freeze(this);
  }

  /** @returns the scope of a query, undefined for one that was not rendered here */
  static scopeOf(query: object): Scope | undefined {
    return #scope in query ? query.#scope : undefined;
  }

  static isProved(query: object): boolean {
    return #scope in query && query.#isProved;
  }
}
