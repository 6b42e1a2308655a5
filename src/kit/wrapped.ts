/**
 * SQL of which a line is written over several here, and stays one line where it is sent or written into a migration: a
 * backslash at the end of a line joins it to the next, without that one's indentation.
 */
export const wrapped = ({ raw }: TemplateStringsArray, ...values: readonly string[]): string =>
  raw.map((it, i) => it.replaceAll(/\\\n */g, '') + (values[i] ?? '')).join('');
