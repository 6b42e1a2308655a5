/**
 * The errors that a program expects of the compiler, by comments of the program itself: `// error: words` at the end of
 * the line that has the error. Where the line has no room for it, comments in lines of their own, right above it: each
 * has words that the error says.
 */
export interface ExpectedError {
  readonly line: number;
  readonly words: string;
  /** What stands behind `error`: `:`, ` below:` or `~`. */
  readonly kind: string;
}

const marker = /^(.*?)\/\/ error(:| below:|~) (.+)$/;

/**
 * @param text of the program
 * @returns what it expects, in the order of its lines
 */
export function expectedErrors(text: string): ExpectedError[] {
  const lines = text.split('\n').map((line) => marker.exec(line));
  return lines.flatMap((found, index) => {
    if (!found) return [];
    const [, code, kind, words] = found;
    let at = index;
    if (code!.trim() === '') while (lines[at]?.[1]!.trim() === '') at++;
    return [{ line: at + 1, words: words!, kind: kind! }];
  });
}
