/**
 * What the prover accepts is run, on a database with many tenants and on one with this tenant alone. The results
 * are equal, and no other tenant's row was changed. So are those of 1,000 hostile statements, if it accepts them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropDatabases, open, type Contents } from '../../support/databases.js';
import { stateOf } from '../../support/state.js';
import { accepted } from './cases/one.js';
import { hostileStatements, mutations } from './hostile.js';
import { numbered, proveCase } from './support.js';

const seed = Number(process.env.SEED ?? 5);
const count = Number(process.env.HOSTILE ?? 1_000);
let opened: Record<Contents, Awaited<ReturnType<typeof open>>>;

beforeAll(async () => {
  opened = { many: await open('many', 1), alone: await open('alone', 1) };
  for (const { client } of Object.values(opened)) await client.unsafe("set statement_timeout = '500ms'");
});
afterAll(async () => {
  for (const { close } of Object.values(opened ?? {})) await close();
  await dropDatabases();
});

class Rollback extends Error {}

/** Runs a statement, and takes back what it changed. */
async function run(contents: Contents, text: string): Promise<{ result: string; changed: boolean }> {
  const { sql, params } = numbered(text);
  const { client } = opened[contents];
  let answer: { result: string; changed: boolean } | undefined;
  await client
    .begin(async (tx) => {
      const before = contents === 'many' ? await others(tx) : undefined;
      let result: string;
      try {
        const rows = await tx.savepoint((sp) => sp.unsafe(sql, params as any[]));
        result = rows
          .map((row) => JSON.stringify(row))
          .sort()
          .join('\n');
      } catch (error) {
        result = `error ${(error as any).code}: ${(error as Error).message}`;
      }
      answer = { result, changed: before !== undefined && before !== (await others(tx)) };
      throw new Rollback();
    })
    .catch((error) => {
      if (!(error instanceof Rollback)) throw error;
    });
  return answer!;
}

const others = async (client: { unsafe(text: string): any }) =>
  JSON.stringify((await stateOf((text) => client.unsafe(text))).others);

/** What a statement shows or changes of other tenants. */
async function leak(text: string): Promise<string | undefined> {
  const many = await run('many', text);
  if (many.changed) return "another tenant's row changed";
  const alone = await run('alone', text);
  return many.result === alone.result ? undefined : `with many tenants:\n${many.result}\nalone:\n${alone.result}`;
}

test.each(accepted)('leaks nothing: %s', async (text) => {
  expect(await leak(text)).toBeUndefined();
  expect((await run('many', text)).result).not.toMatch(/^error/);
});

test(`of ${count} hostile statements, none that is accepted leaks (SEED=${seed})`, async () => {
  const statements = hostileStatements(count, seed);
  const tally = { accepted: 0, failed: 0, refused: 0, refusedAndRun: 0, leaking: 0 };
  const used = new Set<string>();
  const leaks: string[] = [];
  for (const { text, by } of statements) {
    for (const name of by) used.add(name);
    const error = await proveCase(text).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (error === undefined) {
      tally.accepted++;
      const found = await leak(text);
      if (found) leaks.push(`${text}\n[${by.join(', ')}]\n${found}`);
      else if ((await run('alone', text)).result.startsWith('error')) tally.failed++;
    } else {
      expect((error as { _tag?: string })._tag).toMatch(/^(RawSqlNotScoped|UnscopedTable|ImmutableTenant)Error$/);
      expect((error as Error).cause).toBeUndefined();
      tally.refused++;
      // How hostile they are: what one in four of those that are refused would have shown.
      if (tally.refused % 4 === 0 && !/recursive/.test(text)) {
        tally.refusedAndRun++;
        if (await leak(text).catch(() => undefined)) tally.leaking++;
      }
    }
  }
  console.log(`hostile statements: ${JSON.stringify(tally)}`);
  expect(leaks).toEqual([]);
  expect([...used].sort()).toEqual(Object.keys(mutations).sort());
  expect(tally.leaking).toBeGreaterThan(tally.refusedAndRun / 4);
}, 240_000);
