/** What runs text, or reads tables by name, is trusted by nobody's word. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { describe, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { confine, ready } from '../../src/handle/sql.js';
import { refuseTextRunners } from '../../src/sql/runs-text.js';
import { proveScoped } from '../../src/testing/prove.js';
import { a } from '../support/rows.js';
import * as schema from '../support/schema.js';

const refused = [
  ...['ts_stat', 'query_to_xml', 'pg_catalog.table_to_xmlschema', 'CROSSTAB', '"crosstab"', 'public.dblink'],
  ...['ts_rewrite', 'pgr_dijkstra', 'extensions.pgr_drivingDistance', 'dblink_get_result', 'run_command_on_shards'],
  ...['pg_background_launch', 'pg_logical_slot_peek_changes', 'get_raw_page'],
];

describe('functions that run text', () => {
  test.each(refused)('%s', (name) => {
    expect(() => refuseTextRunners(['slugify', name])).toThrow(
      `Leave "${name}" out of functions, and write its query in the statement itself`,
    );
  });

  test.each(['slugify', 'app.crosstab', 'nextval', 'pg_sleep', 'app.ts_stat', 'app.pgr_route', 'pgrade'])(
    '%s may be trusted',
    (name) => {
      expect(() => refuseTextRunners([name])).not.toThrow();
    },
  );

  test('by handles, by confine() and by proveScoped()', async () => {
    await ready;
    expect(() => withTenancy(drizzle.mock(), { functions: ['crosstab'] })).toThrow(/^Leave "crosstab" out/);
    const options = { tables: schema, tenant: a, functions: ['ts_stat'] };
    expect(() => confine('select 1', [], options)).toThrow(/^Leave "ts_stat" out/);
    await expect(proveScoped('select 1', options)).rejects.toThrow(/^Leave "ts_stat" out/);
  });
});
