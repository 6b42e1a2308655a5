/**
 * Runs the packed tarball in each runtime, bundler and framework that npm brings, from folders of their own, then each
 * driver in each runtime (`drivers.mjs`), and writes what came of it to docs/runtimes.md. In the first table each runs
 * the same program: two tenants' rows, over HTTP to a PGlite of this process.
 *
 *     tsx test/package/runtimes.mjs [name of a row, or "drivers" ...]
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { refused, runDrivers, runtimes, surprises } from './drivers.mjs';
import { kilobytes, sizesOf } from './sizes.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = join(root, 'test/package/runtimes');
const only = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'drizzle-tenant-runtimes-'));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const expected = 'of a, 1 of them; of b, 1 of them';
const setup = `create table projects (account_id uuid, id integer, name text, primary key (account_id, id));
  insert into projects values ('11111111-1111-4111-8111-111111111111', 1, 'of a'),
    ('22222222-2222-4222-8222-222222222222', 1, 'of b')`;

const database = new PGlite();
await database.exec(setup);
const server = createServer(async (request, response) => {
  try {
    const { sql, params, method } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const { rows } = await database.query(sql, params, { rowMode: method === 'execute' ? 'object' : 'array' });
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end(JSON.stringify({ rows }));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const URL_ = `http://127.0.0.1:${server.address().port}/`;

const run = (command, args, cwd, more = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, URL: URL_, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1', ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (it) => (out += it));
    child.stderr.on('data', (it) => (err += it));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(out.trim()) : reject(new Error(`${command} ${args.join(' ')}: ${out}\n${err}`)),
    );
  });

const tarball = join(
  directory,
  execFileSync('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
    .pop(),
);

/** A folder of its own with the tarball, as an application has it. */
async function application(name, dependencies = {}, type = 'module') {
  const folder = join(directory, name.replace(/\W+/g, '-'));
  mkdirSync(folder);
  cpSync(programs, folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({
      name: 'application',
      private: true,
      type,
      dependencies: { 'drizzle-orm': devDependencies['drizzle-orm'], ...dependencies },
    }),
  );
  await run('npm', ['install', '--silent', '--no-audit', '--no-fund', tarball], folder);
  return folder;
}

/** Starts a server, and asks it for what `paths` say; `between` may change files. @returns the answers */
async function served(command, args, cwd, ready, port, ask) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, URL: URL_, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let log = '';
  try {
    await new Promise((resolve, reject) => {
      for (const it of [child.stdout, child.stderr]) it.on('data', (text) => ready.test((log += text)) && resolve());
      child.on('close', () => reject(new Error(`${command} ended: ${log}`)));
    });
    return await ask(async (path, headers = {}) =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).text(),
    );
  } catch (error) {
    throw new Error(`${error.message}\n${log}`);
  } finally {
    process.kill(-child.pid);
  }
}

/** Two pages of a development server, and a schema that changes beneath them. */
async function nextDev(name, ...flags) {
  const folder = await application(name, { next: '^16', react: '^19', 'react-dom': '^19' });
  for (const [page, i] of [
    ['a', 1],
    ['b', 2],
  ]) {
    mkdirSync(join(folder, 'app', page), { recursive: true });
    writeFileSync(
      join(folder, 'app', page, 'route.js'),
      `import { list } from '../../kept.js';\nexport const dynamic = 'force-dynamic';\nexport const GET = ` +
        `async () => new Response(await list(${i}));\n`,
    );
  }
  writeFileSync(
    join(folder, 'app/layout.js'),
    'export default ({ children }) => <html><body>{children}</body></html>;\n',
  );
  const port = server.address().port + (flags.length > 0 ? 3 : 2);
  const schema = readFileSync(join(folder, 'schema.js'), 'utf8');
  return served('node_modules/.bin/next', ['dev', '-p', String(port), ...flags], folder, /Ready/, port, async (get) => {
    for (const [what, text] of [
      ['as it is', schema],
      ['a comment', `${schema}// changed\n`],
      ['another type', schema.replace('.notNull()', '')],
      ['as it was', schema],
    ]) {
      writeFileSync(join(folder, 'schema.js'), text);
      if (what !== 'as it is') await new Promise((changed) => setTimeout(changed, 2_000));
      const seen = `${await get('/a')}; ${await get('/b')}`;
      if (seen !== expected) throw new Error(`${what}: ${seen.slice(-300)}`);
    }
    return expected;
  });
}

