/**
 * Builds the playground that needs no server: a folder of static files.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { globSync } from 'tinyglobby';
import typescript from 'typescript-5.9';
import { createChecker, type Checked } from './checker.js';
import { applicationFiles, samples, type Sample } from './samples.js';
import { resultsOf } from './results.js';
import type { Sight } from './engine.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const modules = join(root, 'node_modules');
const ofNode = [
  'fs|fs\\/promises|path|url|module|crypto|util|os|ws|perf_hooks|inspector',
  'stream|stream\\/promises|zlib|child_process|source-map-support',
];

export interface Shown extends Sample, Checked {
  /** What it gave where the page was built, to show until PostgreSQL has started in the browser. */
  readonly sights: readonly Sight[] | undefined;
}

/**
 * @param out the folder, which is made anew
 * @param options.results whether the samples run now, so that the page shows what they give at once
 * @param options.only the names of the samples; all, unless given
 */
export async function buildLive(
  out: string,
  { results = true, only }: { results?: boolean; only?: readonly string[] } = {},
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'drizzle-tenant-live-'));
  try {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const { checked, files } = check(
      declarations(directory),
      samples().filter((it) => only?.includes(it.name) ?? true),
    );
    const ddl = globSync('drizzle/*/migration.sql', { cwd: root })
      .sort()
      .flatMap((it) => readFileSync(join(root, it), 'utf8').split('--> statement-breakpoint'));
    const given = results
      ? await resultsOf(
          ddl,
          checked.map((it) => it.program),
        )
      : [];
    const shown: Shown[] = checked.map((it, i) => ({ ...it, sights: given[i] }));
    writeFileSync(join(out, 'types.json'), JSON.stringify(files));
    const { writePgQuery } = await import(join(root, 'scripts/pg-query.mjs'));
    writePgQuery(join(directory, 'pg-query'));
    await build({
      entryPoints: ['main.js', 'types.worker.js', 'run.worker.js'].map((it) => join(here, it)),
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      minify: true,
      outdir: out,
      legalComments: 'none',
      define: { 'process.env.NODE_ENV': '"production"', __filename: '""', __dirname: '""' },
      logOverride: { 'direct-eval': 'silent', 'empty-import-meta': 'silent' },
      plugins: [virtual({ samples: shown, files: applicationFiles() }, ddl, join(directory, 'pg-query'))],
    });
    for (const file of ['index.html']) cpSync(join(here, file), join(out, file));
    const pglite = join(modules, '@electric-sql/pglite/dist');
    for (const file of ['pglite.wasm', 'initdb.wasm']) cpSync(join(pglite, file), join(out, file));
    writeFileSync(join(out, 'pglite.data'), withoutEncodings(pglite));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The declarations of the library, as they are published. */
function declarations(directory: string): string {
  const types = join(directory, 'types');
  execFileSync(process.execPath, [
    join(modules, 'typescript/bin/tsc'),
    '-p',
    join(root, 'tsconfig.build.json'),
    '--emitDeclarationOnly',
    '--declarationMap',
    'false',
    '--outDir',
    types,
  ]);
  return types;
}

/** Checks every sample, and gives the files that the compiler read for it. */
function check(types: string, some: readonly Sample[]) {
  const application = applicationFiles();
  const isFile = (path: string) => existsSync(path) && statSync(path).isFile();
  const read = (path: string): string | undefined => {
    const app = /^\/app\/([\w.]+)$/.exec(path)?.[1];
    if (app) return application[app];
    const file = path.startsWith('/lib/')
      ? join(modules, 'typescript-5.9/lib', path.slice(5))
      : path.startsWith('/node_modules/drizzle-tenant/')
        ? path.endsWith('/package.json')
          ? join(root, 'package.json')
          : path.replace('/node_modules/drizzle-tenant/dist', types)
        : path.startsWith('/node_modules/')
          ? join(root, path)
          : '';
    return isFile(file) ? readFileSync(file, 'utf8') : undefined;
  };
  const checker = createChecker(typescript, read);
  const checked = some.map((it) => ({ ...it, ...checker.check(it.code) }));
  const files = Object.fromEntries(checker.files().map((path) => [path, short(path, read(path)!)]));
  return { checked, files };
}

/** Without what the page does not show: comments of other packages, and most of their package.json. */
function short(path: string, text: string): string {
  if (path.endsWith('/package.json')) {
    const { name, version, type, exports, types, main } = JSON.parse(text);
    return JSON.stringify({ name, version, type, exports, types, main });
  }
  const isOwn = path.startsWith('/app/') || path.includes('/drizzle-tenant/');
  return isOwn
    ? text
    : text
        .replaceAll(/\/\*[^]*?\*\//g, '')
        .replaceAll(/^\s*\/\/(?!\/).*$/gm, '')
        .replaceAll(/\n\s*\n+/g, '\n');
}

/**
 * PGlite's files, with those empty that this page has no use for: other encodings than UTF-8, and what builds
 * extensions.
 */
function withoutEncodings(pglite: string): Buffer {
  const data = readFileSync(join(pglite, 'pglite.data'));
  const script = readFileSync(join(pglite, 'pglite.js'), 'utf8');
  for (const [, name, start, end] of script.matchAll(/filename:"([^"]+)",start:(\d+),end:(\d+)/g)) {
    if (/\/(utf8_and_|euc|latin|cyrillic)\w+\.so$|\/pgxs\/|libpqwalreceiver/.test(name!))
      data.fill(0, Number(start), Number(end));
  }
  return data;
}

function virtual(
  page: { samples: readonly Shown[]; files: Record<string, string> },
  ddl: readonly string[],
  pgQuery: string,
): Plugin {
  const iso3166 = createRequire(import.meta.url)('i18n-iso-countries');
  const names = iso3166.getNames('en');
  const codes = Object.fromEntries(
    Object.keys(names).map((it) => [it, [iso3166.alpha2ToAlpha3(it), iso3166.alpha2ToNumeric(it)]]),
  );
  const contents: Record<string, string> = {
    'virtual:page': `export default ${JSON.stringify(page)};`,
    nothing: 'module.exports = {};',
    'virtual:ddl': `export default ${JSON.stringify(ddl)};`,
    'i18n-iso-countries':
      `const names = ${JSON.stringify(names)}, codes = ${JSON.stringify(codes)}; export default { getNames: ` +
      '() => names, alpha2ToAlpha3: (it) => codes[it][0], alpha2ToNumeric: (it) => codes[it][1] };',
  };
  return {
    name: 'virtual',
    setup(build) {
      build.onResolve({ filter: /^(virtual:\w+|i18n-iso-countries)$/ }, ({ path }) => ({ path, namespace: 'virtual' }));
      // What is asked for on Node.js only.
      build.onResolve({ filter: new RegExp(`^(node:.*|${ofNode.join('|')})$`) }, () => ({
        path: 'nothing',
        namespace: 'virtual',
      }));
      build.onLoad({ filter: /.*/, namespace: 'virtual' }, ({ path }) => ({ contents: contents[path]!, loader: 'js' }));
      build.onResolve({ filter: /^#pg-query$/ }, () => ({ path: join(pgQuery, 'bundled.cjs') }));
      build.onResolve({ filter: /^\.\/work\.js$/ }, () => ({ path: join(root, 'src/data/nowhere.ts') }));
    },
  };
}
