/**
 * What has to be right for nothing of another tenant to be sent does not grow unnoticed. `npm run trusted` lists it.
 */
import { expect, test } from 'vitest';
// @ts-expect-error: a script, without types
import { trusted } from '../../scripts/trusted.mjs';

const files: Map<string, { lines: number; code: number }> = trusted();

test('the gate, the prover and the session are in it, what is proved afterwards is not', () => {
  const names = [...files.keys()];
  for (const name of [
    'scope/gate.ts',
    'scope/session.ts',
    'sql/prove/prove.ts',
    'sql/prove/functions.ts',
    'schema/tenancy.ts',
  ])
    expect(names).toContain(name);
  expect(names.filter((it) => /^(sql\/confine|handle|drivers|effect|kit|data|rls)\//.test(it))).toEqual([]);
});

test('no more code than when it was last looked at', () => {
  const code = [...files.values()].reduce((sum, it) => sum + it.code, 0);
  expect(code).toBeGreaterThan(2_000);
  expect(code).toBeLessThanOrEqual(4_228);
});
