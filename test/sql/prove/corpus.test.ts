/** Every statement that the corpus of programs sends passes the prover, and is refused for another tenant. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { proveScoped } from '../../../src/testing/prove.js';
import { programs } from '../../isolation/programs.js';
import { dropDatabases, open } from '../../support/databases.js';
import { a, b } from '../../support/rows.js';
import * as schema from '../../support/schema.js';

let opened: Awaited<ReturnType<typeof open>>;
beforeAll(async () => void (opened = await open('many', 1)));
afterAll(async () => {
  await opened?.close();
  await dropDatabases();
});

test(`${programs.length} programs`, { timeout: 60_000 }, async () => {
  let count = 0;
  for (const { name, run } of programs) {
    opened.sent.splice(0);
    await (async () => run(opened.db.forTenant(a) as any, schema))().catch(() => {});
    for (const { sql, params } of opened.sent.splice(0)) {
      if (/^(begin|commit|rollback|savepoint|release|set transaction)/i.test(sql)) continue;
      count++;
      const tables = await proveScoped(sql, { tables: schema, tenant: a, params }).catch((error) =>
        expect.fail(`${name}: ${error.message}\n${sql}`),
      );
      if (tables.every((it) => it === 'countries')) continue;
      await expect(proveScoped(sql, { tables: schema, tenant: b, params }), `${name}: ${sql}`).rejects.toThrow();
    }
  }
  console.log(`${count} statements of the corpus proved`);
  expect(count).toBeGreaterThan(programs.length / 2);
});
