/** The adoption path on PGlite. test/citus has it on Citus. */
import { PGlite } from '@electric-sql/pglite';
import { expect, it } from 'vitest';
import { adopt } from './adopt.js';

it('write-only mode leads from plain tables to tenant tables', { timeout: 60_000 }, async () => {
  const db = await PGlite.create();
  const { second } = await adopt({
    query: async (text) => (await db.query<Record<string, unknown>>(text)).rows,
    migrate: (statements) =>
      db.transaction(async (tx) => {
        for (const statement of statements) await tx.query(statement);
      }),
  });
  await db.close();
  await expect(`${second.join('\n')}\n`).toMatchFileSnapshot('sql/write-only-mode-ends.sql');
});
