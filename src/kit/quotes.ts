/** What stands around names in SQL, and around SQL that has names in it: none of them ends it. */

/**
 * @param tag is numbered where the text has it
 * @returns the text in dollar quotes
 */
export function dollar(tag: string, text: string): string {
  let quote = `$${tag}$`;
  for (let i = 2; text.includes(quote); i++) quote = `$${tag}${i}$`;
  return `${quote}${text}${quote}`;
}

/** A DO block of these lines. */
export const doBlock = (tag: string, lines: readonly string[]): string =>
  `DO ${dollar(tag, `\n${lines.join('\n')}\n`)};`;

/** A comment of one line. */
export const comment = (text: string): string => `-- ${text.replaceAll(/[\r\n]+/g, ' ')}`;

/** A name as it is without its quotes: `"a""b"` is a"b. */
export const unquote = (quoted: string): string => quoted.slice(1, -1).replaceAll('""', '"');

/** The names in quotes that a text has, in its order. */
export const namesIn = (text: string): string[] => (text.match(/"(?:[^"]|"")*"/g) ?? []).map(unquote);

/** A string of TypeScript, for what a person is told to write. */
export const tsString = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;

/** A column of a table in TypeScript: `t.name`, or `t['a name']`. */
export const tsColumn = (name: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(name) ? `t.${name}` : `t[${tsString(name)}]`;
