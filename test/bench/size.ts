/** The size of an application that uses the core alone: bundled, minified, compressed, without Drizzle. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { report } from './measure.js';

const application = `
  import { alias, defineTenantRelations, referenceTable, tenancy, tenantTable, withTenancy } from './src/index.js';
  globalThis.application = { alias, defineTenantRelations, referenceTable, tenancy, tenantTable, withTenancy };`;

/**
 * @param root a directory that holds `src`
 * @returns the bytes of the bundle, as they are and compressed
 */
export async function sizes(root = fileURLToPath(new URL('../..', import.meta.url))) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: application, resolveDir: root },
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: 'bundle',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['drizzle-orm', 'libpg-query', '#pg-query'],
  });
  // What is loaded with the application; the prover of raw SQL is a chunk of its own.
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => ({
    path: join(process.cwd(), path),
    ...output,
  }));
  const loaded = new Set<string>();
  const load = (it: (typeof outputs)[number]): void => {
    if (loaded.has(it.path)) return;
    loaded.add(it.path);
    for (const { path, kind, external } of it.imports)
      if (kind === 'import-statement' && !external) load(outputs.find((other) => other.path.endsWith(path))!);
  };
  load(outputs.find((it) => it.entryPoint === '<stdin>')!);
  const text = Buffer.concat(outputFiles.filter((it) => loaded.has(it.path)).map((it) => it.contents));
  return { minified: text.length, gzip: gzipSync(text, { level: 9 }).length, brotli: brotliCompressSync(text).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { minified, gzip, brotli } = await sizes();
  const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`;
  report(
    'the core, minified and compressed (brotli)',
    `${kilobytes(brotli)}; gzip ${kilobytes(gzip)}; minified ${kilobytes(minified)}`,
    'at most 10 kB',
  );
}
