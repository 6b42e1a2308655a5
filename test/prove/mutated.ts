/** Builds the prover with a piece of its source replaced. */
import { readdirSync, readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { cases } from './cases/index.js';
import { proveText, refusalOf, type Prove } from './prove-text.js';

const folder = fileURLToPath(new URL('../../src/sql/prove/', import.meta.url));

/** The source of the prover, by the names of its files. */
export const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(folder)
    .filter((it) => it.endsWith('.ts'))
    .map((it) => [it, readFileSync(join(folder, it), 'utf8')]),
);

let count = 0;

/** @returns the prover, with `text` in place of the file `name` */
export async function mutated(name: string, text: string): Promise<Prove> {
  const result = await build({
    entryPoints: [join(folder, 'prove.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    plugins: [
      {
        name: 'mutated',
        setup({ onLoad }) {
          onLoad({ filter: /sql\/prove\/[^/]*\.ts$/ }, ({ path }) => ({ contents: basename(path) === name ? text : sources.get(basename(path))!, loader: 'ts' }));
          // The parser is given.
          onLoad({ filter: /sql\/load\.ts$/ }, () => ({ contents: 'export class ParseError extends Error {}', loader: 'ts' }));
        },
      },
    ],
  });
  const directory = mkdtempSync(join(tmpdir(), 'mutated-'));
  const file = join(directory, `${count++}.mjs`);
  writeFileSync(file, result.outputFiles[0]!.text);
  try {
    return ((await import(/* @vite-ignore */ pathToFileURL(file).href)) as { prove: Prove }).prove;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The cases that a prover judges otherwise than it should. */
export function wrong(prove: Prove, isEnough: (found: readonly string[]) => boolean = () => false): string[] {
  const found: string[] = [];
  for (const { text, count, more, reason } of cases) {
    const said = refusalOf(() => proveText(text, more.reach, count, more, prove));
    const isRight = reason ? said !== undefined && reason.test(said) : said === undefined;
    if (!isRight) found.push(`${reason ? (said === undefined ? 'accepted' : 'refused otherwise') : 'refused'}: ${text}`);
    if (isEnough(found)) break;
  }
  return found;
}
