/** The build puts modules into few files: each is still loaded once, and gives what it gave. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// @ts-ignore a script
import { bundle } from '../../scripts/bundle.mjs';

const sources = {
  'index.js': "export * from './schema/index.js'; export { gate, later } from './scope/gate.js';",
  'schema/index.js': "export { declare, declared } from './tables.js';",
  'schema/tables.js':
    "import { at } from '../errors.js'; export const declared = []; export const declare = (it) " +
    '=> declared.push(at(it)); export default 7;',
  'errors.js': 'export const at = (it) => `at ${it}`;',
  'scope/gate.js':
    "import { at } from '../schema/tables-of.js'; export const gate = () => at().length; " +
    "export const later = () => import('../drivers/bound.js');",
  'schema/tables-of.js': "import { declared } from './tables.js'; export const at = () => declared;",
  'drivers/bound.js':
    "import { declared } from '../schema/tables.js'; import { gate } from '../scope/gate.js'; " +
    'export const bound = () => [declared.length, gate()];',
};
const dist = mkdtempSync(join(tmpdir(), 'drizzle-tenant-bundle-'));
const load = (path: string) => import(/* @vite-ignore */ pathToFileURL(join(dist, path)).href);

beforeAll(async () => {
  writeFileSync(join(dist, 'package.json'), '{ "type": "module" }');
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    writeFileSync(join(dist, path), text);
  }
  await bundle(dist);
});
afterAll(() => rmSync(dist, { recursive: true }));

describe('the build', () => {
  it('loads a module once, from wherever it is asked for', async () => {
    const { declare, gate, later, declared } = await load('index.js');
    declare('a');
    expect(gate()).toBe(1);
    expect((await later()).bound()).toEqual([1, 1]);
    expect((await load('schema/tables.js')).declared).toBe(declared);
    expect((await load('scope/gate.js')).gate).toBe(gate);
  });

  it('leaves each module its exports', async () => {
    expect(Object.keys(await load('index.js'))).toEqual(['declare', 'declared', 'gate', 'later']);
    expect(Object.keys(await load('scope/gate.js'))).toEqual(['gate', 'later']);
    expect({ ...(await load('schema/tables.js')) }).toMatchObject({ default: 7, declared: ['at a'] });
  });

  it('puts what declares tables apart from what runs statements, and leaves what is loaded later alone', () => {
    const files = readdirSync(join(dist, 'bundle')).map((it) => readFileSync(join(dist, 'bundle', it), 'utf8'));
    const [schema] = files.filter((it) => it.includes('var declared ='));
    expect(schema).not.toContain('gate');
    expect(files.filter((it) => it.includes('var declared =')).length).toBe(1);
    expect(readFileSync(join(dist, 'drivers/bound.js'), 'utf8')).toBe(sources['drivers/bound.js']);
  });
});
