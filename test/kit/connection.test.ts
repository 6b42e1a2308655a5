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
  expect(of('XX000', 'failed to COPY to shard 102042 on 127.0.0.1:9801').message).toMatch(
    /^Start 127\.0\.0\.1:9801 \(its log says why it stopped, such as a full disk\), and run the command again/,
  );
  expect(of('XX000', 'Could not fetch disk stats for node: db-1-9803').message).toMatch(/^Start db-1:9803 /);
  const refused = new Error('connection to the remote node postgres@10.0.0.2:9702 failed: Connection refused');
  expect(remedyFor(refused)).toMatch(/^Start 10\.0\.0\.2:9702 /);
  const lost = Object.assign(new Error('Failed to COPY to destination shard public.notes_1'), { code: '08006' });
  expect(remedyFor(Object.assign(lost, { where: 'while executing command on 127.0.0.1:9801' }))).toMatch(
    /^Start the node that does not answer/,
  );
  const full = Object.assign(new Error('could not extend file "base/1": No space left on device'), { code: '53100' });
  expect(remedyFor(full)).toBe('Make room on the disk of the node that the message is from');
  expect(remedyFor(Object.assign(full, { where: 'while executing command on 127.0.0.1:9801' }))).toBe(
    'Make room on the disk of 127.0.0.1:9801',
  );
  expect(of('0A000', 'cannot set transaction read-write mode during recovery').message).toMatch(
    /^Connect to the primary server/,
  );
  expect(of('ECONNRESET').message).toMatch(/^Start the server again/);
  for (const code of ['ENOENT', 'EPERM']) expect(of(code)).not.toHaveProperty('_tag');
});