/**
 * A workspace of two packages, as a monorepo has them: one declares the tables and the database, the other uses them.
 * Both are `composite`, with everything strict, and each finds only what its own package.json names.
 */
async function workspace() {
  const folder = join(directory, 'workspace');
  const [library, app] = ['packages/database', 'apps/web'].map((it) => join(folder, it));
  for (const it of [library, app]) mkdirSync(join(it, 'src'), { recursive: true });
  const json = (file, content) => writeFileSync(join(folder, file), JSON.stringify(content));
  const version = (name) => devDependencies[name];
  const node = { '@types/node': version('@types/node') };
  writeFileSync(join(folder, 'pnpm-workspace.yaml'), 'packages: [packages/*, apps/*]\n');
  json('package.json', {
    private: true,
    devDependencies: Object.fromEntries(['typescript', 'typescript-5.9'].map((it) => [it, version(it)])),
  });
  json('packages/database/package.json', {
    name: '@acme/database',
    version: '1.0.0',
    type: 'module',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    dependencies: { 'drizzle-orm': version('drizzle-orm'), 'drizzle-tenant': `file:${tarball}` },
    devDependencies: node,
  });
  json('apps/web/package.json', {
    name: '@acme/web',
    type: 'module',
    dependencies: { '@acme/database': 'workspace:*', 'drizzle-orm': version('drizzle-orm') },
    devDependencies: node,
  });
  const compilerOptions = {
    ...{ target: 'es2023', module: 'nodenext', types: ['node'], rootDir: 'src', outDir: 'dist' },
    ...{ composite: true, declarationMap: true, sourceMap: true, strict: true, skipLibCheck: true },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noPropertyAccessFromIndexSignature: true },
    ...{ isolatedModules: true, verbatimModuleSyntax: true, noImplicitOverride: true },
  };
  json('packages/database/tsconfig.json', { compilerOptions, include: ['src'] });
  json('apps/web/tsconfig.json', {
    compilerOptions,
    include: ['src'],
    references: [{ path: '../../packages/database' }],
  });
  cpSync(join(root, 'test/package/workspace'), folder, { recursive: true });
  await run('npx', ['--yes', 'pnpm@10', 'install', '--silent'], folder, { CI: '1' });
  for (const typescript of ['typescript-5.9', 'typescript']) {
    const tsc = join('node_modules', typescript, 'bin/tsc');
    await run(process.execPath, [tsc, '--build', '--force', 'apps/web'], folder);
  }
  return run(process.execPath, ['dist/main.js'], app);
}

const esbuild = async (folder, options) =>
  (await import(pathToFileURL(join(folder, 'node_modules/esbuild/lib/main.js')).href)).build({
    absWorkingDir: folder,
    bundle: true,
    logLevel: 'silent',
    ...options,
  });

/** Runs a bundle where nothing is installed. */
async function alone(folder, file, command = [process.execPath]) {
  const empty = mkdtempSync(join(directory, 'alone-'));
  cpSync(join(folder, file), join(empty, file));
  return run(command[0], [...command.slice(1), file], empty);
}

async function inWorkerd(folder, modules) {
  const { Miniflare } = await import(pathToFileURL(join(folder, 'node_modules/miniflare/dist/src/index.js')).href);
  const worker = new Miniflare({
    modules,
    modulesRoot: join(folder, 'out'),
    compatibilityDate: '2026-01-01',
    bindings: { URL: URL_ },
  });
  try {
    const response = await worker.dispatchFetch('http://localhost/');
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  } finally {
    await worker.dispose();
  }
}

