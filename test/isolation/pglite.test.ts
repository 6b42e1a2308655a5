/** The corpus on PGlite: another build of PostgreSQL, and a driver with one connection. */
import { drizzle } from 'drizzle-orm/pglite';
import { describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { comparison, type Side } from '../support/comparison.js';
import { rowsFor, schemaStatements, type Contents } from '../support/databases.js';
import { projectSizes, relations } from '../support/schema.js';
import { programs } from './programs.js';
import { createPglite } from '../support/pglite.js';

async function openPGlite(contents: Contents): Promise<Side> {
  const client = await createPglite();
  await client.exec([...(await schemaStatements()), rowsFor[contents]].join(';\n'));
  return {
    db: withTenancy(drizzle({ client }), { relations, views: [projectSizes] }) as unknown as Side['db'],
    plain: undefined,
    run: async (text) => (await client.exec(text)).at(-1)!.rows as any,
    close: () => client.close(),
  };
}

describe('PGlite', () => {
  const pair = comparison(openPGlite);
  for (const { name, run, ordered, fails = false } of programs) {
    test(name, async () => {
      const { error } = await pair.isolated(run, ordered);
      expect({ fails: error !== undefined, error }).toMatchObject({ fails });
    });
  }
});
