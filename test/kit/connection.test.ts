/** The connection of a command: one, which no other takes the place of. */
import { expect, inject, it } from 'vitest';
import { connect } from '../../src/kit/live/database.js';
import { remedyFor, typed } from '../../src/kit/live/remedies.js';

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

it('gives an error of the server a tag and what to do, and leaves others as they are', () => {
  const of = (code: string, message = 'it said so.') => typed(Object.assign(new Error(message), { code }));
  expect(of('42501')).toMatchObject({
    _tag: 'DatabaseStateError',
    message: expect.stringMatching(
      /^Use the role that owns the tables, or grant what is refused, and run the command again: it said so\. /,
    ),
  });
  expect(of('XX000', 'SSL SYSCALL error: EOF detected\ninvalid socket').message).toMatch(
    /^Start the node that does not answer.*EOF detected invalid socket\./,
  );
  expect(of('ECONNRESET').message).toMatch(/^Start the server again/);
  for (const code of ['ENOENT', 'EPERM']) expect(of(code)).not.toHaveProperty('_tag');
});
