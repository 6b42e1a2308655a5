/** What each driver's run declares and does: two tenants, one table that has a policy, and one that has none. */
import { eq, sql } from 'drizzle-orm';
import { integer, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from 'drizzle-tenant';

export const account = tenancy('account', uuid);
const columns = () => ({
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
  at: timestamp(),
});
export const projects = tenantTable('projects', columns());
export const guarded = tenantTable('guarded', columns());
export const relations = defineTenantRelations({ projects, guarded });

export const ids = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'].map((it) =>
  account.parse(it),
);

export const guardedBy = (table) => [
  `alter table ${table} enable row level security`,
  `alter table ${table} force row level security`,
  `create policy tenant on ${table} using (account_id = nullif(current_setting('app.tenant_id', true), '')::uuid)`,
];

/** As an administrator runs it; the programs come as another role, whom the policy holds back. */
export const setup = ['projects', 'guarded']
  .flatMap((table) => [
    `create table ${table} (
      account_id uuid, id integer, name text not null, at timestamp, primary key (account_id, id))`,
    `insert into ${table} select i, n, 'of ' || left(i::text, 1), '2026-01-02'
      from unnest(array[${ids.map((it) => `'${it}'::uuid`)}]) i, generate_series(1, 3) n`,
  ])
  .concat(guardedBy('guarded'));

const same = (found, expected, what) => {
  if (JSON.stringify(found) !== JSON.stringify(expected))
    throw new Error(`${what}: ${JSON.stringify(found)} in place of ${JSON.stringify(expected)}`);
};
const each = async (db, run) => {
  for (const id of ids) await run(db.forTenant(id), `of ${id[0]}`, id);
};

/** Columns of the table, each with what it tries. Other tenants' rows have the same keys. */
export const parts = {
  async queries(orm) {
    await each(withTenancy(orm, { relations }), async (tdb, name) => {
      const rows = await tdb.select().from(projects).where(eq(projects.id, 1));
      same(rows.map((it) => [it.name, new Date(it.at).getFullYear()]), [[name, 2026]], 'select');
      same(await tdb.$count(projects), 3, 'count');
      same(await tdb.query.projects.findMany({ columns: { name: true }, limit: 1 }), [{ name }], 'relational');
      same(
        await tdb
          .insert(projects)
          .values([
            { id: 7, name: 'new' },
            { id: 8, name: 'new' },
          ])
          .returning({ id: projects.id }),
        [{ id: 7 }, { id: 8 }],
        'insert',
      );
      same(
        await tdb.update(projects).set({ name: 'newer' }).where(eq(projects.id, 7)).returning({ name: projects.name }),
        [{ name: 'newer' }],
        'update',
      );
      same(
        (await tdb.execute(sql`select id from ${projects} where name like 'new%' order by id`, 'objects')).map((it) =>
          Number(it.id),
        ),
        [7, 8],
        'SQL by hand',
      );
      same(
        (await tdb.delete(projects).where(sql`${projects.id} > 6`).returning({ id: projects.id })).length,
        2,
        'delete',
      );
    });
  },
  async prepared(orm) {
    const db = withTenancy(orm, { relations });
    const query = db.prepare(account, (tdb) =>
      tdb
        .select({ name: projects.name })
        .from(projects)
        .where(eq(projects.id, sql.placeholder('id'))),
    );
    for (let n = 0; n < 3; n++)
      for (const id of ids) same(await query.run(id, { id: 2 }), [{ name: `of ${id[0]}` }], 'prepared');
  },
  async transactions(orm) {
    await each(withTenancy(orm, { relations }), async (tdb, name) => {
      await tdb.transaction(async (tx) => {
        await tx.insert(projects).values({ id: 9, name: 'within' });
        await tx.transaction(async (inner) => { await inner.delete(projects); inner.rollback(); }).catch(() => {});
        same(await tx.$count(projects), 4, 'behind a savepoint');
        tx.rollback();
      }).catch((error) => { if (!/Rollback/.test(error.name + error.message)) throw error; });
      same(await tdb.$count(projects), 3, 'behind a rollback');
    });
  },
  async rls(orm) {
    const db = withTenancy(orm, { relations, rls: true });
    await each(db, async (tdb, name) => {
      same((await tdb.select({ name: guarded.name }).from(guarded)).map((it) => it.name), [name, name, name], 'select');
      try {
        await tdb.transaction(async (tx) => same(await tx.$count(guarded), 3, 'in a transaction'));
      } catch (error) {
        if (!error.message.includes('as one batch')) throw error;
        same((await tdb.batch([tdb.select().from(guarded)]))[0].length, 3, 'in a batch');
      }
    });
    // Without the handle's setting, the policy shows nothing.
    await each(withTenancy(orm, { relations }), async (tdb) => same(await tdb.$count(guarded), 0, 'without rls'));
  },
  async streams(orm) {
    await each(withTenancy(orm, { relations }), async (tdb, name) => {
      const seen = [];
      for await (const row of tdb.select({ name: projects.name }).from(projects).stream()) seen.push(row.name);
      same(seen, [name, name, name], 'stream');
    });
  },
};
