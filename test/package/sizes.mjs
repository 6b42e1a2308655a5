/** What an application takes along: bundled and minified, without Drizzle, Effect and drivers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export const kilobytes = (bytes) => `${(bytes / 1_000).toFixed(1)} kB`;

/** @returns for each way of using the package its name, and its bytes minified and compressed */
export async function sizesOf(root) {
  const bundle = async (entry) => {
    const { outputFiles } = await build({
      entryPoints: [join(root, 'dist', entry)],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'node',
      external: [
        'drizzle-orm',
        'drizzle-orm/*',
        'effect',
        'effect/*',
        '@effect/*',
        'postgres',
        'pg',
        'drizzle-kit',
        '@electric-sql/pglite',
        '#pg-query',
        '#tenant-data',
      ],
    });
    const text = Buffer.from(outputFiles[0].contents);
    return [text.length, gzipSync(text, { level: 9 }).length];
  };
  const parser = readFileSync(join(root, 'dist/pg-query/bundled.cjs'));
  const wasm = readFileSync(join(root, 'dist/pg-query/libpg-query.wasm'));
  return [
    ['`drizzle-tenant`, without the parser', ...(await bundle('index.js'))],
    [
      "PostgreSQL's parser in a bundle (one module, loaded when it is first needed)",
      parser.length,
      gzipSync(parser, { level: 9 }).length,
    ],
    ["PostgreSQL's parser in workerd (the `.wasm` file)", wasm.length, gzipSync(wasm, { level: 9 }).length],
    ['`drizzle-tenant/effect`, with the core', ...(await bundle('effect/index.js'))],
  ];
}
