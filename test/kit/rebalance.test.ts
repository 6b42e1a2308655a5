/** What a rebalance tells while Citus waits for a node: it tries again by itself. */
import { expect, test } from 'vitest';
import { rebalance } from '../../src/kit/live/cluster.js';
import type { Database } from '../../src/kit/live/database.js';

test('says why Citus waits, and follows the job to its end', async () => {
  let asked = 0;
  const database: Database = {
    query: async (text: string): Promise<any[]> => {
      if (text.includes('extversion')) return [{ extversion: '13.2-1' }];
      if (text.includes('citus_rebalance_status')) return [{ id: '7' }];
      if (text.includes('retry_count'))
        return asked < 2
          ? [{ message: 'ERROR:  Could not fetch disk stats for node: 10.0.0.2-9703\nCONTEXT: Citus Background Task' }]
          : [];
      asked++;
      return [{ state: asked < 2 ? 'running' : 'finished', done: asked - 1, total: 1, error: null }];
    },
    close: async () => {},
  };
  const told: unknown[] = [];
  const progress = (...it: unknown[]) => void told.push(it);
  expect(await rebalance(database, { fallback() {}, progress })).toBe(1);
  expect(told).toEqual([
    [
      0,
      1,
      'Start 10.0.0.2:9703 (its log says why it stopped, such as a full disk): ' +
        'Could not fetch disk stats for node: 10.0.0.2-9703',
    ],
    [1, 1, undefined],
  ]);
});
