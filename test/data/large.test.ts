/** More than fits into the buffers of a driver: nothing waits for ever, and the server waits for who reads. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drizzle as nodePostgres } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { withTenancy } from '../../src/index.js';
import { firm, hard, relations, type Hard } from './hard.js';

const one = firm.parse(1) as any;
let here: Hard;
let pool: pg.Pool;
beforeAll(async () => {
  here = await hard([1]);
  pool = new pg.Pool({ connectionString: here.url, max: 2 });
});
afterAll(async () => {
  await pool?.end();
  await here?.close();
});

/** Where the last piece of a COPY just fills a buffer depends on the number of rows. */
test.each(['postgres.js', 'node-postgres'])(
  '%s: exports of many sizes end, and give their connection back',
  { timeout: 120_000 },
  async (driver) => {
    const db: any = driver === 'postgres.js' ? here.db : withTenancy(nodePostgres({ client: pool }), { relations });
    await here.run('delete from events');
    let rows = 0;
    for (let i = 0; i < 12; i++) {
      const more = 4_000 + i * 1_777;
      await here.run(`insert into events select 1, repeat('x', n % 90), n from generate_series(1, ${more}) n`);
      rows += more;
      let lines = 0;
      for await (const chunk of db.tenantData(one).export({ gzip: false })) {
        lines += Buffer.from(chunk)
          .toString()
          .split('\n')
          .filter((it) => it.startsWith('["1","x')).length;
        // A reader that is slower than the server.
        if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const [{ n }] = (await here.run(`select count(*)::int as n from events where what <> ''`)) as any;
      expect(lines).toBe(n);
    }
    expect(rows).toBeGreaterThan(100_000);
  },
);

test.each(['postgres.js', 'node-postgres'])(
  '%s: a reader that stops holds the server back',
  { timeout: 60_000 },
  async (driver) => {
    const db: any = driver === 'postgres.js' ? here.db : withTenancy(nodePostgres({ client: pool }), { relations });
    await here.run(
      `delete from events; insert into events select 1, repeat(md5(n::text), 30), n from generate_series(1, 60000) n`,
    );
    let bytes = 0;
    let isHeld = false;
    for await (const chunk of db.tenantData(one).export({ gzip: false })) {
      bytes += chunk.length;
      if (bytes < 2 ** 20 || isHeld) continue;
      isHeld = true;
      await expect
        .poll(
          async () =>
            (
              await here.run(
                `select wait_event from pg_stat_activity where datname = current_database() and query like 'copy%'`,
              )
            )[0]?.wait_event,
          { timeout: 5_000 },
        )
        .toBe('ClientWrite');
    }
    expect(bytes).toBeGreaterThan(55 * 2 ** 20);
  },
);

test('a pool whose statements are given up after a while moves a tenant that takes longer', async () => {
  const hasty = new pg.Pool({ connectionString: here.url, max: 1, query_timeout: 1 });
  const data: any = withTenancy(nodePostgres({ client: hasty }), { relations }).tenantData(one);
  await here.run(`delete from events; insert into events select 1, 'x', n from generate_series(1, 20000) n`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of data.export()) chunks.push(chunk);
  await data.import(chunks, { into: 'replace', triggers: 'run' });
  expect((await here.run(`select count(*)::int as n from events`))[0]!.n).toBe(20_000);
  await hasty.end();
});
