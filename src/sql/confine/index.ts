/**
 * Confines a statement to its tenant, on PostgreSQL's own parse tree. Predicates are put into the text at the places
 * that the tree names, and everything else stays as it was written. It may be wrong without a leak: what comes out is
 * parsed anew, and the prover has the last word.
 */
import type { Given } from '../given.js';
import type { Node } from '../parser.js';
import { checkCost } from './cost.js';
import { Statement } from './statement.js';

/** What became of a text. */
export interface Confined {
  readonly text: string;
}

/**
 * @param tree PostgreSQL's parse tree of `text`
 * @param text the statement as for one tenant
 * @param given whose rows, and which tables there are
 * @returns the text with every tenant table confined. The tenant is the parameter behind the statement's own: its
 * value,
 *   or the array of values where the reach is `several`
 * @throws Refusal where the statement cannot be confined
 * @throws UnscopedTableError when the handle may not touch a table
 * @throws ImmutableTenantError when the tenant column is set
 * @throws TenantMismatchError when a row has to name its tenant, and does not
 * `select * from tasks` becomes `select * from tasks where "tasks"."account_id" = $1`.
 */
export function confine(tree: Node, text: string, given: Given): Confined {
  checkCost(tree, text);
  const statement = new Statement(text, given);
  statement.run(tree);
  return { text: statement.splices.result() };
}
