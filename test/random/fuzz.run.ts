/**
 * Texts at random through the gate, for handles of each kind: a text passes, or is refused with an error that has a
 * `_tag`. What passes for one tenant runs over three tenants and over one alone, with the same result, and changes no
 * row of others.
 *
 * RUN=fuzz TEXTS=1000000 SEED=1 npx vitest run
 */
import { writeFileSync } from 'node:fs';
import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import { Gate } from '../../src/scope/gate.js';
import { Scope, type Reach } from '../../src/scope/scope.js';
import { loadParser } from '../../src/sql/load.js';
import { apart, raising, together } from '../sql/confine/several.js';
import { statements } from '../sql/confine/statements.js';
import { randomFrom, hostileStatements } from '../sql/prove/hostile.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { a, b } from '../support/rows.js';
import * as schema from '../support/schema.js';
import { stateOf } from '../support/state.js';
import { Fuzz } from './fuzz.js';

const count = Number(process.env.TEXTS ?? 20_000);
const seed = Number(process.env.SEED ?? 1);
afterAll(dropDatabases);

const reaches: readonly (readonly [Reach, boolean])[] = [
  [{ kind: 'one', id: a }, true],
  [{ kind: 'one', id: a }, true],
  [{ kind: 'one', id: a }, true],
  [{ kind: 'several', ids: [a, b] }, true],
  [{ kind: 'all', reason: 'fuzz' }, true],
  [{ kind: 'shared' }, true],
];
/** Two runs may differ in these: which rows, in which order, what time it is. */
const open = [
  'limit|offset|fetch|random|gen_random|now|clock|current_|localtime|setseed|uuid|txid|xmin|skip|recursive',
  'row_number|rank|ntile|lag|lead|first_value|last_value|nth_value|cume|_agg|array|distinct\\s+on|any_value|mode',
];
const isOpen = new RegExp(`\\b(${open.join('|')})`, 'i');

test(
  `${count} texts (SEED=${seed})`,
  async () => {
    const parse = await loadParser();
    const corpus = [
      ...statements,
      ...together,
      ...raising,
      ...apart.map(([it]) => it),
      ...hostileStatements(300, seed).map((it) => it.text.replaceAll('@a', '$1').replaceAll('@b', '$2')),
    ];
    const fuzz = new Fuzz(corpus);
    const random = randomFrom(seed);
    const tables = new Set(Object.values(schema).filter((it) => typeof it === 'object') as object[]);
    // With BROKEN=1 nothing is filtered, which has to be seen.
    const gate = new Gate(tables as any, !process.env.BROKEN, new Set());
    const urls = await Promise.all((['many', 'alone'] as const).map(async (it) => (await freshDatabase(it)).url));
    const connect = () =>
      urls.map((url) =>
        postgres(url, { max: 1, onnotice: () => {}, prepare: false, connection: { statement_timeout: 300 } }),
      );
    let [many, alone] = connect();
    const others = JSON.stringify((await stateOf((it) => many!.unsafe(it) as any)).others);

    const outcomeOf = async (client: postgres.Sql, text: string, params: readonly unknown[], isWrite: boolean) => {
      let out: { result: string; others?: string } = { result: '' };
      await client
        .begin(async (tx) => {
          const result = await tx
            .savepoint((it) => it.unsafe(text, params as any).values())
            .then(
              (rows) => JSON.stringify([...rows].map((it) => JSON.stringify(it)).sort()),
              (error) => `error ${error.code} ${error.message}`,
            );
          out = { result };
          if (isWrite)
            out = {
              result: `${result} ${JSON.stringify((await stateOf((it) => tx.unsafe(it) as any)).own)}`,
              others: JSON.stringify((await stateOf((it) => tx.unsafe(it) as any)).others),
            };
          throw new Error('rollback');
        })
        .catch((error) => {
          if (error.message !== 'rollback') throw error;
        });
      return out;
    };

    const tally: Record<string, number> = {
      passed: 0,
      syntax: 0,
      ran: 0,
      'ran to an error': 0,
      same: 0,
      open: 0,
      slow: 0,
    };
    const refusals = new Map<string, number>();
    const errors = new Map<string, number>();
    const wrong: string[] = [];
    let slowest = [0, ''] as [number, string];
    for (let n = 0; n < count; n++) {
      const text = fuzz.text(random);
      const [reach, filters] = reaches[n % reaches.length]!;
      const numbers = [...text.matchAll(/\$(\d+)/g)].map((it) => Number(it[1]));
      const given = Math.min(9, Math.max(0, ...numbers));
      const scope = new Scope(
        reach,
        filters && !process.env.BROKEN,
        reach.kind === 'shared' ? undefined : (schema.account as any),
      );
      const start = performance.now();
      let passed;
      try {
        passed = gate.pass(parse, scope, text, given);
      } catch (error: any) {
        const tag = error?._tag;
        if (!tag) wrong.push(`${String(error)} | ${reach.kind} | ${text}`);
        else refusals.set(`${reach.kind} ${tag}`, (refusals.get(`${reach.kind} ${tag}`) ?? 0) + 1);
      }
      const took = performance.now() - start;
      if (took > slowest[0]) slowest = [took, text];
      if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (!passed) continue;
      tally.passed!++;
      if (reach.kind !== 'one' || passed.guards.length > 0 || passed.assigned.length > 0) continue;
      const params: unknown[] = [...Array(given).fill('1'), ...(passed.usesTenant ? [a] : [])];
      const isWrite = /\b(insert|update|delete|merge)\b/i.test(text);
      const ours = await outcomeOf(many!, passed.text, params, isWrite);
      const plain = await outcomeOf(alone!, passed.text, params, isWrite);
      // With one client for all of it, a run of a million texts took more memory than there was.
      if (++tally.ran! % 2_000 === 0) {
        await Promise.all([many!.end(), alone!.end()]);
        [many, alone] = connect();
      }
      if (ours.result.startsWith('error'))
        tally['ran to an error']!++,
          errors.set(ours.result.slice(0, 11), (errors.get(ours.result.slice(0, 11)) ?? 0) + 1);
      if (ours.others !== undefined && ours.others !== others)
        wrong.push(`ANOTHER TENANT'S ROW CHANGED | ${text} | ${passed.text}`);
      if (ours.result === plain.result) tally.same!++;
      else if (/^error (57014|55P03)/.test(ours.result) || /^error 57014/.test(plain.result)) tally.slow!++;
      else if (isOpen.test(text)) tally.open!++;
      else
        wrong.push(
          `DIFFERS | ${text} | ${passed.text}\n  many  ${ours.result.slice(0, 300)}\n  alone ` +
            `${plain.result.slice(0, 300)}`,
        );
    }
    await Promise.all([many!.end(), alone!.end()]);
    const report = JSON.stringify(
      {
        ...tally,
        errors: Object.fromEntries(errors),
        refusals: Object.fromEntries(refusals),
        slowest: [Math.round(slowest[0]), slowest[1].slice(0, 200)],
        wrong: wrong.length,
      },
      null,
      2,
    );
    console.log(report);
    if (process.env.FUZZ_OUT) writeFileSync(process.env.FUZZ_OUT, `${report}\n${wrong.join('\n')}\n`);
    expect(wrong.slice(0, 20)).toEqual([]);
  },
  3 * 3_600_000,
);
