/**
 * Breaks each rule of `src/sql/confine` in turn, over the statements of test/sql/confine and the programs of
 * test/isolation: what comes out has to be refused, or to give the same with and without the rows of other tenants.
 * `npm run test:mutations` runs it in some minutes. With UNPROVED=1 nothing is proved, and the leaks have to be seen.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { Gate } from '../../src/scope/gate.js';
import { loadParser } from '../../src/sql/load.js';
import { statementOf } from '../../src/sql/parser.js';
import { prove } from '../../src/sql/prove/prove.js';
import { apart, raising, together } from '../sql/confine/several.js';
import { statements } from '../sql/confine/statements.js';
import { tables } from '../sql/confine/support.js';
import { broken } from '../support/broken.js';
import { programs } from '../isolation/programs.js';
import { dropDatabases, freshDatabase } from '../support/databases.js';
import { a, b, tenantTables } from '../support/rows.js';
import * as schema from '../support/schema.js';
import { stateOf } from '../support/state.js';
import { mutations, strays } from './confine-mutations.js';

const root = join(import.meta.dirname, '../..');
const copy = join(root, 'src/sql/confine-mutant');
const copies: string[] = [];
afterAll(async () => {
  for (const it of copies) rmSync(it, { recursive: true, force: true });
  await dropDatabases();
});

test('every change that would leak is refused', async () => {
  const parse = await loadParser();
  const { url } = await freshDatabase('many');
  const client = postgres(url, { max: 1, onnotice: () => {} });
  const notProved = 'not proved: ';
  const texts = new Map<string, { reach: any; text: string; params: readonly unknown[] }>();
  const add = (reach: string, text: string, params: readonly unknown[]) =>
    texts.set(`${reach} ${text}`, { reach, text, params });
  for (const text of [...statements, ...together]) add('one', text, []);
  for (const text of [...together, ...raising]) add('several', text, []);
  for (const text of together) add('all', text, []);
  for (const [text] of apart) for (const reach of ['several', 'all']) add(reach, text, []);
  for (const [reach, text] of strays) add(reach, text, []);
  const passed = new Map<string, { reach: string; text: string; count: number }>();
  const { pass } = Gate.prototype;
  Gate.prototype.pass = function (...args) {
    const out = pass.apply(this, args);
    passed.set(out.text, { reach: args[1].reach.kind, text: args[2], count: args[3] });
    return out;
  };
  const logQuery = (sql: string, params: unknown[]) => {
    const it = passed.get(sql);
    if (it) add(it.reach, it.text, params.slice(0, it.count));
  };
  const db: any = withTenancy(drizzle({ client, logger: { logQuery } }), {
    relations: schema.relations,
    views: [schema.projectSizes],
  });
  for (const { run } of programs) {
    await db
      .forTenant(a)
      .transaction(async (tx: any) => {
        await Promise.resolve(run(tx, schema)).catch(() => {});
        tx.rollback();
      })
      .catch(() => {});
  }
  Gate.prototype.pass = pass;

  const outcomes = new Map<string, string>();
  const outcomeOf = async (reach: string, text: string, params: readonly unknown[], isAlone = false) => {
    const values = text.includes(`$${params.length + 1}`) ? [...params, reach === 'one' ? a : [a, b]] : params;
    const key = `${isAlone} ${text} ${JSON.stringify(values)}`;
    let out = outcomes.get(key);
    if (out !== undefined) return out;
    await client
      .begin(async (tx) => {
        if (isAlone) {
          const ids = reach === 'one' ? [a] : [a, b];
          await tx.unsafe('set local session_replication_role = replica');
          for (const [table, column] of tenantTables)
            await tx.unsafe(`delete from ${table} where "${column}"::text <> all($1)`, [ids] as any);
          await tx.unsafe('refresh materialized view project_sizes');
          await tx.unsafe('set local session_replication_role = origin');
        }
        const rows = await tx
          .savepoint((it) => it.unsafe(text, values as any))
          .then(
            (it) => [...it.map((row) => JSON.stringify(row))].sort(),
            (error) => [`error ${error.code}`],
          );
        const state = await stateOf((it) => tx.unsafe(it) as any);
        out = JSON.stringify([rows, state.own]) + (isAlone ? '' : `\n${JSON.stringify(state.others)}`);
        throw new Error('rollback');
      })
      .catch(() => {});
    outcomes.set(key, out!);
    return out!;
  };
  const results = async (confine: any) =>
    [...texts.values()].map(({ reach, text, params }) => {
      const given = {
        reach,
        filters: true,
        tenancy: reach === 'shared' ? undefined : schema.account,
        tables,
        functions: new Set<string>(),
        count: params.length,
      } as const;
      let sent: string | undefined;
      try {
        sent = confine(statementOf(parse, text), text, given).text as string;
        if (!process.env.UNPROVED) prove(parse, sent, given);
        return sent;
      } catch {
        return sent && `${notProved}${sent}`;
      }
    });
  const isSent = (it: string | undefined): it is string => it !== undefined && !it.startsWith(notProved);
  const before = await results((await import('../../src/sql/confine/index.js')).confine);
  const all = [...texts.values()];
  const total = {
    statements: all.length,
    mutations: 0,
    changed: 0,
    refused: 0,
    same: 0,
    error: 0,
    ownOnly: 0,
    leaks: 0,
    untouched: 0,
  };
  const [, others] = (await outcomeOf('one', 'select 1', [])).split('\n');
  for (const [i, [file, place, from, to]] of mutations.entries()) {
    const folder = `${copy}-${i}`;
    copies.push(folder);
    cpSync(join(root, 'src/sql/confine'), folder, { recursive: true });
    const path = join(folder, `${file}.ts`);
    writeFileSync(path, broken(readFileSync(path, 'utf8'), from, to));
    total.mutations++;
    const after = await results((await import(/* @vite-ignore */ join(folder, 'index.ts'))).confine);
    let [refused, same, ownOnly, leaks, error] = [0, 0, 0, 0, 0];
    for (const [k, sent] of after.entries()) {
      if (sent === before[k]) continue;
      total.changed++;
      if (!isSent(sent)) refused++;
      else {
        const { reach, text, params } = all[k]!;
        const ours = await outcomeOf(reach, sent, params);
        const plain = isSent(before[k]) ? await outcomeOf(reach, before[k], params) : undefined;
        if (ours === plain) same++;
        else if (ours.startsWith('[["error')) error++;
        else if (reach === 'all' || reach === 'shared') ownOnly++;
        else if (
          ours.split('\n')[0] === (await outcomeOf(reach, sent, params, true)) &&
          (reach !== 'one' || ours.split('\n')[1] === others)
        )
          ownOnly++;
        else {
          leaks++;
          console.log(`LEAKS ${file}: ${place} | ${reach} | ${text}\n  ${sent}\n  ${before[k]}`);
        }
      }
    }
    if (refused + same + ownOnly + leaks + error === 0) {
      total.untouched++;
      console.log(`UNTOUCHED ${file}: ${place}`);
    }
    total.refused += refused;
    total.same += same;
    total.ownOnly += ownOnly;
    total.leaks += leaks;
    total.error += error;
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(JSON.stringify(total));
  expect(total).toMatchObject({ leaks: 0, untouched: 0 });
  await client.end();
}, 600_000);
