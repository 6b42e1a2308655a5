/**
 * Proves that a statement touches rows of the handle's tenants only. It reads the text that is sent, on PostgreSQL's own
 * grammar, and knows nothing of how that text came about. What it does not know, it refuses.
 */
import type { Rows } from './entry.js';
import type { Given, Proved } from '../given.js';
import { kindOf, words } from './fields.js';
import type { Parse } from '../load.js';
import { statementOf, type Node } from '../parser.js';
import { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { select } from './select.js';
import { checkSetting } from './settings.js';
import { write } from './write.js';

/**
 * @param text one statement, as it would be sent
 * @param given whose rows it may touch, and what is known
 * @returns the tables that it names, and the parameters that have to be the tenant
 * @throws Refusal, and the typed errors of `src/errors.ts`, unless it is proved
 */
export function prove(parse: Parse, text: string, given: Given): Proved {
  const proof = new Proof(given, parse);
  statement(proof, statementOf(parse, text));
  proof.end();
  return { tables: [...proof.touched], guards: [...proof.guards], assigned: proof.assigned, usesTenant: proof.usesTenant };
}

/** What is known of the rows of a query that is proved. */
export function proveRows(parse: Parse, node: Node, given: Given): Rows {
  const proof = new Proof(given, parse);
  const rows = select(proof, node.SelectStmt, undefined, undefined);
  proof.end();
  return rows;
}

function statement(proof: Proof, node: Node): void {
  const [kind, fields] = kindOf(node);
  if (kind === 'SelectStmt') select(proof, fields, undefined, undefined);
  else if (kind === 'VariableSetStmt') checkSetting(fields);
  else if (kind === 'ExplainStmt') {
    if (proof.given.reach !== 'all') {
      throw new Refusal('EXPLAIN tells how many rows others have', 'Use db.acrossTenants({ reason }) for EXPLAIN');
    }
    statement(proof, fields.query);
  } else if (!write(proof, kind, fields, undefined, undefined)) {
    throw new Refusal(`${words(kind.replace(/Stmt$/, ''))} is no query, INSERT, UPDATE, DELETE or MERGE`, "Use the handle's own methods");
  }
}
