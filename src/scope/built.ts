/**
 * SQL that this library built. What it holds is closed: the application gets an SQL object of Drizzle's that shows its
 * chunks only frozen, and what is sent is never read from there. So nobody adds to a statement after it was scoped, and
 * one that is built and sent at once need not be frozen at all.
 */
import { SQL, type Subquery } from 'drizzle-orm';
import { chunkKindOf, chunkKinds } from './chunks.js';
import type { Scope } from './scope.js';

/** What is known of a piece of SQL that this library built: for whom, and which CTEs it expects around it. */
export interface Built {
  readonly sql: SQL;
  readonly scope: Scope;
  readonly expects: ReadonlySet<string>;
  /** Whether it is a query without parentheses, which text beside it would add to. */
  readonly isOpen: boolean;
  /** What is sent, where a plan tells: the text and its parameters. */
  readonly planned?: { readonly text: string; readonly params: readonly unknown[] } | undefined;
}

let read: (query: object) => Built | undefined;

class BuiltSQL {
  readonly #built: Built;

  constructor(built: Built) {
    this.#built = built;
  }

  get queryChunks() {
    freeze(this.#built.sql);
    return this.#built.sql.queryChunks;
  }

  static {
    read = (query) => (#built in query ? query.#built : undefined);
  }
}

// It is an SQL object with another way to its chunks; the constructor of SQL would give it one of its own.
Object.setPrototypeOf(BuiltSQL, SQL);
Object.setPrototypeOf(BuiltSQL.prototype, SQL.prototype);
const { decoder, shouldInlineParams } = new SQL([]) as any;
Object.assign(BuiltSQL.prototype, { decoder, shouldInlineParams });

/** Down to the values: what an application reads here may be rendered again, as a part of another statement. */
function freeze(chunk: unknown): void {
  switch (chunkKindOf(chunk)) {
    case chunkKinds.sql: {
      const { queryChunks } = Object.freeze(chunk as SQL);
      if (!Object.isFrozen(queryChunks)) freezeAll(queryChunks);
      return;
    }
    case chunkKinds.subquery: {
      const { _ } = chunk as Subquery;
      if (!_.isWith) freeze(_.sql);
      Object.freeze(Object.freeze(chunk as Subquery)._);
      return;
    }
    case chunkKinds.param:
      // The codec of a placeholder is found when it is rendered.
      for (const key of ['value', 'encoder']) Object.defineProperty(chunk, key, { writable: false, configurable: false });
      return;
    case chunkKinds.string:
    case chunkKinds.name:
    case chunkKinds.aliased:
      Object.freeze(chunk);
      return;
    case chunkKinds.valueRows: {
      const { cells, encoders } = Object.freeze(chunk) as any;
      Object.freeze(encoders);
      freezeAll(cells);
      return;
    }
    default:
      if (Array.isArray(chunk)) freezeAll(chunk);
  }
}

function freezeAll(chunks: unknown[]): void {
  Object.freeze(chunks);
  for (const chunk of chunks) freeze(chunk);
}

/** Marks SQL as scoped, and closes it. The caller keeps no way to what it holds. */
export const markBuilt = (sql: SQL, scope: Scope, expects: ReadonlySet<string>, isOpen = true): SQL =>
  new BuiltSQL({ sql, scope, expects, isOpen }) as unknown as SQL;

/** SQL that is made when somebody asks for it. */
export const markPlanned = (built: Built): SQL => new BuiltSQL(built) as unknown as SQL;

/** What is known of SQL, if this library built it. */
export const builtBy = (query: SQL): Built | undefined => read(query);
