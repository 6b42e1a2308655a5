/** Several tenants at once: what is accepted gives the union of what each tenant alone gives, watched on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dropDatabases, open } from '../../support/databases.js';
import { a, b } from '../../support/rows.js';
import { meeting, ofEach, overAll, refusedAcross } from './cases/meeting.js';
import { hostileOf, randomFrom } from './hostile-meeting.js';
import { proveText, refusalOf } from './prove-text.js';
import { rowsOf, unionOf } from './tenants.js';

let opened: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  opened = await open('many', 1);
  await opened.client.unsafe("set statement_timeout = '500ms'");
});
afterAll(async () => {
  await opened?.close();
  await dropDatabases();
});

const countOf = (text: string) => Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((it) => Number(it[1])));
const optionsFor = (text: string) => ({
  params: [a, b].slice(0, countOf(text)),
  shown: /^merge/.test(text) ? 'select "accountId", id, name from x_labels' : undefined,
});

describe('of each tenant', () => {
  test.each(ofEach)('%s', async (text) => {
    const all = await rowsOf(opened, text, undefined, optionsFor(text));
    expect(all.length).toBeGreaterThan(0);
    expect(all).toEqual(await unionOf(opened, text, optionsFor(text)));
  });
});

describe('over all', () => {
  test.each(overAll)('%s', async (text) => void (await rowsOf(opened, text, undefined, optionsFor(text))));
});

test('most of those that are refused would bring rows of two tenants together', async () => {
  let differing = 0;
  const reads = refusedAcross.filter(
    ([text, reason]) => reason === meeting && /^(select|with recursive|with q)/.test(text),
  );
  for (const [text] of reads) {
    const all = await rowsOf(opened, text).catch((error) => [String(error.message)]);
    const alone = await unionOf(opened, text).catch(() => []);
    if (JSON.stringify(all) !== JSON.stringify(alone)) differing++;
  }
  expect(differing).toBeGreaterThan(reads.length * 0.6);
});

const seed = Number(process.env.SEED ?? 3);
const count = Number(process.env.HOSTILE_MEETING ?? 1_500);

test(`of ${count} hostile statements, those that are accepted bring none together (SEED=${seed})`, {
  timeout: 3_600_000,
}, async () => {
  const random = randomFrom(seed);
  const plain = ofEach.filter((it) => /^(select|with)/.test(it) && !/delete|insert/.test(it));
  const tally = { accepted: 0, failed: 0, refused: 0, refusedAndRun: 0, telling: 0 };
  const seen = new Set(plain);
  for (let i = 0; i < count; i++) {
    const text = hostileOf(plain, random);
    if (seen.has(text)) continue;
    seen.add(text);
    const refusal = refusalOf(() => proveText(text, 'all', 0));
    if (refusal !== undefined && ++tally.refused % 10 !== 0) continue;
    const all = await rowsOf(opened, text).catch(() => undefined);
    if (!all) {
      tally.failed++;
      continue;
    }
    const alone = await unionOf(opened, text);
    if (refusal === undefined) {
      tally.accepted++;
      expect(all, text).toEqual(alone);
    } else {
      tally.refusedAndRun++;
      if (JSON.stringify(all) !== JSON.stringify(alone)) tally.telling++;
    }
  }
  console.log(`hostile statements of several tenants: ${JSON.stringify(tally)}`);
  expect(tally.accepted).toBeGreaterThan(count / 20);
  expect(tally.telling).toBeGreaterThan(tally.refusedAndRun / 8);
});

test('a row names its tenant, which becomes a guard', () => {
  expect(
    proveText(`insert into x_labels ("accountId", id, name) values ($1, $2, $3), ($4, $5, $6)`, 'several', 6),
  ).toMatchObject({ guards: [1, 4], usesTenant: false });
  expect(
    proveText(
      `insert into x_labels (id, "accountId", name) select $1, $2::uuid, $3 union all select $4, $5::uuid, $6`,
      'several',
      6,
    ),
  ).toMatchObject({ guards: [2, 5] });
});
