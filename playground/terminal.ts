/** Text for a terminal of 80 columns. */
export const width = 80;

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof codes;

/** Colours only for a person: not into a file or a pipe, and not for who set NO_COLOR. */
export const hasColours = process.stdout.isTTY === true && !process.env.NO_COLOR;

export const paint = (style: Style, text: string): string =>
  hasColours ? `\x1b[${codes[style]}m${text}\x1b[0m` : text;

export const print = (...lines: string[]): void => {
  for (const line of lines) process.stdout.write(`${line}\n`);
};

const lengthOf = (text: string): number => [...text].length;

/** The text, cut to so many columns. */
export const cut = (text: string, columns: number): string =>
  lengthOf(text) <= columns ? text : `${[...text].slice(0, columns - 1).join('')}…`;

/** A heading with a rule behind it. */
export function heading(text: string): void {
  const title = cut(text, width - 4);
  print('', paint('bold', `${title} ${'─'.repeat(width - 1 - lengthOf(title))}`));
}

/** Source text, as it stands. */
export const codeLines = (code: string): string[] =>
  code.split('\n').map((line) => paint('cyan', cut(`  ${line}`, width)).trimEnd());

/** Breaks text at spaces; a word longer than a line is broken as it is. */
export function wrap(text: string, indent = ''): string[] {
  const columns = width - indent.length;
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(/\s+/)) {
    if (line !== '' && lengthOf(line) + 1 + lengthOf(word) > columns) {
      lines.push(line);
      line = '';
    }
    while (lengthOf(word) > columns) {
      lines.push(word.slice(0, columns));
      word = word.slice(columns);
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((it) => indent + it);
}

/** Lists side by side, each with its title. */
export function columns(blocks: readonly { readonly title: string; readonly lines: readonly string[] }[]): string[] {
  const between = ' │ ';
  const each = Math.floor((width - 2 - between.length * (blocks.length - 1)) / blocks.length);
  const height = Math.max(...blocks.map((it) => it.lines.length));
  const row = (texts: string[], style?: Style) => {
    const cells = texts.map((text) => cut(text, each) + ' '.repeat(Math.max(0, each - lengthOf(text))));
    return `  ${cells.map((it) => (style ? paint(style, it) : it)).join(between)}`.trimEnd();
  };
  const lines = Array.from({ length: height }, (_, i) => row(blocks.map((it) => it.lines[i] ?? '')));
  return [
    row(
      blocks.map((it) => it.title),
      'bold',
    ),
    ...lines,
  ];
}

/** A result as lines: one a row, and what is nested in a row below it. */
export function outline(value: unknown, indent = ''): string[] {
  if (Array.isArray(value))
    return value.length === 0 ? [`${indent}(none)`] : value.flatMap((it) => outline(it, indent));
  if (typeof value !== 'object' || value === null) return [`${indent}${value ?? '-'}`];
  const own: string[] = [];
  const nested: string[] = [];
  for (const field of Object.values(value)) {
    if (Array.isArray(field)) nested.push(...(field.length > 0 ? outline(field, `${indent}  `) : []));
    else if (typeof field === 'object' && field !== null) own.push(...outline(field).map((it) => it.trim()));
    else own.push(String(field ?? '-'));
  }
  return [`${indent}${own.join(', ')}`, ...nested];
}
