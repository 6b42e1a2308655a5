/** The adoption path on PGlite. test/citus has it on Citus. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { adopt, answers } from './adopt.js';
import { createPglite } from '../support/pglite.js';

const each = Object.keys(answers) as (keyof typeof answers)[];

it.each(each)(
  'write-only mode leads from plain tables to tenant tables, whose keys are %s',
  { timeout: 60_000 },
  async (answer) => {
    const db = await createPglite();
    const { second } = await adopt(
      {
        query: async (text) => (await db.query<Record<string, unknown>>(text)).rows,
        migrate: (statements) =>
          db.transaction(async (tx) => {
            for (const statement of statements) await tx.query(statement);
          }),
      },
      answer,
    );
    await db.close();
    const text = `${second.join('\n')}\n`;
    if (answer === 'created') await expect(text).toMatchFileSnapshot('sql/write-only-mode-ends.sql');
    // The same statements, but for the order of those that drop keys.
    else
      expect(text.split('\n').sort()).toEqual(
        readFileSync(new URL('sql/write-only-mode-ends.sql', import.meta.url), 'utf8')
          .split('\n')
          .sort(),
      );
  },
);
