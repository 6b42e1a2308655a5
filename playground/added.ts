/** Compares the SQL that was sent with the SQL as written, word by word, and marks what was added. */
import type { Statement } from './compare.js';

export interface Word {
  readonly text: string;
  readonly isAdded: boolean;
  /** Whether a space stands before it. */
  readonly isSpaced: boolean;
}

/** Words that differ in nothing but the number of their parameter are the same word, unless it was added, too. */
function wordsOf({ sql, params }: Statement, own: number) {
  return [...sql.matchAll(/(\s*)((?:"[^"]*"\.?)+|\$\d+|[\w]+|'[^']*'|[^\s\w])/g)].map(([, space, text]) => {
    const param = /^\$(\d+)$/.exec(text!);
    return {
      text: text!,
      isSpaced: space !== '',
      key: param && Number(param[1]) > own ? '$' : param ? `$${JSON.stringify(params[Number(param[1]) - 1])}` : text!,
    };
  });
}

/** The words that were sent, with those marked that are not in the longest common sequence of both. */
export function markAdded(sent: Statement, written: Statement): Word[] {
  const own = written.params.length;
  const a = wordsOf(sent, own);
  const b = wordsOf(written, own);
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i]![j] =
        a[i]!.key === b[j]!.key ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  let j = 0;
  return a.map(({ text, isSpaced, key }, i) => {
    while (j < b.length && key !== b[j]!.key && common[i]![j] === common[i]![j + 1]) j++;
    // What is added stands before what was there: where both can be left out, it is the first.
    const isAdded = j >= b.length || key !== b[j]!.key || common[i + 1]![j] === common[i]![j];
    if (!isAdded) j++;
    return { text, isSpaced, isAdded };
  });
}
