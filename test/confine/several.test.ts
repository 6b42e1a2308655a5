import { describe, expect, test } from 'vitest';
import { apart, together } from './several.js';
import { onServer, refusalOf } from './support.js';

const server = onServer();

for (const reach of ['several', 'all'] as const) {
  describe(reach, () => {
    for (const text of together) test(text, async () => void (await server.union(text, reach)));
    for (const [text, remedy] of apart) test(`refused: ${text}`, () => expect(refusalOf(text, 0, { reach })).toContain(remedy));
  });
}
