/** The size of an application that uses the core alone: bundled, minified, compressed, without Drizzle. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
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
  const { outputFiles } = await build({
    stdin: { contents: application, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['drizzle-orm', 'libpg-query'],
  });
  const text = outputFiles[0]!.contents;
  return { minified: text.length, gzip: gzipSync(text, { level: 9 }).length, brotli: brotliCompressSync(text).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { minified, gzip, brotli } = await sizes();
  const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`;
  report('the core, minified and compressed (brotli)', `${kilobytes(brotli)}; gzip ${kilobytes(gzip)}; minified ${kilobytes(minified)}`, 'at most 10 kB');
}
