/**
 * Proves that a statement touches rows of the handle's tenants only. It reads the text that is sent, on PostgreSQL's
 * own grammar, and knows nothing of how that text came about. This is the argument, and where each part of it stands.
 *
 * 1. What is not known is refused. Every kind of node, and every field of it, is on a list (`fields.ts`,
 *    `expression.ts`), and so is every function, operator, type and setting (`functions.ts`, `operators.ts`,
 *    `types.ts`, `settings.ts`). Tables are those that are declared (`../tables.ts`). No function on the list reads a
 *    table, a catalog or a setting.
 *
 * 2. A name means what PostgreSQL finds (`names.ts`): first in the query where it stands, as far as its place sees it,
 *    then in the queries around. Where that is in doubt, the name says nothing of a tenant. `a.b` is a column that is
 *    known, since PostgreSQL would call a function `b(a)` otherwise.
 *
 * 3. A tenant table in FROM is confined (`facts.ts`, `from.ts`): in each row of the join in which it stands, its tenant
 *    column is `$k`, or in `$k` for several tenants. That follows from conditions that are joined by AND, and are plain
 *    equalities: of a tenant column with the parameter, or with another tenant column of which it is known. The
 *    condition of an outer join counts only for the entries whose rows it drops, and where one of each side is known to
 *    stand. Equality is strict, so that a row that an outer join filled up with nulls for want of a match satisfies
 *    none: whether it has a match depends on no other tenant's rows either.
 *    A subquery may say `tenant = outer.tenant` instead: then it is tied to that row, which is confined where it
 *    stands.
 *
 * 4. For several tenants and for all, rows of tenant tables meet within one tenant (`meeting.ts`): each two entries of
 *    a FROM that stand in one row have the same tenant, and a subquery of an expression is tied to the rows around it.
 *    A query in FROM joins them by a column that holds its tenant, if filtering its rows by that gives what the tenant
 *    alone would see: so not behind LIMIT, a window over all, or DISTINCT ON.
 *
 * 5. What is known of the rows of a query (`select.ts`, `with.ts`) is what holds in each of its operands: which columns
 *    hold the tenant, or null. A recursion is read until what is assumed of its own rows is what comes out.
 *
 * 6. A row that is written is given its tenant (`insert.ts`, `merge.ts`): `$k`, a parameter of the statement's own,
 *    which becomes a guard that the gate compares with the tenant at each run, or the tenant column of the rows that it
 *    is made of. The tenant column is not set (`write.ts`), ON CONFLICT changes rows of a key that holds it, and each
 *    arm of MERGE is confined by itself.
 *
 * 7. `$k` is the parameter behind the statement's own. It has one type in the whole statement: that of the tenant
 *    column, since it stands nowhere but beside one, bare or cast to a type that keeps each of its values (`proof.ts`,
 *    `types.ts`).
 *
 * The tests break each of these rules in turn (`test/sql/prove/mutations.ts`), and compare what is accepted with
 * PostgreSQL.
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
  const { touched, guards, notNull, assigned, usesTenant } = proof;
  return {
    tables: [...touched],
    guards: [...guards],
    orEverybody: [...guards].filter((it) => !notNull.has(it)),
    assigned,
    usesTenant,
  };
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
    throw new Refusal(
      `${words(kind.replace(/Stmt$/, ''))} is no query, INSERT, UPDATE, DELETE or MERGE`,
      "Use the handle's own methods",
    );
  }
}
