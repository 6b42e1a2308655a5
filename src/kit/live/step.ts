/** A step from a live database to what the schema asks for. */

import type { TableName } from '../names.js';
import type { Fill } from '../online.js';

/** Rows that get a value, batch by batch. */
export interface FillStep {
  readonly table: TableName & { readonly kind: 'local' | 'reference' | 'tenant' };
  readonly fill: Fill;
  /** The columns by which the rows are taken in order; undefined where no key names a row. */
  readonly key: readonly string[] | undefined;
  /** Of each column, how its type is written. */
  readonly types: Readonly<Record<string, readonly string[]>>;
}

/** One step: a transaction of its own, after which the database can be compared again. */
export interface PlanStep {
  readonly table: string;
  readonly what: string;
  readonly sql: readonly string[];
  /** How much is moved: an estimate of the rows, and the size. */
  readonly rows?: number;
  readonly bytes?: number;
  /** Finds what would make the step fail. A row of it may have a remedy of its own. */
  readonly precondition?: { readonly query: string; readonly remedy: string };
  /**
   * Each statement runs by itself, outside of a transaction: what stops halfway is found, and finished, by the next
   * run.
   */
  readonly alone?: boolean;
  readonly fill?: FillStep;
  /** The index that is built, whose progress is told. */
  readonly index?: TableName;
  /** What to do when a row is what makes the step fail. */
  readonly ifFailed?: string;
}
