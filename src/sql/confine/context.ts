/** What the parts of confining share: the text, what is put into it, and what is known from outside. */
import { UnscopedTableError } from '../../errors.js';
import type { Given } from '../given.js';
import { otherTenancy } from '../other-tenancy.js';
import type { Node } from '../parser.js';
import { quoted, Refusal } from '../refusal.js';
import type { Declared } from '../tables.js';
import { Tokens } from '../tokens.js';
import type { Barrier } from './barrier.js';
import type { Ctes } from './rows.js';
import { Splices } from './splices.js';

/** The tenant of each row that a level of a query has, as SQL. Of use where the reach is more than one tenant. */
export interface Tenant {
  readonly sql: string;
  /** The names of the sources of rows that it is read from. */
  readonly names: readonly string[];
  /** The column's own name, where it is one column. */
  readonly column?: string | undefined;
  /** Whether rows of reference tables only may have none. */
  readonly isNullable?: boolean;
  /** Whether its rows may be everybody's: then it is null, and tells no tenant to a query within. */
  readonly isEverybodys?: boolean;
  /** The other tables with rows of everybody in the same rows, where none has a tenant in each. */
  readonly besides?: readonly Tenant[];
}

/** What a level of a statement sees. */
export interface Level {
  readonly parent: Level | undefined;
  readonly ctes: Ctes | undefined;
  /** The tenant whose rows everything here is about: of a query around, or of the sources of rows. */
  readonly anchor: Tenant | undefined;
  /** The names of its sources of rows. */
  readonly names: readonly string[];
  /** How many of its parts read tenants' rows on their own. */
  readonly alone: { count: number };
  /** What stands in its FROM, for conditions that can raise. Filled where the reach is `several`. */
  readonly sources: Source[];
}

/** One source of rows. */
export interface Source {
  readonly name: string;
  readonly schema?: string | undefined;
  /**
   * Whether it has a column, and that can raise where it is read: one of a query that is merged with the one around.
   */
  readonly raises: (column: string) => boolean | undefined;
  /** The column that tells its rows' tenant, as SQL; undefined where none does. */
  readonly tenant: string | undefined;
  /** Whether it has rows of tenants. */
  readonly holds: boolean;
  /** Of a lateral query: what it may name besides. */
  readonly besides?: readonly Source[] | undefined;
  /** Whether an outer join fills it up with nulls, or its rows may be everybody's. */
  isNullable: boolean;
}

/** Where a predicate may stand that filters the rows of one source, and no others. */
export type Sink = ((predicate: string) => void) | undefined;

/** By which name a table's columns are known, as SQL. */
export function nameOf({ schemaname, relname, alias }: Node): string {
  if (alias) return quoted(alias.aliasname);
  return schemaname === undefined ? quoted(relname) : `${quoted(schemaname)}.${quoted(relname)}`;
}

export abstract class Context {
  readonly splices: Splices;
  #tokens: Tokens | undefined;
  #tenancy: unknown;

  constructor(
    text: string,
    readonly given: Given,
  ) {
    this.splices = new Splices(text);
    this.#tenancy = given.tenancy;
  }

  /** Walks whatever stands in the tree, to the queries in it. */
  abstract visit(node: Node, level: Level): void;
  /**
   * Confines a query.
   *
   * @param isLocked whether FOR UPDATE or FOR SHARE of a query around locks its rows
   */
  abstract select(node: Node, around: Level, isLocked?: boolean): void;

  /** Scanned when first asked for: where every place is told by the tree, it never is. */
  get tokens(): Tokens {
    return (this.#tokens ??= new Tokens(this.splices.bytewise));
  }

  /** The tenant's parameter. */
  get tenant(): string {
    return `$${this.given.count + 1}`;
  }

  #taken: Set<string> | undefined;
  #names = 0;

  /** A name that stands nowhere in the text. */
  newName(): string {
    this.#taken ??= new Set(this.splices.text.match(/_\d+/g));
    let name: string;
    do name = `_${++this.#names}`;
    while (this.#taken.has(name));
    return `"${name}"`;
  }

  /** Whether rows of several tenants are in sight, which have to be kept apart. */
  get isMany(): boolean {
    const { reach, filters } = this.given;
    return filters && (reach === 'several' || reach === 'all');
  }

  /** Whether a condition may come before the filter on the tenants, because it costs less. */
  get needsBarrier(): boolean {
    return this.given.filters && this.given.reach === 'several';
  }

  /**
   * What confines a table's rows to the reach; undefined where nothing does.
   *
   * @param withEverybody whether rows of everybody are among them: those that are read, and neither written nor locked
   */
  predicate(column: string, withEverybody = false): string | undefined {
    const { reach, filters } = this.given;
    if (!filters || reach === 'all') return undefined;
    const own = reach === 'several' ? `${column} = any(${this.tenant})` : `${column} = ${this.tenant}`;
    return withEverybody ? `(${own} or ${column} is null)` : own;
  }

  /**
   * The table that a name means.
   *
   * @throws UnscopedTableError when the handle may not touch it
   */
  find({ catalogname, schemaname, relname, location }: Node): Declared {
    if (catalogname) throw new Refusal('the name of a database stands before a table', 'Leave it out', location);
    const table = this.given.tables.find(schemaname, relname, location);
    if (!table.tenant) return table;
    const { name } = table;
    if (this.given.reach === 'shared') {
      throw new UnscopedTableError(
        name,
        `Use db.forTenant(id) for "${name}": db.shared holds the reference tables only.`,
      );
    }
    this.#tenancy ??= table.tenant.tenancy;
    if (this.#tenancy !== table.tenant.tenancy) throw otherTenancy(name, table.tenant.tenancy, this.#tenancy);
    return table;
  }

  /**
   * Puts predicates before what a WHERE or ON says, which is closed in parentheses.
   *
   * @param keyword the index of WHERE or ON
   * @param end the index behind its condition
   * @param barriers what is put before parts of the condition that can raise
   */
  conjoin(keyword: number, end: number, predicates: readonly string[], barriers: readonly Barrier[] = []): void {
    const { tokens, splices } = this;
    const text = ` ${predicates.join(' and ')} and`;
    // A condition in parentheses needs no more of them.
    const isClosed =
      predicates.length === 0 || (tokens.word(keyword + 1) === '(' && tokens.pair(keyword + 1) === end - 1);
    if (predicates.length > 0) {
      if (isClosed) splices.insert(tokens.end(keyword), text);
      else splices.insert(tokens.start(keyword + 1), `${text.slice(1)} (`);
    }
    for (const it of barriers) {
      splices.insert(tokens.start(it.from), `case when ${it.test} then (`);
      splices.insert(tokens.end(it.to - 1), ') end');
    }
    if (!isClosed) splices.insert(tokens.end(end - 1), ')');
  }
}

/** Refuses a query of several tenants whose rows would meet. */
export function refuseMeeting(reason: string, location?: number): never {
  throw new Refusal(
    reason,
    'Group by the tenant column and join on it; a query that groups nothing selects it, ' +
      'a window partitions by it, and counts over all tenants are statements of their own',
    location,
  );
}
