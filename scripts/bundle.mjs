/**
 * Puts the modules that every application loads into two files: to find and read a hundred takes Node.js longer than
 * all that they do. Each module stays where it is, and passes on what stands in there: it is loaded once, whoever asks.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';

/** A specifier that leads from a folder to a file. */
const specifier = (folder, file) => {
  const path = relative(folder, file);
  return path.startsWith('.') ? path : `./${path}`;
};

/** @param dist the modules as TypeScript wrote them, `index.js` among them; they are written over */
export async function bundle(dist) {
  const folder = join(dist, 'bundle');
  /** What is loaded when it is needed stays a file of its own, that this leads to from the folder. */
  const loadedLater = {
    name: 'loaded later',
    setup(building) {
      building.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) =>
        kind === 'dynamic-import' ? { path: specifier(folder, join(resolveDir, path)), external: true } : undefined,
      );
    },
  };
  const bundled = (entryPoints) =>
    build({
      absWorkingDir: dist,
      entryPoints,
      outdir: dist,
      outbase: dist,
      chunkNames: 'bundle/[name]-[hash]',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      packages: 'external',
      external: ['#*'],
      plugins: [loadedLater],
      metafile: true,
      write: false,
      logLevel: 'error',
    });
  const reached = async (entry) => Object.keys((await bundled([entry])).metafile.inputs);

  // Who declares tables in a browser takes the first file along, and not the second.
  const schema = await reached('schema/index.js');
  const core = (await reached('index.js')).filter((it) => it !== 'index.js' && !schema.includes(it));
  const files = { 'bundle/schema.js': schema, 'bundle/core.js': core };
  const { outputs } = (await bundled([...schema, ...core])).metafile;
  /** What a module exports, and under which name the file that it is put into does. */
  const names = (path) => outputs[path].exports.map((name) => [name, `${path.replaceAll(/\W/g, '_')}_${name}`]);

  mkdirSync(folder);
  for (const [file, paths] of Object.entries(files)) {
    const lines = paths.map((path) => {
      const all = names(path).map(([name, long]) => `${name} as ${long}`);
      return `export { ${all.join(', ')} } from '../${path}';`;
    });
    writeFileSync(join(dist, file), lines.join('\n'));
  }
  const { outputFiles } = await bundled(['index.js', ...Object.keys(files)]);
  for (const [file, paths] of Object.entries(files)) {
    for (const path of paths) {
      const all = names(path).map(([name, long]) => `${long} as ${name}`);
      if (all.length > 0)
        writeFileSync(join(dist, path), `export { ${all.join(', ')} } from '${specifier(dirname(path), file)}';\n`);
    }
  }
  // Nothing has to run before something else, and a bundler that is told of no side effects warns of such an import.
  for (const { path, text } of outputFiles) writeFileSync(path, text.replaceAll(/^import "[^"]*";\n/gm, ''));
}
