import type { Tdb } from '../../support/databases.js';
import type { Schema } from '../../support/comparison.js';

/** A program, and what a suite has to know of it. */
export interface Program {
  readonly name: string;
  readonly run: (tdb: Tdb, schema: Schema) => unknown;
  /** The program orders its rows: they are compared in that order. */
  readonly ordered?: boolean;
  /** Why Drizzle's own handle does not run it, or has another result. */
  readonly notPlain?: string;
  /** It ends in an error of PostgreSQL. */
  readonly fails?: boolean;
  /** What Citus refuses of it, with literals in place of the predicates too. */
  readonly notCitus?: string;
  /** What Citus refuses of it under row-level security. */
  readonly notCitusRls?: string;
}
