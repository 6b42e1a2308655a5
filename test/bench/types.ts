/** What scoped handles cost the compiler: a generated application, plain and scoped, under both TypeScripts. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ratioOf, report, show, spreadOf } from './measure.js';
import { applicationOf, type Kind } from './project.js';

const kinds = ['plain', 'scoped'] as const;
const compilers = { 'TypeScript 7': 'typescript', 'TypeScript 5.9': 'typescript-5.9' } as const;
type Compiler = keyof typeof compilers;

interface Cost {
  readonly instantiations: number;
  readonly seconds: number;
}

/**
 * Writes the applications beside the library's own packages.
 *
 * @param modules the directory node_modules
 * @param lib the library's declarations
 * @returns how to compile one, and how to remove them
 */
export function applications(modules: string, lib: string) {
  const root = join(modules, '.cache', `drizzle-tenant-types-${process.pid}`);
  const compilerOptions = {
    target: 'ES2022', module: 'NodeNext', moduleResolution: 'NodeNext', strict: true, skipLibCheck: true, noEmit: true, types: [],
  };
  for (const kind of kinds) {
    const directory = join(root, kind);
    mkdirSync(directory, { recursive: true });
    for (const [name, text] of Object.entries(applicationOf(kind))) writeFileSync(join(directory, name), text.replaceAll('#lib', lib));
    writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  }
  return {
    compile(compiler: Compiler, kind: Kind): Cost {
      const tsc = join(modules, compilers[compiler], 'bin/tsc');
      const args = [tsc, '-p', join(root, kind), '--extendedDiagnostics', '--pretty', 'false', ...(compiler === 'TypeScript 7' ? ['--singleThreaded'] : [])];
      const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(`${compiler}, ${kind}:\n${stdout}`);
      const value = (name: string) => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(stdout)?.[1]);
      return { instantiations: value('Instantiations'), seconds: value('Check time') };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const here = fileURLToPath(new URL('../..', import.meta.url));
  const modules = join(here, '..', '..');
  const lib = process.argv[2]!;
  const { compile, remove } = applications(modules, lib);
  try {
    for (const compiler of Object.keys(compilers) as Compiler[]) {
      const costs: Record<Kind, Cost[]> = { plain: [], scoped: [] };
      for (let round = 0; round < 5; round++) for (const kind of round % 2 ? kinds : [...kinds].reverse()) costs[kind].push(compile(compiler, kind));
      const seconds = (kind: Kind) => costs[kind].map((it) => it.seconds);
      console.log(compiler, 'plain', show(spreadOf(seconds('plain'))), 's, scoped', show(spreadOf(seconds('scoped'))), 's', costs.plain[0], costs.scoped[0]);
      report(`type checking time, ${compiler}: scoped / plain`, ratioOf(seconds('scoped'), seconds('plain')), 'at most 1.15');
      report(`instantiations, ${compiler}: scoped / plain`, (costs.scoped[0]!.instantiations / costs.plain[0]!.instantiations).toFixed(2), 'at most 1.15');
    }
  } finally {
    remove();
  }
}