async function inChromium(folder) {
  const { chromium } = await import('playwright-core');
  const pages = createServer((request, response) => {
    const path = join(folder, 'out', request.url === '/' ? 'index.html' : request.url.slice(1));
    const type =
      { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' }[path.split('.').pop()] ??
      'application/octet-stream';
    if (existsSync(path)) response.writeHead(200, { 'content-type': type }).end(readFileSync(path));
    else response.writeHead(404).end();
  });
  await new Promise((ready) => pages.listen(0, '127.0.0.1', ready));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    const page = await browser.newPage();
    await page.addInitScript(`globalThis.setup = ${JSON.stringify(setup)}`);
    const failed = new Promise((_, reject) => page.on('pageerror', reject));
    await page.goto(`http://127.0.0.1:${pages.address().port}/`);
    await Promise.race([failed, page.waitForFunction('globalThis.result', undefined, { timeout: 60_000 })]);
    return await Promise.race([failed, page.evaluate('globalThis.result')]);
  } finally {
    await browser.close();
    pages.close();
  }
}

const rows = {
  'Node, ES modules': async () => run(process.execPath, ['node.js'], await application('node')),
  'Node, `require`': async () => run(process.execPath, ['node.cjs'], await application('node-cjs', {}, 'commonjs')),
  ...Object.fromEntries(
    Object.entries(runtimes)
      .filter(([it]) => it.startsWith('Node'))
      .map(([name, { dependency, command }]) => [
        name,
        async () => run(command[0], ['node.js'], await application(name, dependency)),
      ]),
  ),
  Bun: async () => run('node_modules/.bin/bun', ['node.js'], await application('bun', { bun: '*' })),
  'Bun, `bun build`': async () => {
    const folder = await application('bun-build', { bun: '*' });
    await run('node_modules/.bin/bun', ['build', 'node.js', '--target=bun', '--outfile=bundle.js'], folder);
    return alone(folder, 'bundle.js', [join(folder, 'node_modules/.bin/bun')]);
  },
  Deno: async () =>
    run(
      'node_modules/.bin/deno',
      ['run', '--allow-net', '--allow-env', 'node.js'],
      await application('deno', { deno: '*' }),
    ),
  'esbuild for Node, ES modules': async () => {
    const folder = await application('esbuild', { esbuild: '*' });
    await esbuild(folder, { entryPoints: ['node.js'], outfile: 'bundle.mjs', format: 'esm', platform: 'node' });
    return alone(folder, 'bundle.mjs');
  },
  'esbuild for Node, CommonJS': async () => {
    const folder = await application('esbuild-cjs', { esbuild: '*' });
    await esbuild(folder, { entryPoints: ['node.cjs'], outfile: 'bundle.cjs', format: 'cjs', platform: 'node' });
    return alone(folder, 'bundle.cjs');
  },
  'workerd, Wrangler': async () => {
    const folder = await application('wrangler', { wrangler: '*' });
    writeFileSync(
      join(folder, 'wrangler.json'),
      JSON.stringify({ name: 'worker', main: 'worker.js', compatibility_date: '2026-01-01' }),
    );
    await run('node_modules/.bin/wrangler', ['deploy', '--dry-run', '--outdir', 'out'], folder, {
      WRANGLER_SEND_METRICS: 'false',
      CI: '1',
    });
    const { readdirSync } = await import('node:fs');
    const modules = readdirSync(join(folder, 'out')).filter((it) => /\.(js|wasm)$/.test(it.replace(/\?.*/, '')));
    modules.sort((it) => (it.endsWith('.js') ? -1 : 1));
    return inWorkerd(
      folder,
      modules.map((it) => ({ type: it.endsWith('.js') ? 'ESModule' : 'CompiledWasm', path: join(folder, 'out', it) })),
    );
  },
  'workerd, esbuild': async () => {
    const folder = await application('workerd', { miniflare: '*', esbuild: '*' });
    const { metafile } = await esbuild(folder, {
      entryPoints: ['worker.js'],
      outdir: 'out',
      format: 'esm',
      conditions: ['workerd'],
      loader: { '.wasm': 'copy' },
      metafile: true,
    });
    const modules = Object.keys(metafile.outputs).sort((it) => (it.endsWith('.js') ? -1 : 1));
    return inWorkerd(
      folder,
      modules.map((it) => ({ type: it.endsWith('.js') ? 'ESModule' : 'CompiledWasm', path: join(folder, it) })),
    );
  },
  'Next.js 16, `next build && next start`': async () => {
    const folder = await application('next', { next: '^16', react: '^19', 'react-dom': '^19' });
    for (const [name, runtime] of [
      ['node', 'nodejs'],
      ['edge', 'edge'],
    ]) {
      mkdirSync(join(folder, 'app', name), { recursive: true });
      writeFileSync(
        join(folder, 'app', name, 'route.js'),
        `import { run } from '../../app.js';\nexport const runtime = '${runtime}';\nexport const dynamic = ` +
          `'force-dynamic';\nexport const GET = async (request) => new Response(await run(new ` +
          `URL(request.url).searchParams.get('url')));\n`,
      );
    }
    writeFileSync(
      join(folder, 'app/layout.js'),
      'export default ({ children }) => <html><body>{children}</body></html>;\n',
    );
    await run('node_modules/.bin/next', ['build'], folder);
    const port = server.address().port + 1;
    return served('node_modules/.bin/next', ['start', '-p', String(port)], folder, /Ready/, port, async (get) => {
      const [node, edge] = [
        await get(`/node?url=${encodeURIComponent(URL_)}`),
        await get(`/edge?url=${encodeURIComponent(URL_)}`),
      ];
      if (node !== edge) throw new Error(`on the edge: ${edge}`);
      return node;
    });
  },
  'Next.js 16, `next dev`, a changed schema': () => nextDev('next-dev'),
  'Next.js 16, `next dev --webpack`, a changed schema': () => nextDev('next-webpack', '--webpack'),
  'NestJS, TypeScript with `declaration`': async () => {
    const folder = await application('nest', {
      '@nestjs/common': '^11',
      '@nestjs/core': '^11',
      '@nestjs/platform-express': '^11',
      'reflect-metadata': '*',
      rxjs: '*',
      typescript: '^5.9',
      '@types/node': '*',
    });
    cpSync(join(root, 'test/package/nest'), folder, { recursive: true });
    await run('node_modules/.bin/tsc', ['-p', '.'], folder);
    const port = server.address().port + 4;
    return served(process.execPath, ['dist/main.js'], folder, /ready/, port, async (get) => {
      if (!(await get('/')).includes('Unauthorized')) throw new Error('A request without a tenant was answered.');
      return (
        `${await get('/', { 'x-user': '11111111-1111-4111-8111-111111111111' })}; ` +
        `${await get('/', { 'x-user': '22222222-2222-4222-8222-222222222222' })}`
      );
    });
  },
  'pnpm workspace, `composite`, both TypeScripts': workspace,
  'Vite, SSR, bundled': async () => {
    const folder = await application('vite-ssr', { vite: '*' });
    writeFileSync(join(folder, 'vite.config.js'), 'export default { ssr: { noExternal: true } };\n');
    await run('node_modules/.bin/vite', ['build', '--ssr', 'node.js', '--outDir', 'out', '--logLevel', 'warn'], folder);
    const empty = mkdtempSync(join(directory, 'alone-'));
    cpSync(join(folder, 'out'), empty, { recursive: true });
    writeFileSync(join(empty, 'package.json'), '{ "type": "module" }');
    return run(process.execPath, ['node.js'], empty);
  },
  'Vite, SSR, development server': async () => {
    const folder = await application('vite-dev', { vite: '*' });
    writeFileSync(
      join(folder, 'dev.js'),
      `import { createServer } from 'vite';\nconst vite = await createServer({ server: { middlewareMode: ` +
        `true, ws: false }, appType: 'custom', logLevel: 'warn' });\nconst { run } = await ` +
        `vite.ssrLoadModule('/app.js');\nconsole.log(await run(process.env.URL));\nprocess.exit(0);\n`,
    );
    return run(process.execPath, ['dev.js'], folder);
  },
  'Vite, in a browser, PGlite': async () => {
    const folder = await application('vite', {
      vite: '*',
      '@electric-sql/pglite': devDependencies['@electric-sql/pglite'],
    });
    writeFileSync(join(folder, 'index.html'), '<script type="module" src="./browser.js"></script>');
    await run('node_modules/.bin/vite', ['build', '--outDir', 'out', '--logLevel', 'warn'], folder);
    return inChromium(folder);
  },
  'esbuild, in a browser': async () => {
    const folder = await application('browser', { esbuild: '*' });
    writeFileSync(join(folder, 'page.js'), `import { run } from './app.js';\nglobalThis.result = run('${URL_}');\n`);
    await esbuild(folder, { entryPoints: ['page.js'], outdir: 'out', format: 'esm' });
    writeFileSync(join(folder, 'out/index.html'), '<script type="module" src="./page.js"></script>');
    return inChromium(folder);
  },
};

