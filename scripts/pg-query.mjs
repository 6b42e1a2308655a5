/**
 * Makes of `libpg-query` what a bundler takes along without settings: one module with the WebAssembly in it, and one
 * for runtimes that compile nothing at run time, which imports the `.wasm`.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const require = createRequire(import.meta.url);
const main = require.resolve('libpg-query/wasm/libpg-query.js');
const wasm = join(dirname(main), 'libpg-query.wasm');
const { version } = require('libpg-query/package.json');

/**
 * What the module that starts the WebAssembly would find of its surroundings: none, so that no bundler looks for a
 * file.
 */
const hidden = [
  'globalThis',
  'process',
  'require',
  'define',
  'window',
  'document',
  'self',
  'XMLHttpRequest',
  '__dirname',
  '__filename',
  'exports',
  'module',
];

export function writePgQuery(directory) {
  mkdirSync(directory, { recursive: true });
  const notice = `/*! libpg-query ${version}, see LICENSE beside this file */`;
  const start =
    `((globals, exports, module) => ((${hidden.join(', ')}) ` +
    `=> {\n${readFileSync(main, 'utf8').trim()}\nreturn module.exports;\n})(globals, ` +
    `${'undefined, '.repeat(hidden.length - 3)}exports, module))({ TextDecoder: globalThis.TextDecoder }, ` +
    '{}, {})';
  const gzip = gzipSync(readFileSync(wasm), { level: 9 }).toString('base64');
  writeFileSync(
    join(directory, 'bundled.cjs'),
    `${notice}\n'use strict';\nexports.start = ${start};\nexports.gzip = '${gzip}';\n`,
  );
  writeFileSync(join(directory, 'start.js'), `${notice}\nexport const start = ${start};\n`);
  // Each takes what the other does not understand.
  for (const [name, query] of [
    ['workerd', ''],
    ['edge', '?module'],
  ]) {
    writeFileSync(
      join(directory, `${name}.js`),
      `import wasm from './libpg-query.wasm${query}';\nexport { start } from './start.js';\nexport { wasm };\n`,
    );
  }
  copyFileSync(wasm, join(directory, 'libpg-query.wasm'));
  copyFileSync(join(dirname(main), '../LICENSE'), join(directory, 'LICENSE'));
}
