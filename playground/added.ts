/** Compares the SQL that was sent with the SQL as written, word by word, and marks what was added. */
import type { Statement } from './compare.js';
import { hasColours, paint, width } from './terminal.js';

export interface Word {
  readonly text: string;
  readonly isAdded: boolean;
  /** Whether a space stands before it. */
  readonly isSpaced: boolean;
}

/** Words that differ in nothing but the number of their parameter are the same word. */
function wordsOf({ sql, params }: Statement) {
  return [...sql.matchAll(/(\s*)((?:"[^"]*"\.?)+|\$\d+|[\w]+|'[^']*'|[^\s\w])/g)].map(([, space, text]) => {
    const param = /^\$(\d+)$/.exec(text!);
    return { text: text!, isSpaced: space !== '', key: param ? `$${JSON.stringify(params[Number(param[1]) - 1])}` : text! };
  });
}

/** The words that were sent, with those marked that are not in the longest common sequence of both. */
export function markAdded(sent: Statement, written: Statement): Word[] {
  const a = wordsOf(sent);
  const b = wordsOf(written);
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i]![j] = a[i]!.key === b[j]!.key ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  let j = 0;
  return a.map(({ text, isSpaced, key }, i) => {
    while (j < b.length && key !== b[j]!.key && common[i]![j] === common[i]![j + 1]) j++;
    const isAdded = j >= b.length || key !== b[j]!.key;
    if (!isAdded) j++;
    return { text, isSpaced, isAdded };
  });
}

const clauses = new Set(
  'select from left inner full where group having order limit union values set returning'.split(' '),
);

/** SQL in lines, a line a clause; what was added is coloured, or underlined where there are no colours. */
export function layOut(words: readonly Word[], indent: string): string[] {
  const lines: string[] = [];
  let line: Word[] = [];
  let start = indent;
  let length = 0;
  let depth = 0;
  const end = (nextStart: string) => {
    if (line.length > 0) lines.push(...render(line, start));
    line = [];
    start = nextStart;
    length = start.length;
  };
  end(indent);
  for (const word of words) {
    const size = word.text.length + (word.isSpaced ? 1 : 0);
    if (depth === 0 && clauses.has(word.text) && line.at(-1)?.text !== 'delete') end(indent);
    else if (length + size > width) end(`${indent}  `);
    line.push(word);
    length += size;
    if (word.text === '(') depth++;
    if (word.text === ')') depth--;
  }
  end(indent);
  return lines;
}

function render(line: readonly Word[], indent: string): string[] {
  let text = indent;
  let marks = indent;
  line.forEach((word, i) => {
    const space = i > 0 && word.isSpaced ? ' ' : '';
    const isJoined = word.isAdded && line[i - 1]?.isAdded;
    text += space + (word.isAdded ? paint('green', word.text) : word.text);
    marks += (isJoined ? '~' : ' ').repeat(space.length) + (word.isAdded ? '~' : ' ').repeat(word.text.length);
  });
  return hasColours || !marks.includes('~') ? [text] : [text, marks.trimEnd()];
}
