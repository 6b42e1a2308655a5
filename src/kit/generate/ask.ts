/**
 * Questions to the person at the terminal, while drizzle-kit waits: it writes its files without waiting for anything.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/**
 * @param question what is asked, without the "(y/N)"
 * @returns the answer; undefined where nobody can be asked
 */
export function askAtTerminal(question: string): boolean | undefined {
  if (!process.stdin.isTTY || !process.stdout.isTTY || process.env['CI']) return undefined;
  let terminal: number;
  try {
    terminal = openSync('/dev/tty', 'r+');
  } catch {
    return undefined;
  }
  try {
    if (process.stdin.isRaw) process.stdin.setRawMode(false);
    writeSync(terminal, `${question} (y/N) `);
    const buffer = Buffer.alloc(1024);
    const length = readSync(terminal, buffer);
    return /^\s*y(?:es)?\s*$/i.test(buffer.toString('utf8', 0, length));
  } finally {
    closeSync(terminal);
  }
}
