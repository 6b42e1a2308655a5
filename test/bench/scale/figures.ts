/** What was found, part by part, in a file: a part that ran stays until it runs again. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Connections } from './connections.js';
import type { Among } from './tenants.js';
import type { Sent } from './messages.js';
import type { Shards } from './shards.js';
import type { Statements } from './statements.js';
import type { Tables } from './tables.js';

export interface Parts {
  postgres: Among[];
  rows: Among[];
  tables: Tables[];
  statements: Statements[];
  messages: Sent[];
  citus2: Among[];
  citus3: Among[];
  citusMessages: { workers: number; sent: Sent[] }[];
  shards: Shards[];
  connections: Connections[];
}
export type Part = keyof Parts;
export const partNames: readonly Part[] = [
  'postgres',
  'rows',
  'messages',
  'tables',
  'statements',
  'citus2',
  'citus3',
  'citusMessages',
  'shards',
  'connections',
];

export type Found = { [P in Part]?: { readonly day: string; readonly server: string; readonly found: Parts[P] } };

export const read = (path: string): Found => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});

/** Reads the file again before it is written: another part may have ended meanwhile. */
export function keep<P extends Part>(path: string, part: P, server: string, found: Parts[P]): Found {
  const day = new Date().toISOString().slice(0, 10);
  const all = { ...read(path), [part]: { day, server, found } };
  const sorted = Object.fromEntries(partNames.filter((it) => all[it]).map((it) => [it, all[it]])) as Found;
  writeFileSync(path, `${JSON.stringify(sorted, null, 2)}\n`);
  return sorted;
}
