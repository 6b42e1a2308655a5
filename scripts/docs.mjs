/** Builds the site: the pages, the playground that needs no server, and the reference of the docstrings. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'docs/.vitepress/dist');
const run = (command, args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' });
const bin = (name) => join(root, 'node_modules/.bin', name);

// It fails on a link that leads nowhere.
run(bin('vitepress'), ['build', 'docs']);
run(bin('tsx'), ['playground/live/index.ts', join(out, 'playground'), '--build']);
// TypeDoc reads programs with the compiler that was there before TypeScript 7, and brings that one along.
const entries = [
  'src/index.ts',
  'src/effect/index.ts',
  'src/kit/index.ts',
  'src/testing/index.ts',
  'src/testing/effect.ts',
  'src/handle/sql.ts',
];
const typedoc = [
  '--tsconfig',
  'tsconfig.build.json',
  '--skipErrorChecking',
  '--excludeInternal',
  '--excludePrivate',
  '--readme',
  'none',
  '--name',
  'drizzle-tenant',
  '--out',
  join(out, 'reference'),
];
run('npx', ['--yes', '-p', 'typedoc@0.28.20', '-p', 'typescript@5.9.3', 'typedoc', ...typedoc, ...entries]);
