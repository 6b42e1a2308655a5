/** drizzle-kit's statements as text: taken apart, put together, and told apart by their first words. */
import { unquote } from './quotes.js';

export const breakpoint = '--> statement-breakpoint';

/**
 * Takes a `migration.sql` apart.
 *
 * @returns the statements, each with its semicolon
 */
export function splitStatements(text: string): string[] {
  if (text.includes(breakpoint))
    return text
      .split(breakpoint)
      .map((it) => it.trim())
      .filter(Boolean);
  return splitSql(text);
}

/** Splits SQL at its semicolons, and not at those in strings, quoted names, comments and dollar quotes. */
export function splitSql(text: string): string[] {
  const statements: string[] = [];
  const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|(\$(?:[A-Za-z_]\w*)?\$)[\s\S]*?\1|;/g;
  let start = 0;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    if (match[0] !== ';') continue;
    statements.push(text.slice(start, match.index + 1).trim());
    start = match.index + 1;
  }
  const rest = text.slice(start).trim();
  if (rest) statements.push(rest);
  return statements;
}

/** Writes statements as drizzle-kit does. */
export function joinStatements(statements: readonly string[], breakpoints: boolean): string {
  return statements
    .map((it, i) =>
      i === statements.length - 1
        ? it
        : breakpoints
          ? `${it}${it.includes('\n') ? '\n' : ''}${breakpoint}\n`
          : `${it}\n`,
    )
    .join('');
}

const name = `"(?:[^"]|"")*"`;
const table = `(?:${name}\\.)?${name}`;
/** A table as drizzle-kit quotes it, in a regular expression. */
export const tablePattern = table;

const patterns = {
  addForeignKey: new RegExp(
    `^ALTER TABLE (${table}) (?:DROP CONSTRAINT ${name}, )?ADD CONSTRAINT (${name}) FOREIGN KEY`,
  ),
  dropConstraint: new RegExp(`^ALTER TABLE (${table}) DROP CONSTRAINT (${name});?$`),
  addColumn: new RegExp(`^ALTER TABLE (${table}) ADD COLUMN (${name}) `),
  addKey: new RegExp(
    `^(?:ALTER TABLE (${table}) ADD (?:CONSTRAINT ${name} )?(?:PRIMARY KEY|UNIQUE)|CREATE UNIQUE INDEX .*? ` +
      `ON (${table}))`,
  ),
  setNotNull: new RegExp(`^ALTER TABLE (${table}) ALTER COLUMN (${name}) SET NOT NULL`),
  renameConstraint: new RegExp(`^ALTER TABLE (${table}) RENAME CONSTRAINT (${name}) TO (${name})`),
  dropIndex: new RegExp(`^DROP INDEX (?:CONCURRENTLY )?(?:IF EXISTS )?(${table})`),
  renameIndex: new RegExp(`^ALTER INDEX (${table}) RENAME TO (${name})`),
  moveTable: new RegExp(`^(?:ALTER TABLE (${table}) (?:RENAME TO|SET SCHEMA)|DROP TABLE|ALTER SCHEMA)`),
  addCheck: new RegExp(`^ALTER TABLE (${table}) ADD CONSTRAINT (${name}) CHECK `),
  dropColumn: new RegExp(`^ALTER TABLE (${table}) DROP COLUMN (?:IF EXISTS )?(${name})`),
  createTable: new RegExp(`^CREATE TABLE (${table})`),
  afterTables:
    /^(?:CREATE (?:OR REPLACE )?(?:MATERIALIZED )?VIEW|CREATE POLICY|ALTER POLICY|DROP (?:ROLE|TYPE|SEQUENCE|SCHEMA))/,
};

/** The parts of a statement of one kind: the table as quoted there, and a name; or undefined when it is of another. */
export function match(
  kind: keyof typeof patterns,
  statement: string,
): { table: string; name: string; to?: string } | undefined {
  const found = patterns[kind].exec(statement);
  return found
    ? {
        table: found[1] ?? found[2] ?? '',
        name: found[2] === undefined ? '' : unquote(found[2]),
        to: found[3] && unquote(found[3]),
      }
    : undefined;
}
