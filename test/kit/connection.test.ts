/** The connection of a command: one, which no other takes the place of. */
import { expect, inject, it } from 'vitest';
import { connect } from '../../src/kit/live/database.js';
import { remedyFor } from '../../src/kit/live/remedies.js';

it('is over when the server ends it: its lock is gone', async () => {
  const [one, other] = [await connect(inject('databaseUrl')), await connect(inject('databaseUrl'))];
  const [{ pid }] = (await one.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')) as [{ pid: number }];
  const waiting = one.query('SELECT pg_sleep(60)').catch((error: Error) => error);
  const behind = one.query('SELECT 1').catch((error: Error) => error);
  await other.query('SELECT pg_terminate_backend($1)', [pid]);
  for (const error of [await waiting, await behind])
    expect(remedyFor(error as Error)).toMatch(/^Start the server again/);
  await expect(one.query('SELECT 1')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  await Promise.all([one.close(), other.close()]);
});
