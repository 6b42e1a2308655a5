/** What is neither a query nor a write. */
import { Refusal } from '../refusal.js';

/** What does in place of a statement that is neither a query nor a write, by PostgreSQL's names. */
const instead: Record<string, string> = {
  TruncateStmt: 'Use tdb.delete(table)',
  CopyStmt: 'Read with select().stream() and write with insert(), or use db.tenantData(id)',
  TransactionStmt: 'Use tdb.transaction(...)',
  LockStmt: "Lock rows, as in select().for('update')",
};

/** @param kind PostgreSQL's name of the statement, as in TruncateStmt */
export const noQuery = (kind: string): Refusal => {
  const words = kind
    .replace(/^Variable|Stmt$/g, '')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase();
  return new Refusal(
    `${words} is no query, INSERT, UPDATE, DELETE or MERGE`,
    instead[kind] ?? "Use the handle's own methods",
  );
};
