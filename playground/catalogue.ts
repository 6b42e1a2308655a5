/** The queries of queries.ts as data: name, title, source text and the function itself. */
import { readFileSync } from 'node:fs';
import type { AccountDatabase } from './database.js';
import * as functions from './queries.js';

export interface Query {
  readonly name: keyof typeof functions;
  readonly title: string;
  /** The function's body, as it stands in queries.ts. */
  readonly code: string;
  readonly run: (tdb: AccountDatabase) => PromiseLike<unknown>;
}

const source = readFileSync(new URL('queries.ts', import.meta.url), 'utf8');
const declarations = source.matchAll(/^\/\*\* (.+)\. \*\/\nexport (?:async )?function (\w+)\(.*\) \{\n([^]*?)\n\}$/gm);

/** In the order of queries.ts. */
export const queries: readonly Query[] = [...declarations].map(([, title, name, body]) => ({
  name: name as Query['name'],
  title: title!,
  code: body!.replaceAll(/^ {2}/gm, ''),
  run: functions[name as Query['name']],
}));
