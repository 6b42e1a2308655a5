/** Builds the site: the pages, the playground that needs no server, and the reference of the docstrings. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'docs/.vitepress/dist');
const base = process.env.DOCS_BASE ?? '/';
const run = (command, args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' });
const bin = (name) => join(root, 'node_modules/.bin', name);

// It fails on a link that leads nowhere.
run(bin('vitepress'), ['build', 'docs']);
run(bin('tsx'), ['playground/live/index.ts', join(out, 'playground'), '--build']);

const folder = (name, files) => files.map((file) => `src/${name}/${file}.ts`);
const reference = {
  entryPoints: [
    'src/index.ts',
    ...['effect', 'kit', 'testing'].map((name) => `src/${name}/index.ts`),
    'src/testing/effect.ts',
    'src/handle/sql.ts',
    ...folder('frameworks', ['express', 'fastify', 'hono', 'nest', 'next', 'trpc']),
    ...folder('validators', ['arktype', 'effect-schema', 'typebox', 'valibot', 'zod']),
  ].map((file) => join(root, file)),
  tsconfig: join(root, 'tsconfig.build.json'),
  out: join(out, 'reference'),
  name: 'drizzle-tenant',
  readme: 'none',
  skipErrorChecking: true,
  excludeInternal: true,
  excludePrivate: true,
  favicon: join(root, 'docs/public/favicon.svg'),
  titleLink: base,
  navigationLinks: { Documentation: `${base}start`, Playground: `${base}playground/index.html` },
  // Types that are not exported have no page of their own.
  validation: { notExported: false },
};
const options = mkdtempSync(join(tmpdir(), 'drizzle-tenant-docs-'));
try {
  writeFileSync(join(options, 'typedoc.json'), JSON.stringify(reference));
  // TypeDoc reads programs with the compiler that was there before TypeScript 7, and brings that one along.
  const packages = ['-p', 'typedoc@0.28.20', '-p', 'typescript@5.9.3'];
  run('npx', ['--yes', ...packages, 'typedoc', '--options', join(options, 'typedoc.json')]);
} finally {
  rmSync(options, { recursive: true, force: true });
}
