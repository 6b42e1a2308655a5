/**
 * The corpus: ordinary Drizzle programs over the test schema, as data, so that other suites can run the same ones
 * (plans on Citus, other drivers, timings). Each runs on a tenant's handle, and, but for those that say otherwise, on
 * Drizzle's own handle over a database that holds that tenant alone.
 */
import { aggregates } from './programs/aggregates.js';
import { composed } from './programs/composed.js';
import { joins } from './programs/joins.js';
import { relational } from './programs/relational.js';
import { selects } from './programs/selects.js';
import { templates } from './programs/templates.js';
import { transactions } from './programs/transactions.js';
import { writes } from './programs/writes.js';
import type { Program } from './programs/program.js';

export type { Program } from './programs/program.js';
export const programs: readonly Program[] = [
  ...selects,
  ...joins,
  ...aggregates,
  ...composed,
  ...templates,
  ...relational,
  ...writes,
  ...transactions,
];
