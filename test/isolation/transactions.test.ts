/** Transactions, savepoints, handles kept too long, tenants at once on one pool. */
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { comparison, outcomeOf, type Run } from '../support/comparison.js';
import { open } from '../support/databases.js';
import { a, b, c } from '../support/rows.js';
import { labels, relations, tasks } from '../support/schema.js';

const pair = comparison();

describe('a handle kept past its transaction', () => {
  const refusals: Record<string, Run> = {
    'a select': async (tdb) => {
      let kept: any;
      await tdb.transaction(async (tx: any) => {
        kept = tx;
      });
      return kept.select().from(tasks);
    },
    'a relational query': async (tdb) => {
      let kept: any;
      await tdb.transaction(async (tx: any) => {
        kept = tx.query;
      });
      return kept.tasks.findMany();
    },
    'a query built inside': async (tdb) => {
      let kept: any;
      await tdb.transaction(async (tx: any) => {
        kept = { query: tx.select().from(tasks) };
      });
      return kept.query;
    },
    'a statement prepared inside': async (tdb) => {
      let kept: any;
      await tdb.transaction(async (tx: any) => {
        kept = tx.select().from(tasks).prepare('kept');
      });
      return kept.execute();
    },
    'a count': async (tdb) => {
      let kept: any;
      await tdb.transaction(async (tx: any) => {
        kept = { count: tx.$count(tasks) };
      });
      return kept.count;
    },
    'an execute': async (tdb) => {
      let kept: any;
      await tdb.transaction(async (tx: any) => {
        kept = tx;
      });
      return kept.execute(sql`select 1`);
    },
    'an insert': async (tdb) => {
      let kept: any;
      await tdb.transaction(async (tx: any) => {
        kept = tx;
      });
      return kept.insert(labels).values({ id: 80, name: 'x' });
    },
    'after a rollback': async (tdb) => {
      let kept: any;
      await tdb
        .transaction(async (tx: any) => {
          kept = tx;
          tx.rollback();
        })
        .catch(() => {});
      return kept.delete(labels);
    },
    'of a savepoint': async (tdb) =>
      tdb.transaction(async (tx: any) => {
        let kept: any;
        await tx.transaction(async (inner: any) => {
          kept = inner;
        });
        return kept.select().from(tasks);
      }),
    'an isolation level that is a statement': (tdb) =>
      tdb.transaction(async (tx: any) => tx.$count(tasks), {
        isolationLevel: 'serializable; delete from x_labels' as any,
      }),
    'an access mode that is a statement': (tdb) =>
      tdb.transaction(async (tx: any) => tx.$count(tasks), { accessMode: 'read only; delete from x_labels' as any }),
    'settings that are a statement': (tdb) =>
      tdb.transaction(async (tx: any) => {
        await tx.setTransaction({ isolationLevel: 'serializable; delete from x_labels' });
      }),
  };
  for (const [name, run] of Object.entries(refusals)) test(name, () => pair.refused(run));

  test('settings that are a statement when they are looked at again', async () => {
    await pair.isolated((tdb) => {
      let looks = 0;
      const config = {
        get isolationLevel() {
          return looks++ < 2 ? 'serializable' : 'serializable; delete from x_labels';
        },
      };
      return tdb.transaction(async (tx: any) => tx.$count(tasks), config as any);
    });
  });

  test('a snapshot with a quote is a name, not a statement', async () => {
    const { error } = await pair.isolated((tdb) =>
      tdb.transaction(async (tx: any) => tx.setTransaction({ snapshot: `x'; delete from x_labels; --` })),
    );
    expect(error).toBeDefined();
  });
});

test('a failed statement leaves the handle as it was', async () => {
  await pair.isolated(async (tdb) => {
    await tdb
      .insert(labels)
      .values({ id: 1, name: 'x' })
      .catch(() => {});
    return tdb.select().from(labels);
  });
});

describe('tenants at once on one pool', () => {
  test('a hundred queries of three tenants over two connections', async () => {
    const { db, close } = await open('many', 2);
    const expected: any = { [a as any]: ['Build a', 4], [b as any]: ['Build b', 6], [c as any]: ['Build c', 6] };
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const id = [a, b, c][i % 3]!;
        const tdb = db.forTenant(id);
        const seen =
          i % 2
            ? await tdb.transaction(async (tx: any) => [
                (await tx.query.tasks.findFirst({ where: { id: 2 } })).title,
                await tx.$count(tasks),
              ])
            : [(await tdb.select().from(tasks).where(eq(tasks.id, 2)))[0]!.title, await tdb.$count(tasks)];
        expect(seen).toEqual(expected[id as any]);
      }),
    );
    await close();
  });

  test('a connection that is killed between two tenants', async () => {
    const { url, client, close } = await open('many', 1);
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    pool.on('error', () => {});
    const db = withTenancy(drizzle({ client: pool }), { relations });
    const outcome = await outcomeOf(() =>
      db.forTenant(b).transaction(async (tx: any) => {
        const { rows } = await tx.execute(sql`select ${tasks.id} as id from ${tasks} limit 1`);
        expect(rows).toHaveLength(1);
        await client`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
          and pid <> pg_backend_pid()`;
        return tx.select().from(tasks);
      }),
    );
    expect(outcome.error).toBeDefined();
    expect(await db.forTenant(a).$count(tasks)).toBe(4);
    await Promise.all([pool.end(), close()]);
  });
});

test('a query that failed behind some of its rows leaves no empty places to the next on its connection', async () => {
  const { db, close } = await open('many', 1);
  const fails = (tdb: any) => expect(tdb.execute(sql`select 1 / (id - 4) from tasks`)).rejects.toThrow();
  const ids = (tdb: any) => tdb.execute(sql`select id from tasks order by id`).then((rows: any) => [...rows]);
  const own = [1, 2, 3, 4].map((id) => ({ id }));
  for (const run of [(work: any) => work(db), (work: any) => db.transaction(work)]) {
    await fails(db.forTenant(b));
    expect(await run((it: any) => ids(it.forTenant(a)))).toEqual(own);
    await fails(db.forTenant(b));
    expect(await db.forTenant(a).execute(sql`select id from tasks where false`)).toEqual([]);
    expect(await ids(db.forTenant(a))).toEqual(own);
  }
  await close();
});
