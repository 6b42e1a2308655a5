/**
 * For `node -r`: keeps what V8 compiled of the CommonJS files of node_modules from one process to the next, since most
 * of the time of a drizzle-kit command is the compilation of its 7 MB. A process runs as it would without it.
 */
'use strict';
const { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { dirname, join, resolve } = require('node:path');
const v8 = require('node:v8');
const vm = require('node:vm');

const folder = resolve(__dirname, '../../node_modules/.cache/drizzle-tenant-code');
const file = join(folder, `${process.version}-${process.arch}`);
const kept = readKept();
/** The scripts of this process that were not kept, by their key. */
const fresh = new Map();

function readKept() {
  try {
    return v8.deserialize(readFileSync(file));
  } catch {
    return new Map();
  }
}

const compile = Module.prototype._compile;
Module.prototype._compile = function (content, filename, ...rest) {
  if (!filename.includes('/node_modules/') || filename.includes('/.cache/') || rest[0] === 'module')
    return compile.call(this, content, filename, ...rest);
  const { mtimeMs, size } = statSync(filename);
  const key = `${filename} ${mtimeMs} ${size}`;
  // A script with cached data has no import(), so that it gets the one of a module in its place. Each by its words:
  // one expression for all of them takes 30 ms over drizzle-kit.
  let text = content.startsWith('#!') ? `//${content}` : content;
  for (const before of ['await ', '=> ', '=>', 'return '])
    text = text.replaceAll(`${before}import(`, `${before}__importOfModule(`);
  const cachedData = kept.get(key);
  const wrapper = `(function (exports, require, module, __filename, __dirname, __importOfModule) {${text}\n})`;
  const script = new vm.Script(wrapper, { filename, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) fresh.set(key, script);
  const importer = new Module(filename, this);
  importer.filename = filename;
  importer.paths = this.paths;
  compile.call(importer, 'module.exports = [require, (name, options) => import(name, options)];', filename);
  const [, load] = importer.exports;
  const require = Object.assign((id) => this.require(id), importer.exports[0]);
  return script.runInThisContext().call(this.exports, this.exports, require, this, filename, dirname(filename), load);
};

process.on('exit', () => {
  if (fresh.size === 0) return;
  try {
    for (const [key, script] of fresh) kept.set(key, script.createCachedData());
    mkdirSync(folder, { recursive: true });
    const made = `${file}-${process.pid}`;
    writeFileSync(made, v8.serialize(kept));
    renameSync(made, file);
  } catch {
    // The next process compiles again.
  }
});
