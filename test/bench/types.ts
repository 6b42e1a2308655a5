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
 * Writes the applications beside the library's packages, and its declarations, as an application meets them.
 *
 * @param library the directory of the package
 * @returns how to compile one, and how to remove them
 */
export function applications(library: string) {
  const modules = join(library, 'node_modules');
  const root = join(modules, '.cache', `drizzle-tenant-types-${process.pid}`);
  const tsc = (compiler: Compiler, args: readonly string[]) => {
    const { stdout, status } = spawnSync(process.execPath, [join(modules, compilers[compiler], 'bin/tsc'), ...args], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${compiler}, ${args.join(' ')}:\n${stdout}`);
    return stdout;
  };
  tsc('TypeScript 7', [
    '-p',
    join(library, 'tsconfig.build.json'),
    '--emitDeclarationOnly',
    '--outDir',
    join(root, 'lib'),
  ]);
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
  };
  for (const kind of kinds) {
    const directory = join(root, kind);
    mkdirSync(directory, { recursive: true });
    for (const [name, text] of Object.entries(applicationOf(kind)))
      writeFileSync(join(directory, name), text.replaceAll('#lib', '../lib/index.js'));
    writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  }
  return {
    compile(compiler: Compiler, kind: Kind): Cost {
      const stdout = tsc(compiler, [
        '-p',
        join(root, kind),
        '--extendedDiagnostics',
        '--pretty',
        'false',
        ...(compiler === 'TypeScript 7' ? ['--singleThreaded'] : []),
      ]);
      const value = (name: string) => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(stdout)?.[1]);
      return { instantiations: value('Instantiations'), seconds: value('Check time') };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { compile, remove } = applications(process.cwd());
  try {
    for (const compiler of Object.keys(compilers) as Compiler[]) {
      const costs: Record<Kind, Cost[]> = { plain: [], scoped: [] };
      for (let round = 0; round < 3; round++)
        for (const kind of round % 2 ? kinds : [...kinds].reverse()) costs[kind].push(compile(compiler, kind));
      const seconds = (kind: Kind) => costs[kind].map((it) => it.seconds);
      console.log(
        compiler,
        'plain',
        show(spreadOf(seconds('plain'))),
        's, scoped',
        show(spreadOf(seconds('scoped'))),
        's',
        costs.plain[0],
        costs.scoped[0],
      );
      report(
        `type checking time, ${compiler}: scoped / plain`,
        ratioOf(seconds('scoped'), seconds('plain')),
        'at most 1.15',
      );
      report(
        `instantiations, ${compiler}: scoped / plain`,
        (costs.scoped[0]!.instantiations / costs.plain[0]!.instantiations).toFixed(2),
        'at most 1.15',
      );
    }
  } finally {
    remove();
  }
}
