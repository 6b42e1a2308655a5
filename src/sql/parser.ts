/** Reads a text as PostgreSQL does. */
import { ParseError, type Parse } from './load.js';
import { Refusal } from './refusal.js';

/** A node of PostgreSQL's raw parse tree, as JSON. Which of its fields are known is checked where they are read. */
export type Node = any;
export type { Parse };

/**
 * A text holds the event loop while it is read and proved, for as long as its tree has nodes: up to five microseconds
 * for each name, value or operator. A statement has up to 65,534 parameters.
 */
const maxLength = 1_000_000;
const maxPieces = 200_000;
const maxNodes = 70_000;
const noNode = /[(),.;$[\]]/;
const piece = /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|--.*|\/\*[^]*?(?:\*\/|$)|\w+|[^\w\s]/g;
/**
 * Where a comment begins, PostgreSQL reads the signs of operators behind that again, for each of them that begins one.
 */
const signs = /[-+*/<>=~!@#%^&|`?]{2,}/g;
const maxSigns = 200;

function isTooLong(text: string): boolean {
  if (text.length <= maxNodes) return false;
  if (text.length > maxLength) return true;
  let [pieces, nodes] = [0, 0];
  for (const [it] of text.matchAll(piece)) {
    if (it.length > 1 || !noNode.test(it)) nodes++;
    if (++pieces > maxPieces || nodes > maxNodes) return true;
  }
  return false;
}

/** The one statement of a text. */
export function statementOf(parse: Parse, text: string): Node {
  const split = 'Write one statement of plain text';
  if (isTooLong(text))
    throw new Refusal(
      'the text is longer than 1,000,000 characters, 200,000 words and signs, or 70,000 names, values and operators',
      'Write a shorter statement, or several',
    );
  if (text.length > maxSigns)
    for (const { 0: run, index } of text.matchAll(signs))
      if (run.length > maxSigns)
        throw new Refusal(
          `more than ${maxSigns} signs of operators follow each other`,
          'Write a shorter line in the comment, and pass such a string as a parameter',
          bytesOf(text.slice(0, index)),
        );
  if (text.includes('\0')) throw new Refusal('a NUL ends the text', split);
  if (!text.isWellFormed()) throw new Refusal('the text is not well-formed Unicode', split);
  // Where a server has standard_conforming_strings off, such a string would end elsewhere than the parser sees: behind
  // two backslashes, it ends either way.
  const quote = text.includes("\\'") ? /(?<!\\)(?:\\\\)*\\'/.exec(text) : null;
  if (quote)
    throw new Refusal(
      'a backslash before a quote may end a string elsewhere than it seems',
      "Write a quote in a string as '', and leave out escape '\\', which is what LIKE has without it",
      bytesOf(text.slice(0, quote.index)),
    );
  let parsed;
  try {
    parsed = parse(text);
  } catch (error) {
    const reason =
      error instanceof ParseError ? `PostgreSQL's parser says: ${error.message}` : "PostgreSQL's parser gave up on it";
    throw new Refusal(
      reason,
      error instanceof ParseError
        ? 'Write a statement that PostgreSQL can read'
        : 'Write a statement that is nested less deeply',
      error instanceof ParseError ? positionOf(text, error.position) : undefined,
    );
  }
  const statements = parsed.stmts ?? [];
  if (statements.length !== 1) {
    throw new Refusal(
      statements.length === 0 ? 'there is no statement' : 'a second statement begins',
      'Send one statement at a time',
      statements[1]?.stmt_location,
    );
  }
  return statements[0].stmt;
}

/** The parser counts characters in errors, and bytes in nodes. */
const positionOf = (text: string, position: number | undefined) =>
  position === undefined ? undefined : bytesOf([...text].slice(0, position).join(''));

const bytesOf = (text: string) => new TextEncoder().encode(text).length;
