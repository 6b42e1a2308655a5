import { describe, expect, test } from 'vitest';
import { RawSqlNotScopedError } from '../../src/index.js';
import { accepted, refused } from './cases.js';
import { proveCase } from './support.js';

describe('accepts', () => {
  test.each(accepted)('%s', async (text) => {
    await proveCase(text);
  });
});

describe('refuses', () => {
  test.each(refused.map(([text, reason, type]) => [text.slice(0, 200), text, reason, type ?? RawSqlNotScopedError] as const))('%s', async (_, text, reason, type) => {
    const error = await proveCase(text).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(reason);
    expect((error as Error).cause).toBeUndefined();
  });
});
