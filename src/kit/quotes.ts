/** What stands around SQL that has names in it: none of them ends it. */

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
