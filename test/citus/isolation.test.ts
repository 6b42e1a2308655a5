/**
 * The corpus on a real Citus with row-level security: what it returns, throws and leaves is what it does on a plain
 * PostgreSQL that holds one tenant alone. And once more with every filter taken away, so that the policies on the
 * workers are all there is. Runs when CITUS_URL names a database with the citus extension, whose tables of the test
 * schema are dropped and created again.
 */
import postgres from 'postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { assertRowLevelSecurity, withTenancy } from '../../src/index.js';
import { programs } from '../isolation/programs.js';
import { outcomeOf, type Outcome } from '../support/comparison.js';
import { dropDatabases, open, rowsFor, schemaStatements } from '../support/databases.js';
import { asRole, rlsStatements } from '../support/rls.js';
import { a, tenantTables } from '../support/rows.js';
import * as schema from '../support/schema.js';
import { withoutFilters } from '../support/without-filters.js';
import { keep, putBack, stateOf, type RunText, type State } from '../support/state.js';
import { createTables, dropTables } from './tables.js';

const url = process.env.CITUS_URL;
if (!url) console.warn('CITUS_URL is not set: the isolation corpus on Citus is skipped.');

/**
 * Citus 13.2 itself crashes on them: a policy on the inner side of an outer join, and no filter that names one shard.
 */
const crashing = new Set(['left join from a reference table', 'full join with a reference table', 'execute values']);

const statementsOf = (text: string) => text.split(';\n').filter((it) => it.trim() !== '');

describe.skipIf(!url)('on Citus, with row-level security', { timeout: 60_000 }, () => {
  let admin: postgres.Sql;
  let client: postgres.Sql;
  let many: any;
  let alone: Awaited<ReturnType<typeof open>>;
  let before: State;
  const onCitus: RunText = (text) => admin.unsafe(text) as any;
  const onPlain: RunText = (text) => alone.client.unsafe(text) as any;

  beforeAll(async () => {
    admin = postgres(url!, { max: 1, onnotice: () => {} });
    await dropTables(admin);
    await admin.unsafe('set citus.shard_count to 4');
    await createTables(admin, await schemaStatements());
    for (const statement of statementsOf(rowsFor.many)) await admin.unsafe(statement);
    for (const statement of rlsStatements()) await admin.unsafe(statement);
    client = postgres(asRole(url!), { max: 2, onnotice: () => {} });
    many = withTenancy(drizzle({ client }), { relations: schema.relations, views: [schema.projectSizes], rls: true });
    await assertRowLevelSecurity(many, { except: ['project_sizes'] });
    alone = await open('alone');
    await keep(onPlain);
    before = await stateOf(onCitus);
    expect((await stateOf(onPlain)).own).toEqual(before.own);
  }, 180_000);
  afterAll(async () => {
    await client?.end();
    await alone?.close();
    if (admin) await dropTables(admin);
    await admin?.end();
    await dropDatabases();
  }, 60_000);

  /** `session_replication_role`, which lets rows be put back in any order, does not reach the workers. */
  async function restore(): Promise<void> {
    await putBack(onPlain);
    await admin.begin(async (tx) => {
      await tx.unsafe("set local citus.multi_shard_modify_mode to 'sequential'");
      for (const [table] of [...tenantTables].reverse()) await tx.unsafe(`delete from ${table}`);
      await tx.unsafe('delete from countries');
      for (const statement of statementsOf(rowsFor.many)) await tx.unsafe(statement);
    });
  }

  /** PostgreSQL keeps the details of an error from a role that policies hold back. */
  const withoutDetail = ({ error, ...rest }: Outcome): Outcome => ({
    ...rest,
    ...(error && { error: { ...error, detail: undefined } }),
  });

  async function compare({ run, ordered = false }: (typeof programs)[number]) {
    const [found, wanted] = await Promise.all([
      outcomeOf(() => run(many.forTenant(a), schema), ordered),
      outcomeOf(() => run(alone.db.forTenant(a), schema), ordered),
    ]);
    const [after, afterAlone] = [await stateOf(onCitus), await stateOf(onPlain)];
    if (JSON.stringify([after, afterAlone.own]) !== JSON.stringify([before, before.own])) await restore();
    expect(after.others).toEqual(before.others);
    return { found: withoutDetail(found!), wanted: withoutDetail(wanted!), own: after.own, wantedOwn: afterAlone.own };
  }

  describe('the corpus', () => {
    for (const program of programs) {
      test.skipIf(program.notCitus || program.notCitusRls)(program.name, async () => {
        const { found, wanted, own, wantedOwn } = await compare(program);
        expect(found).toEqual(wanted);
        expect(own).toEqual(wantedOwn);
      });
    }
  });

  describe('without the filters', () => {
    const told = { same: 0, refused: 0 };
    beforeAll(() => {
      // Materialized views have no policies.
      withoutFilters({ views: [schema.openTasks], when: (text) => !text.includes('project_sizes') });
    });
    afterAll(() => {
      vi.restoreAllMocks();
      if (told.same > 0)
        console.log(
          `The corpus on Citus by policies alone: ${told.same} programs the same, ${told.refused} that Citus refuses.`,
        );
    });

    for (const program of programs) {
      test.skipIf(crashing.has(program.name))(program.name, async () => {
        const { found, wanted, own, wantedOwn } = await compare(program);
        // Without the tenant's value in it, a statement is for all shards: some, Citus's planner refuses or fails on.
        if (found.error?.code === '0A000' || found.error?.code === 'XX000') return void told.refused++;
        told.same++;
        expect(found).toEqual(wanted);
        expect(own).toEqual(wantedOwn);
      });
    }
  });
});
