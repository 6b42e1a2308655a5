/** Several tenants at once: what is accepted gives the union of what each tenant alone gives, watched on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dropDatabases, open } from '../support/databases.js';
import { a, b, c } from '../support/rows.js';
import { meeting, ofEach, overAll, refusedAcross } from './meeting-cases.js';
import { proveText, refusalOf } from './prove-text.js';

let opened: Awaited<ReturnType<typeof open>>;
beforeAll(async () => void (opened = await open('many', 1)));
afterAll(async () => {
  await opened?.close();
  await dropDatabases();
});

class Rollback extends Error {}
const others = ['crm.notes account_id', 'x_labels "accountId"', 'project_users "accountId"', 'tasks "accountId"', 'projects "accountId"', 'users "accountId"', 'accounts id'];

/** What a statement gives, over all tenants' rows or over those of one; a statement that writes returns what it wrote. */
async function run(text: string, tenant?: string): Promise<string[]> {
  let rows: string[] = [];
  await opened.client
    .begin(async (tx) => {
      if (tenant) {
        await tx.unsafe('set constraints all deferred');
        for (const it of others) await tx.unsafe(`delete from ${it.split(' ')[0]} where ${it.split(' ')[1]} <> '${tenant}'`);
      }
      const given = /\$2/.test(text) ? [a, b] : /\$1/.test(text) ? [a] : [];
      const written = /^merge/.test(text) ? 'select "accountId", id, name from x_labels' : undefined;
      const found = await tx.unsafe(text, given as any[]);
      rows = (written ? await tx.unsafe(written) : found).map((row) => JSON.stringify(row));
      throw new Rollback();
    })
    .catch((error) => {
      if (!(error instanceof Rollback)) throw error;
    });
  return rows.sort();
}

const countOf = (text: string) => Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((it) => Number(it[1])));

describe('of each tenant', () => {
  test.each(ofEach)('%s', async (text) => {
    proveText(text, 'all', countOf(text));
    const alone: string[] = [];
    for (const tenant of [a, b, c].map(String)) alone.push(...(await run(text, tenant)));
    const all = await run(text);
    expect(all.length).toBeGreaterThan(0);
    expect(all).toEqual(alone.sort());
  });
});

describe('over all', () => {
  test.each(overAll)('%s', async (text) => {
    proveText(text, 'all', countOf(text));
    await run(text);
  });
});

describe('refused', () => {
  test.each(refusedAcross)('%s', async (text, reason) => {
    expect(refusalOf(() => proveText(text, 'all', countOf(text)))).toMatch(reason);
  });

  test('most of them would bring rows of two tenants together', async () => {
    let differing = 0;
    const reads = refusedAcross.filter(([text, reason]) => reason === meeting && /^(select|with recursive|with q)/.test(text));
    for (const [text] of reads) {
      const all = await run(text).catch((error) => [String(error.message)]);
      const alone: string[] = [];
      for (const tenant of [a, b, c].map(String)) alone.push(...(await run(text, tenant).catch(() => [])));
      if (JSON.stringify(all) !== JSON.stringify(alone.sort())) differing++;
    }
    expect(differing).toBeGreaterThan(reads.length * 0.6);
  });
});

describe('for several tenants', () => {
  const accepted = [
    `select id from projects where "accountId" = any($1)`,
    `select id from projects where "accountId" = any($1::uuid[])`,
    `select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId" and t."projectId" = p.id where p."accountId" = any($1)`,
    `select p.name, t.title from projects p join tasks t on t."accountId" = p."accountId" and t."projectId" = p.id where p."accountId" = any($1) and t."accountId" = any($1)`,
    `select p.name, (select count(*) from tasks t where t."accountId" = p."accountId") from projects p where p."accountId" = any($1)`,
    `select p.name, q.n from projects p join (select "accountId", count(*) as n from tasks where "accountId" = any($1) group by 1) q on q."accountId" = p."accountId"`,
    `with q as (select "accountId", "projectId" from tasks where "accountId" = any($1)) select p.name from projects p join q on q."accountId" = p."accountId" and q."projectId" = p.id`,
    `update tasks t set points = 1 where "accountId" = any($1)`,
    `delete from x_labels l using tasks t where t."accountId" = l."accountId" and l."accountId" = any($1)`,
    `insert into x_labels ("accountId", id, name) select "accountId", id, title from tasks where "accountId" = any($1)`,
  ];
  test.each(accepted)('accepted: %s', (text) => {
    expect(proveText(text, 'several', 0).usesTenant).toBe(true);
  });

  const refused: [string, RegExp][] = [
    [`select id from projects`, /not bound/],
    [`select id from projects where "accountId" = $1`, /not bound/],
    [`select id from projects where "accountId" <> all($1)`, /not bound/],
    [`select id from projects where "accountId" = any($1) or true`, /an OR/],
    [`select id from projects where not ("accountId" = any($1))`, /a NOT/],
    [`select id from projects where id = any($1)`, /not bound/],
    [`select id from projects where "accountId" = any($1::text[])`, /not bound/],
    [`select id from projects where "accountId" = any($1) and id::text = any($1)`, /another type/],
    [`select p.name, t.title from projects p join tasks t on t."projectId" = p.id where p."accountId" = any($1) and t."accountId" = any($1)`, meeting],
    [`select p.name, (select count(*) from tasks t where t."accountId" = any($1)) from projects p where p."accountId" = any($1)`, meeting],
    [`select p.name from projects p where p."accountId" = any($1) and p."accountId" = any($2)`, /no parameter \$2/],
    [`select p.name, q.n from projects p join (select "accountId", count(*) as n from tasks group by 1) q on q."accountId" = p."accountId" where p."accountId" = any($1)`, /"tasks" is not bound/],
    [`select * from projects tablesample system (1) where "accountId" = any($1)`, /TABLESAMPLE/],
    [`insert into x_labels (id, name) values (1, 'x')`, /not given its tenant/],
    [`insert into x_labels ("accountId", id, name) values (default, 1, 'x')`, /not this handle's tenant/],
    [`insert into x_labels ("accountId", id, name) select "accountId", id, title from tasks`, /not bound/],
  ];
  test.each(refused)('refused: %s', (text, reason) => {
    expect(refusalOf(() => proveText(text, 'several', 0))).toMatch(reason);
  });

  test('a row names its tenant, which becomes a guard', () => {
    expect(proveText(`insert into x_labels ("accountId", id, name) values ($1, $2, $3), ($4, $5, $6)`, 'several', 6)).toMatchObject({ guards: [1, 4], usesTenant: false });
    expect(proveText(`insert into x_labels (id, "accountId", name) select $1, $2::uuid, $3 union all select $4, $5::uuid, $6`, 'several', 6)).toMatchObject({ guards: [2, 5] });
  });
});