const settings = {
  Deno: 'none; without `--allow-read` too',
  'workerd, esbuild': "`conditions: ['workerd']`, `loader: { '.wasm': 'copy' }`",
  'Next.js 16, `next build && next start`': 'none, in Node.js and on the edge',
};

const results = [];
try {
  for (const [name, test] of Object.entries(rows)) {
    if (only.length > 0 && !only.some((it) => name.toLowerCase().includes(it.toLowerCase()))) continue;
    let result;
    try {
      const seen = await test();
      result = seen === expected ? 'works' : `fails: ${seen}`;
    } catch (error) {
      result = `fails: ${error.message}`;
    }
    console.log(`${name}: ${result}`);
    results.push([name, settings[name] ?? 'none', result.split('\n')[0].slice(0, 80)]);
    if (result !== 'works') process.exitCode = 1;
  }
  let drivers = [];
  if (only.length === 0 || only.includes('drivers')) {
    const found = await runDrivers(tarball, Object.keys(runtimes));
    const wrong = surprises(found);
    for (const it of wrong) console.log(it);
    if (wrong.length > 0) process.exitCode = 1;
    const names = [...new Set(Object.values(found).flatMap(Object.keys))];
    const all = Object.keys(runtimes);
    drivers = names.map((name) => {
      const on = all.filter((it) => found[it][name]);
      const says = (part) =>
        part in found[on[0]][name] ? (refused[name]?.[part] ? 'refused' : 'works') : 'as a query';
      return [
        `\`${name}\``,
        ...['queries', 'prepared', 'transactions', 'rls', 'streams'].map(says),
        on.length === all.length ? 'all' : on.join(', '),
      ];
    });
    console.log(`drivers: ${drivers.length}, on ${all.join(', ')}`);
  }
  const file = join(root, 'docs/runtimes.md');
  const text = readFileSync(file, 'utf8');
  const table = (head, lines) =>
    [head, head.map(() => '---'), ...lines].map((it) => `| ${it.join(' | ')} |`).join('\n');
  const put = (it, mark, content) =>
    it.replace(
      new RegExp(`(<!-- ${mark} -->\n)[^]*?(<!-- end -->)`),
      (_, before, after) => `${before}${content}\n${after}`,
    );
  // What was not asked for this time stays as it was seen last.
  const before = new Map(
    [...text.matchAll(/^\| (.+?) \| (.+?) \| (works|fails.*) \|$/gm)].map(([, ...line]) => [line[0], line]),
  );
  const lines = Object.keys(rows).flatMap((name) =>
    [results.find(([it]) => it === name) ?? before.get(name)].filter(Boolean),
  );
  const sizes = (await sizesOf(root)).map(([what, minified, gzip]) => [what, kilobytes(minified), kilobytes(gzip)]);
  const tables = [
    ['runtimes', table(['Where', 'Settings', 'Result'], lines)],
    ['sizes', table(['What an application takes along', 'minified', 'gzip'], sizes)],
    ...(drivers.length > 0
      ? [
          [
            'drivers',
            table(
              ['Driver', 'queries', '`db.prepare`', 'transactions', '`rls: true`', '`.stream()`', 'ran on'],
              drivers,
            ),
          ],
        ]
      : []),
  ];
  writeFileSync(
    file,
    tables.reduce((it, [mark, content]) => put(it, mark, content), text),
  );
} finally {
  server.close();
  await database.close();
  rmSync(directory, { recursive: true, force: true });
}
