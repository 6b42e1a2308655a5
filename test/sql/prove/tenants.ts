/** Runs a statement over all tenants' rows, or over those of one, and takes back what it changed. */
import type { open } from '../../support/databases.js';
import { a, b, c, tenantTables } from '../../support/rows.js';

export const tenants: readonly string[] = [a, b, c].map(String);

class Rollback extends Error {}

const quoted = (name: string) => (/[A-Z]/.test(name) ? `"${name}"` : name);
const ofAccounts = tenantTables.filter(([name]) => !/workspaces|boards/.test(name));

/**
 * @param tenant whose rows are left; all, where there is none
 * @param shown a query to run behind the statement, for what it wrote
 * @returns the rows, in order
 */
export async function rowsOf(
  { client }: Awaited<ReturnType<typeof open>>,
  text: string,
  tenant?: string,
  { params = [], shown }: { params?: readonly unknown[]; shown?: string | undefined } = {},
): Promise<string[]> {
  let rows: string[] = [];
  await client
    .begin(async (tx) => {
      for (const [table, column] of tenant ? [...ofAccounts].reverse() : []) {
        await tx.unsafe(`delete from ${table} where ${quoted(column)} <> '${tenant}'`);
      }
      const found = await tx.unsafe(text, params as any[]);
      rows = (shown ? await tx.unsafe(shown) : found).map((row) => JSON.stringify(row));
      throw new Rollback();
    })
    .catch((error) => {
      if (!(error instanceof Rollback)) throw error;
    });
  return rows.sort();
}

/** What each tenant alone gives, put together. */
export async function unionOf(
  ...[opened, text, options]: [Parameters<typeof rowsOf>[0], string, Parameters<typeof rowsOf>[3]?]
): Promise<string[]> {
  const rows: string[] = [];
  for (const tenant of tenants) rows.push(...(await rowsOf(opened, text, tenant, options)));
  return rows.sort();
}
