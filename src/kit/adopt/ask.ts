/** A question to the person at the terminal. */
import { createInterface } from 'node:readline/promises';
import type { Ask } from './adopt.js';

/** Undefined where nobody can be asked: no terminal, or CI. */
export const askPerson: Ask = async ({ question, choices }) => {
  if (!process.stdin.isTTY || !process.stdout.isTTY || process.env['CI']) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    for (;;) {
      const answer = await terminal.question(
        `${question}\n${choices.map((it, i) => `  ${i + 1}. ${it.text}  (--${it.flag})`).join('\n')}\nA ` +
          'number, or Enter for 1: ',
      );
      const chosen = answer.trim() === '' ? 1 : Number(answer.trim());
      if (Number.isInteger(chosen) && chosen >= 1 && chosen <= choices.length) return chosen - 1;
    }
  } finally {
    terminal.close();
  }
};
