/** The corpus on node-postgres. */
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { comparison, type Side } from '../support/comparison.js';
import { freshDatabase, type Contents } from '../support/databases.js';
import { projectSizes, relations } from '../support/schema.js';
import { programs } from './programs.js';

async function openNodePostgres(contents: Contents): Promise<Side> {
  const { url } = await freshDatabase(contents);
  const client = new pg.Pool({ connectionString: url, max: 2 });
  return {
    db: withTenancy(drizzle({ client }), { relations, views: [projectSizes] }) as unknown as Side['db'],
    plain: undefined,
    run: async (text) => [(await client.query(text)) as any].flat().at(-1).rows,
    close: () => client.end(),
  };
}

describe('node-postgres', () => {
  const pair = comparison(openNodePostgres);
  for (const { name, run, ordered, fails = false } of programs) {
    test(name, async () => {
      const { error } = await pair.isolated(run, ordered);
      expect({ fails: error !== undefined, error }).toMatchObject({ fails });
    });
  }
});
