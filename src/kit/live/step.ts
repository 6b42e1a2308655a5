/** A step from a live database to what the schema asks for. */

/** One step: a transaction of its own, after which the database can be compared again. */
export interface PlanStep {
  readonly table: string;
  readonly what: string;
  readonly sql: readonly string[];
  /** How much is moved: an estimate of the rows, and the size. */
  readonly rows?: number;
  readonly bytes?: number;
  /** Finds what would make the step fail. */
  readonly precondition?: { readonly query: string; readonly remedy: string };
  /** Each statement runs by itself, outside of a transaction: what stops halfway is found, and finished, by the next run. */
  readonly alone?: boolean;
}
