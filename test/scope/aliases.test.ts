/** Where a table may stand in text by hand. */
import { is, SQL, StringChunk } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { expect, test } from 'vitest';
import { withTables } from '../../src/scope/aliases.js';
import { unscopedTasks } from '../support/schema.js';

const before = (text: string) => withTables(new SQL([new StringChunk(text), alias(unscopedTasks, 't')]));

test.each(['from ', 'from (', 'FROM\n( ', 'join ', 'delete from only ', 'merge into x using '])('%j', (text) => {
  expect(is(before(text), SQL)).toBe(true);
});
test.each(['where ', 'fromm ', 'x '])('not %j', (text) => {
  expect(before(text)).toBeUndefined();
});

test('blanks are not looked through again and again', () => {
  const start = performance.now();
  expect(before(`select 1 from${' '.repeat(60_000)}x `)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(1_000);
});
