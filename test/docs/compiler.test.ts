/** Each message that the types have for a misuse stands in the page of what the compiler says. */
import { readFileSync } from 'node:fs';
import { globSync } from 'tinyglobby';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');
const page = text('docs/compiler.md');
const said = new RegExp(
  [
    "(?:TenantTypeError<|Tenantless<|NoTenant<'one', T, |readonly brand: |_Remedy = |type NoTenantColumn =)",
    "\\s*(['`])(.+?)\\1",
  ].join(''),
  'g',
);
const messages = globSync(['src/{schema,handle}/*.ts', 'src/effect/*.types.ts'], { cwd: root.pathname }).flatMap(
  (file) => [...text(file).matchAll(said)].map((it) => it[2]!),
);

test('are found', () => expect(new Set(messages).size).toBeGreaterThan(25));

test.each([...new Set(messages)])('%s', (message) => {
  // One row for the methods of `db`, the ids by one example, and one for what an Effect lacks.
  const words = message
    .replace(/^(Choose a tenant first, as in db\.forTenant\(id\)).*/, '$1')
    .replace('${Name}', 'account')
    .replace('${OneTenant}', 'Keep one tenant column: a row belongs to one tenant')
    .replace(/^Provide it with /, '');
  expect(page).toContain(words);
});
