/**
 * Builds the package: declarations and ES modules by TypeScript, CommonJS from those, and PostgreSQL's parser for
 * bundlers.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { bundle } from './bundle.mjs';
import { writePgQuery } from './pg-query.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')],
  { stdio: 'inherit' },
);

// Where there are no files, imports of package.json name another module. The sources know only the one.
const tenantData = join(dist, 'data/tenant-data.js');
writeFileSync(tenantData, readFileSync(tenantData, 'utf8').replaceAll("import('./work.js')", "import('#tenant-data')"));

await bundle(dist);

const files = readdirSync(dist, { recursive: true }).map((it) => join(dist, it));
// The command line is a program, and only one.
const isLibrary = (path) => !path.endsWith(join('kit', 'cli', 'cli.js'));
buildSync({
  entryPoints: files.filter((it) => it.endsWith('.js') && isLibrary(it)),
  outdir: dist,
  outbase: dist,
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // A peer that is loaded when it is needed is the same copy that a CommonJS application loads.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'importMetaUrl' },
});

// A package that is loaded when it is needed may not be there: a bundler accepts that within try.
const peer = /then\(\(\) => (__toESM\(require\("[^.#"][^"]*"\)(?:, 1)?\))\)/g;
const importMetaUrl = "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;\n";
const relative = /((?:\bfrom|\bimport|\brequire|\bURL)\s*\(?\s*["'])(\.[^"']*)\.js(["'])/g;
for (const path of readdirSync(dist, { recursive: true }).map((it) => join(dist, it))) {
  const write = (to, change) => writeFileSync(to, change(readFileSync(path, 'utf8')));
  if (path.endsWith('.cjs')) {
    write(path, (it) =>
      it
        .replace(relative, '$1$2.cjs$3')
        .replace(peer, (_, load) => `then(() => { try { return ${load}; } catch (error) { throw error; } })`)
        .replace(/^"use strict";\n/, it.includes('importMetaUrl') ? `$&${importMetaUrl}` : '$&'),
    );
  } else if (path.endsWith('.d.ts')) {
    write(path.replace(/\.d\.ts$/, '.d.cts'), (it) =>
      it.replace(relative, '$1$2.cjs$3').replace(/(\/\/# sourceMappingURL=.*)\.d\.ts\.map/, '$1.d.cts.map'),
    );
  } else if (path.endsWith('.d.ts.map')) {
    write(path.replace(/\.d\.ts\.map$/, '.d.cts.map'), (it) =>
      JSON.stringify({ ...JSON.parse(it), file: JSON.parse(it).file.replace(/\.d\.ts$/, '.d.cts') }),
    );
  }
}
writePgQuery(join(dist, 'pg-query'));
