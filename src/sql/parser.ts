/** PostgreSQL's own parser, as the optional package `libpg-query`: loaded when raw SQL is first used, and only then. */
import { RawSqlNotScopedError } from '../schema/index.js';
import { Refusal } from './refusal.js';

/** A node of PostgreSQL's raw parse tree, as JSON. Which of its fields are known is checked where they are read. */
export type Node = any;
export type Parse = (text: string) => { readonly version?: number; readonly stmts?: readonly Node[] };

let loading: Promise<Parse> | undefined;
let loaded: Parse | undefined;

/** @returns the parser, as soon as it is loaded */
export const parser = (): Parse | undefined => loaded;

/**
 * @returns the parser
 * @throws RawSqlNotScopedError when `libpg-query` is not installed
 */
export function loadParser(): Promise<Parse> {
  return (loading ??= load().catch((cause: unknown) => {
    loading = undefined;
    throw cause;
  }));
}

async function load(): Promise<Parse> {
  const install = 'Install PostgreSQL\'s parser with "npm install libpg-query@18", or interpolate every table, as in sql`select * from ${projects}`';
  try {
    const module: any = await import('libpg-query');
    const { loadModule, parseSync } = module.parseSync ? module : module.default;
    await loadModule();
    return (loaded = parseSync as Parse);
  } catch (cause) {
    const error = new RawSqlNotScopedError('text written by hand is proved before it is sent, which needs the package libpg-query', '', install);
    throw Object.assign(error, { cause });
  }
}

/** What is longer is no statement that a person wrote, and could exhaust the parser. */
const maxLength = 50_000;

/** The one statement of a text. */
export function statementOf(parse: Parse, text: string): Node {
  const split = 'Write one statement of plain text';
  if (text.length > maxLength) throw new Refusal('the text is longer than 50,000 characters', 'Write a shorter statement');
  if (text.includes('\0')) throw new Refusal('a NUL ends the text', split);
  if (!text.isWellFormed()) throw new Refusal('the text is not well-formed Unicode', split);
  // Where a server has standard_conforming_strings off, such a string would end elsewhere than the parser sees.
  const quote = text.indexOf("\\'");
  if (quote >= 0) throw new Refusal('a backslash before a quote may end a string elsewhere than it seems', "Write a quote in a string as ''", Buffer.byteLength(text.slice(0, quote)));
  let parsed;
  try {
    parsed = parse(text);
  } catch (error) {
    const details = (error as any)?.sqlDetails;
    const reason = details ? `PostgreSQL's parser says: ${details.message}` : "PostgreSQL's parser gave up on it";
    throw new Refusal(reason, 'Write a statement that PostgreSQL can read', positionOf(text, details?.cursorPosition));
  }
  if (Math.floor((parsed.version ?? 0) / 10_000) !== 18) {
    throw new Refusal('this version of libpg-query is not known', 'Install libpg-query@18');
  }
  const statements = parsed.stmts ?? [];
  if (statements.length !== 1) {
    throw new Refusal(statements.length === 0 ? 'there is no statement' : 'a second statement begins', 'Send one statement at a time', statements[1]?.stmt_location);
  }
  return statements[0].stmt;
}

/** The parser counts characters in errors, and bytes in nodes. */
const positionOf = (text: string, position: number | undefined) =>
  position === undefined || position < 0 ? undefined : Buffer.byteLength([...text].slice(0, position).join(''));
