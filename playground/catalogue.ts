/** Functions of a module as data: each with its title, its source text and itself, in the order of the file. */
import { readFileSync } from 'node:fs';
import * as attempts from './attempts.js';
import type { AccountDatabase } from './database.js';
import * as queries from './queries.js';

export interface Entry<Run> {
  readonly name: string;
  readonly title: string;
  /** The function's body, as it stands in the file. */
  readonly code: string;
  readonly run: Run;
}

const pattern = /^\/\*\* (.+)\. \*\/\nexport (?:async )?function (\w+)\(.*\) \{\n([^]*?)\n\}$/gm;

function entriesOf<Run>(file: string, functions: Record<string, Run>): Entry<Run>[] {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8');
  return [...source.matchAll(pattern)].map(([, title, name, body]) => {
    return { name: name!, title: title!, code: body!.replaceAll(/^ {2}/gm, ''), run: functions[name!]! };
  });
}

export type Query = Entry<(tdb: AccountDatabase) => PromiseLike<unknown>>;
export const allQueries: readonly Query[] = entriesOf('queries.ts', queries);

export type Attempt = Entry<(hostile: attempts.Hostile) => unknown>;
export const allAttempts: readonly Attempt[] = entriesOf('attempts.ts', attempts);
