import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apart, raising, together } from './several.js';
import { confined, onServer, refusalOf } from './support.js';

const server = onServer();

describe('conditions that raise an error on rows of tenants that are not reached', () => {
  // Without an index, PostgreSQL looks at the conditions in the order of their cost.
  beforeAll(() =>
    server.many.unsafe('set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off'),
  );
  for (const text of raising)
    test(text, async () => expect((await server.union(text, 'several')).error).toBeUndefined());
  afterAll(() => server.many.unsafe('reset all'));

  test('refused, where a query does not tell whose its rows are', () => {
    const text = `select x.n from (select title::int as n from tasks) x where x.n = 1`;
    expect(refusalOf(text, 0, { reach: 'several' })).toContain('Select the tenant column in that query');
    expect(refusalOf(text, 0, { reach: 'all' })).toContain('not refused');
  });
  test('what raises nothing keeps its index', () => {
    const text =
      "select id from tasks where id = 1 and title in ('a', 'b') and points between 1 and 2 " +
      "and lower(title) = 'x' and (done or points is null)";
    expect(confined(text, 0, { reach: 'several' })).not.toContain('case');
  });
});

for (const reach of ['several', 'all'] as const) {
  describe(reach, () => {
    for (const text of together) test(text, async () => void (await server.union(text, reach)));
    for (const [text, remedy] of apart)
      test(`refused: ${text}`, () => expect(refusalOf(text, 0, { reach })).toContain(remedy));
  });
}
