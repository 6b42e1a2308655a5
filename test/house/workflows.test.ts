/** The workflows call what is there: that a script or a folder has moved would be noticed when it is needed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const { scripts } = JSON.parse(read('package.json'));
const folder = '.github/workflows';
const called = readdirSync(new URL(folder, root)).flatMap((name) => {
  const text = read(`${folder}/${name}`);
  return [
    ...[...text.matchAll(/npm run ([\w:]+)/g)].map(([, it]) => [name, 'script', it!] as const),
    ...[...text.matchAll(/(?:\bnode|run:) (\.?[\w./]*\/[\w./-]+)/g)].map(([, it]) => [name, 'file', it!] as const),
    ...[...text.matchAll(/vitest run (.*)/g)].flatMap(([, args]) =>
      args!.split(' ').flatMap((it) => (it.startsWith('test/') ? [[name, 'file', it] as const] : [])),
    ),
  ];
});

test('there is something to look at', () => {
  expect(called.filter(([, kind]) => kind === 'script').length).toBeGreaterThan(2);
  expect(called.map(([, , it]) => it)).toEqual(expect.arrayContaining(['.ci/run', 'scripts/peers.mjs', 'test/citus']));
});

test.each(called)('%s calls the %s %s, which is there', (_, kind, it) => {
  expect(kind === 'script' ? it in scripts : existsSync(new URL(it, root))).toBe(true);
});

test('an action is used in one version, also in the sample of docs/ci.md', () => {
  const texts = [...readdirSync(new URL(folder, root)).map((name) => read(`${folder}/${name}`)), read('docs/ci.md')];
  const used = [...new Set(texts.flatMap((it) => [...it.matchAll(/uses: (\S+)/g)].map((found) => found[1]!)))];
  expect(used.map((it) => it.split('@')[0])).toEqual([...new Set(used.map((it) => it.split('@')[0]))]);
  expect(used.length).toBeGreaterThan(3);
});

test.each(readdirSync(new URL(folder, root)))(
  '%s may only read, but for the job that deploys, and ends some time',
  (name) => {
    const text = read(`${folder}/${name}`);
    expect(text).toMatch(/^permissions: \{ contents: read \}$/m);
    expect(text.match(/\bwrite\b/g)?.length ?? 0).toBe(name === 'docs.yml' ? 2 : 0);
    expect(text.match(/timeout-minutes/g)).toHaveLength(text.match(/runs-on/g)!.length);
  },
);
