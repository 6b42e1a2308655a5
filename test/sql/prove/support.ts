import { proveScoped } from '../../../src/testing/index.js';
import { a, b } from '../../support/rows.js';
import * as schema from '../../support/schema.js';

/** The text of a case with its placeholders numbered, and their values. */
export function numbered(text: string): { sql: string; params: unknown[] } {
  const params: unknown[] = [];
  const sql = text
    .replaceAll(/(?<=['$])@([ab])/g, (_, it) => String(it === 'a' ? a : b))
    .replaceAll(/@([ab])\b/g, (_, it) => `$${params.push(it === 'a' ? a : b)}`);
  return { sql, params: params.length > 0 || !/\$1/.test(text) ? params : [a] };
}

export async function proveCase(text: string): Promise<readonly string[]> {
  const { sql, params } = numbered(text);
  return proveScoped(sql, { tables: schema, tenant: a, params });
}
