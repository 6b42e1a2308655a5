/**
 * A driver that says at once that its transaction is lost, as Bun's SQL does, and runs the next statement elsewhere.
 */
import { expect, test } from 'vitest';
import { connectDrizzle } from '../../src/data/drizzle.js';

test('what comes behind a transaction that was lost is not sent', async () => {
  const sent: string[] = [];
  const session = (where: string) => ({
    prepareQuery: ({ sql }: { sql: string }) => ({ execute: async () => (sent.push(`${where}: ${sql}`), []) }),
  });
  let lose!: (error: Error) => void;
  const db = {
    session: session('alone'),
    transaction: (run: (tx: any) => Promise<unknown>) =>
      Promise.race([run({ session: session('within') }), new Promise((_, reject) => (lose = reject))]),
  };
  const connection = connectDrizzle(db);
  await connection.query('first');
  await connection.begin('write');
  await connection.query('second');
  lose(new Error('The connection was closed.'));
  await new Promise((resolve) => setImmediate(resolve));
  const lost = { _tag: 'TenantDataError', message: expect.stringMatching(/^Run it again/) };
  await expect(connection.query('third')).rejects.toMatchObject(lost);
  await expect(connection.commit()).rejects.toMatchObject(lost);
  await connection.rollback();
  await connection.query('fourth');
  expect(sent).toEqual(['alone: first', 'within: second', 'alone: fourth']);
});
