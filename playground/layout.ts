/** SQL for a terminal, with what was added marked. */
import type { Word } from './added.js';
import { hasColours, paint, width } from './terminal.js';

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
