/** Transactions, savepoints, and programs of several statements. */
import { eq, gt, sql } from 'drizzle-orm';
import type { Program } from './program.js';

export const transactions: Program[] = [
  {
    name: 'a transaction',
    run: (tdb, { labels }) =>
      tdb.transaction(async (tx: any) => {
        await tx.insert(labels).values({ id: 40, name: 'tx' });
        await tx.update(labels).set({ name: 'txx' }).where(eq(labels.id, 40));
        return tx.select().from(labels);
      }),
  },
  {
    name: 'a transaction rolled back',
    fails: true,
    run: (tdb, { labels }) =>
      tdb.transaction(async (tx: any) => {
        await tx.delete(labels);
        tx.rollback();
      }),
  },
  {
    name: 'a transaction that throws',
    fails: true,
    run: (tdb, { labels }) =>
      tdb.transaction(async (tx: any) => {
        await tx.delete(labels);
        throw Object.assign(new Error('stop'), { code: 'stop' });
      }),
  },
  {
    name: 'a savepoint',
    run: (tdb, { labels }) =>
      tdb.transaction(async (tx: any) => {
        await tx.insert(labels).values({ id: 40, name: 'kept' });
        await tx.transaction(async (inner: any) => {
          await inner.insert(labels).values({ id: 41, name: 'kept too' });
        });
        return tx.$count(labels);
      }),
  },
  {
    name: 'a savepoint rolled back',
    run: (tdb, { labels }) =>
      tdb.transaction(async (tx: any) => {
        await tx.insert(labels).values({ id: 40, name: 'kept' });
        await tx
          .transaction(async (inner: any) => {
            await inner.delete(labels);
            inner.rollback();
          })
          .catch(() => {});
        return tx.select().from(labels);
      }),
  },
  {
    name: 'a transaction with settings',
    run: (tdb, { tasks }) =>
      tdb.transaction(async (tx: any) => tx.query.tasks.findMany({ with: { project: true } }), {
        isolationLevel: 'repeatable read',
        accessMode: 'read only',
        deferrable: true,
      }),
  },
  {
    name: 'a transaction over every kind of statement',
    run: (tdb, { projects, tasks, countries }) =>
      tdb.transaction(async (tx: any) => {
        const [country] = await tx.select().from(countries).where(eq(countries.id, 2));
        const [project] = await tx.insert(projects).values({ id: 50, name: 'tx', countryId: country.id }).returning();
        await tx.insert(tasks).values([
          { id: 50, projectId: project.id, title: 'a' },
          { id: 51, projectId: project.id, title: 'b' },
        ]);
        await tx.delete(tasks).where(eq(tasks.id, 51));
        return tx.query.projects.findMany({ where: { id: { gt: 3 } }, with: { tasks: true, country: true } });
      }),
  },
  {
    name: 'read, decide, write',
    run: async (tdb, { tasks }) => {
      const rows = await tdb.select().from(tasks).where(gt(tasks.points, 2));
      for (const row of rows)
        await tdb
          .update(tasks)
          .set({ title: sql`${tasks.title} || ${row.points}` })
          .where(eq(tasks.id, row.id));
      return tdb.select({ t: tasks.title }).from(tasks);
    },
  },
  {
    name: 'statements at once',
    run: (tdb, { tasks, projects, notes }) =>
      Promise.all([
        tdb.$count(tasks),
        tdb.select().from(projects),
        tdb.query.users.findMany({ with: { tasks: true } }),
        tdb.$count(notes),
      ]),
  },
];
