/** What the command line does when nobody reads on, as in `drizzle-tenant tenants | head`. */
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { mayBeLeft } from '../../src/kit/cli/text.js';

test('a reader that leaves is no error; others are', () => {
  const stream = new PassThrough();
  mayBeLeft(stream);
  for (const code of ['EPIPE', 'ERR_STREAM_DESTROYED']) stream.emit('error', Object.assign(new Error(code), { code }));
  expect(() => stream.emit('error', Object.assign(new Error('full'), { code: 'ENOSPC' }))).toThrow('full');
});
