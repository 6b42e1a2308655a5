import { describe, expect, test } from 'vitest';
import { confined, onServer, refusalOf } from './support.js';
import { statements } from './statements.js';

const server = onServer();
describe('x', () => {
  for (const it of statements) test(it.slice(0, 150), async () => {
    const outcome = await server.same(it);
    if (outcome.error) console.log(it, outcome.error);
  });
});
