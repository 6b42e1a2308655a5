/** What is neither a query nor a write. */
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';

const functions =
  'Write what it does as statements, or call a function that withTenancy(db, { functions: [...] }) trusts, in a query';
/** What does in place of a statement that is neither a query nor a write, by PostgreSQL's names. */
const instead: Record<string, string> = {
  TruncateStmt: 'Use tdb.delete(table)',
  CopyStmt: 'Read with select().stream() and write with insert(), or use db.tenantData(id)',
  TransactionStmt: 'Use tdb.transaction(...)',
  LockStmt: "Lock rows, as in select().for('update')",
  DeclareCursorStmt: 'Read row by row with select().stream()',
  FetchStmt: 'Read row by row with select().stream()',
  PrepareStmt: 'Use db.prepare(tenancy, ...), or prepare() of a query',
  ExecuteStmt: 'Use db.prepare(tenancy, ...), or prepare() of a query',
  CreateTableAsStmt: 'Put the rows into a CTE (WITH ... AS MATERIALIZED), or create the table in a migration',
  NotifyStmt: 'Use select pg_notify(channel, payload), with the tenant in the channel or the payload',
  ListenStmt: 'Listen through a connection of its own, outside of the handles',
  CallStmt: functions,
  DoStmt: functions,
  VariableShowStmt: "Ask a connection outside of the handles: settings are no tenant's",
};

/** What changes or keeps the database itself, for every tenant. */
const changes = [
  'Create|Alter|Drop|Index|Rename|Comment|Grant|Revoke|View|Rule',
  'Define|SecLabel|Vacuum|Cluster|Reindex|Reassign|ImportForeign',
];
const ofTheDatabase = new RegExp(`^(?:${changes.join('|')})`);

/** What is called otherwise than PostgreSQL's name of it says. */
const names: Record<string, string> = { IndexStmt: 'CREATE INDEX', ViewStmt: 'CREATE VIEW', RuleStmt: 'CREATE RULE' };

/** @param tree of a statement: its one key is PostgreSQL's name of its kind, as in TruncateStmt */
export const noQuery = (tree: Node): Refusal => {
  const [kind] = Object.keys(tree) as [string];
  const isAnalyze = tree.VacuumStmt && !tree.VacuumStmt.is_vacuumcmd;
  const words = isAnalyze
    ? 'ANALYZE'
    : (names[kind] ??
      kind
        .replace(/^Variable|Stmt$/g, '')
        .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
        .toUpperCase());
  return new Refusal(
    `${words} is no query, INSERT, UPDATE, DELETE or MERGE`,
    instead[kind] ??
      (ofTheDatabase.test(kind)
        ? 'Run it in a migration, or through a connection outside of the handles: it is for every tenant'
        : "Use the handle's own methods"),
  );
};
