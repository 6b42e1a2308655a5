/** Builds the prover with a piece of its source replaced. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import * as errors from '../../../src/errors.js';
import * as otherTenancy from '../../../src/sql/other-tenancy.js';
import * as parser from '../../../src/sql/parser.js';
import * as refusal from '../../../src/sql/refusal.js';
import { cases } from './cases/index.js';
import { laterParse, proveText, refusalOf, type Prove } from './prove-text.js';

const folder = fileURLToPath(new URL('../../../src/sql/prove/', import.meta.url));

/** The source of the prover, by the names of its files. */
export const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(folder)
    .filter((it) => it.endsWith('.ts'))
    .map((it) => [it, readFileSync(join(folder, it), 'utf8')]),
);

/** What the prover imports from around it. */
const around: Record<string, unknown> = {
  '../../errors.js': errors,
  '../other-tenancy.js': otherTenancy,
  '../parser.js': parser,
  '../refusal.js': refusal,
};
const compiled = new Map<string, (exports: object, require: (name: string) => unknown, module: object) => void>();

function compile(text: string) {
  const known = compiled.get(text);
  if (known) return known;
  const code: any = new Function(
    'exports',
    'require',
    'module',
    transformSync(text, { loader: 'ts', format: 'cjs' }).code,
  );
  compiled.set(text, code);
  return code;
}

/** @returns the prover, with `text` in place of the file `name` */
export function mutated(name: string, text: string): Prove {
  const modules = new Map<string, { exports: object }>();
  const load = (file: string): object => {
    const known = modules.get(file);
    if (known) return known.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const require = (path: string) => around[path] ?? load(path.replace('./', '').replace('.js', '.ts'));
    compile(file === name ? text : sources.get(file)!)(module.exports, require, module);
    return module.exports;
  };
  load('prove.ts');
  return (modules.get('prove.ts')!.exports as { prove: Prove }).prove;
}

/** What told of one rule often tells of the next: it is asked first. Long ones stay last: they take longest. */
const asked = [...cases].sort((a, b) => a.text.length - b.text.length);

/** The cases that a prover judges otherwise than it should; the first of them where one `isEnough`. */
export function wrong(prove: Prove, isEnough = false): string[] {
  const found: string[] = [];
  for (const [i, it] of asked.entries()) {
    const { text, count, more, reason, later } = it;
    const said = refusalOf(() => proveText(text, more.reach, count, more, prove, later && laterParse(...later)));
    const isRight = reason ? said !== undefined && reason.test(said) : said === undefined;
    if (isRight) continue;
    found.push(`${reason ? (said === undefined ? 'accepted' : 'refused otherwise') : 'refused'}: ${text}`);
    if (!isEnough) continue;
    if (text.length < 1_000) {
      asked.splice(i, 1);
      asked.unshift(it);
    }
    break;
  }
  return found;
}
