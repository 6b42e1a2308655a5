/** Source with a guard broken on purpose, however the source is laid out. */

/** The pieces of a guard as they stand in the source: words, and what is between them. */
const pieces = /[\w$]+|\s+|[^\w$\s]/g;

/** Finds a guard with any white space between its pieces, and with a comma behind the last of a list. */
function patternOf(guard: string): RegExp {
  const found = guard
    .trim()
    .match(pieces)!
    .filter((it) => !/^\s/.test(it));
  const escaped = found.map((it) => it.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(
    escaped.map((it, i) => (/^\\?[)\]}]$/.test(it) && i > 0 ? `(?:,\\s*)?${it}` : it)).join('\\s*'),
    'g',
  );
}

/**
 * @param guard what is replaced; it stands in the source exactly once
 * @returns the source with the replacement
 */
export function broken(source: string, guard: string, replacement: string): string {
  const found = [...source.matchAll(patternOf(guard))];
  if (found.length !== 1) throw new Error(`The guard stands in the source ${found.length} times: ${guard}`);
  const [{ 0: text, index }] = found as [RegExpExecArray];
  return source.slice(0, index) + replacement + source.slice(index + text.length);
}
