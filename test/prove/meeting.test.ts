/** Several tenants at once: what is accepted gives the union of what each tenant alone gives, watched on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dropDatabases, open } from '../support/databases.js';
import { a, b, c } from '../support/rows.js';
import { meeting, ofEach, overAll, refusedAcross } from './cases/meeting.js';
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

test('a row names its tenant, which becomes a guard', () => {
  expect(proveText(`insert into x_labels ("accountId", id, name) values ($1, $2, $3), ($4, $5, $6)`, 'several', 6)).toMatchObject({ guards: [1, 4], usesTenant: false });
  expect(proveText(`insert into x_labels (id, "accountId", name) select $1, $2::uuid, $3 union all select $4, $5::uuid, $6`, 'several', 6)).toMatchObject({ guards: [2, 5] });
});
