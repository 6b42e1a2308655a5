/**
 * Every statement that the corpus sends for one tenant is answered by one shard on one node, with row-level security
 * too, which holds on the workers. Runs when CITUS_URL
 * names a database with the citus extension, whose tables of the test schema are dropped and created again.
 */
import postgres from 'postgres';
import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertRowLevelSecurity, withTenancy } from '../../src/index.js';
import { programs } from '../isolation/programs.js';
import { rowsFor, schemaStatements, type Sent } from '../support/databases.js';
import { asRole, rlsStatements } from '../support/rls.js';
import { a, b } from '../support/rows.js';
import * as schema from '../support/schema.js';
import { withoutFilters } from '../support/without-filters.js';
import { shardsAsked } from './plans.js';
import { createTables, dropTables } from './tables.js';

const url = process.env.CITUS_URL;
if (!url) console.warn('CITUS_URL is not set: the plans on Citus are skipped.');

describe.skipIf(!url).each([
  ['on Citus', false],
  ['on Citus, with row-level security', true],
])('%s', (_, rls) => {
  const sent: Sent[] = [];
  let admin: postgres.Sql;
  let client: postgres.Sql;
  let db: any;
  const counts: Record<number, number> = {};

  beforeAll(async () => {
    admin = postgres(url!, { max: 1, onnotice: () => {} });
    await dropTables(admin);
    await createTables(admin, await schemaStatements());
    for (const statement of rowsFor.many.split(';\n').filter((it) => it.trim() !== '')) await admin.unsafe(statement);
    if (rls) for (const statement of rlsStatements()) await admin.unsafe(statement);
    client = postgres(rls ? asRole(url!) : url!, { max: 1, onnotice: () => {} });
    db = withTenancy(drizzle({ client, logger: { logQuery: (sql, params) => void sent.push({ sql, params }) } }), {
      relations: schema.relations,
      views: [schema.projectSizes],
      rls,
    });
    if (rls) await assertRowLevelSecurity(db);
  }, 120_000);
  afterAll(async () => {
    await client?.end();
    if (admin) await dropTables(admin);
    if (Object.keys(counts).length > 0)
      console.log(`Task Count of ${programs.length} programs: ${JSON.stringify(counts)}`);
    await admin?.end();
  });

  for (const program of programs) {
    test.skipIf(program.notCitus || (rls && program.notCitusRls))(program.name, async () => {
      const { statements, most } = await shardsAsked(program, db, sent, client);
      expect(statements).toBeGreaterThan(0);
      counts[most] = (counts[most] ?? 0) + 1;
      expect(most).toBeLessThanOrEqual(1);
    });
  }

  describe.runIf(rls)('the policies', () => {
    const { projects, tasks, labels } = schema;

    test('hold alone, on the workers, for statements and transactions', async () => {
      const all = (await admin`select id from projects`).length;
      const count = async (id: string) => (await admin`select 1 from projects where "accountId" = ${id}`).length;
      const spy = withoutFilters();
      try {
        for (let i = 0; i < 4; i++) {
          for (const id of [a, b]) {
            const own = await count(String(id));
            expect(own).toBeLessThan(all);
            expect(await db.forTenant(id).select({ id: projects.id }).from(projects)).toHaveLength(own);
            expect(await db.forTenant(id).$count(projects)).toBe(own);
            expect(await db.forTenant(id).query.projects.findMany({ with: { tasks: true } })).toHaveLength(own);
            expect(
              await db.forTenant(id).transaction((tx: any) =>
                tx
                  .select({ id: tasks.id, name: projects.name })
                  .from(tasks)
                  .innerJoin(projects, and(eq(projects.accountId, tasks.accountId), eq(projects.id, tasks.projectId))),
              ),
            ).not.toHaveLength(0);
            expect(
              await db.prepare(schema.account, (tdb: any) => tdb.select({ id: projects.id }).from(projects)).run(id),
            ).toHaveLength(own);
          }
        }
        expect(await client`select id from projects`).toHaveLength(0);
      } finally {
        spy.mockRestore();
      }
    });

    test('refuse a row of another tenant, on the workers', async () => {
      const spy = withoutFilters({ tenant: String(b) });
      try {
        await expect(db.forTenant(a).insert(labels).values({ id: 77, name: 'x' })).rejects.toMatchObject({
          cause: { code: '42501' },
        });
        await expect(
          db.forTenant(a).transaction((tx: any) => tx.insert(labels).values({ id: 77, name: 'x' })),
        ).rejects.toMatchObject({ cause: { code: '42501' } });
      } finally {
        spy.mockRestore();
      }
      expect(
        await client`select current_setting('app.tenant_id', true) as id,
          current_setting('citus.propagate_set_commands') as propagated`,
      ).toEqual([{ id: '', propagated: 'none' }]);
    });
  });
});
