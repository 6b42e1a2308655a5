/**
 * Meets the package as a consumer does: packs it, checks the tarball's exports and types, installs it into empty
 * projects, and there compiles small programs with both TypeScripts and runs them.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kilobytes, sizesOf } from './sizes.mjs';

const root = new URL('../..', import.meta.url).pathname;
const run = (command, args, cwd = root) => {
  console.log(`$ ${command} ${args.join(' ').slice(0, 200)}`);
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
};
const fail = (message) => {
  console.error(message);
  process.exitCode = 1;
};

const directory = mkdtempSync(join(tmpdir(), 'drizzle-tenant-'));
const { devDependencies, version, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
let tarball;

/** A project with the tarball and what else it says. */
function project(name, { drizzle = devDependencies['drizzle-orm'], type = 'module', peers = [], programs }) {
  const folder = join(directory, name);
  if (programs) cpSync(join(root, 'test/package', programs), folder, { recursive: true });
  else mkdirSync(folder);
  const versions = { ...devDependencies, 'drizzle-orm': drizzle, 'drizzle-kit': drizzle };
  const dependencies = Object.fromEntries(['drizzle-orm', ...peers].map((it) => [it, versions[it]]));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type, dependencies }));
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', tarball], folder);
  return folder;
}
const typescripts = ['typescript', 'typescript-5.9'];
const tsc = (typescript, folder, ...args) =>
  run('node', [join('node_modules', typescript, 'bin', 'tsc'), ...args], folder);

/** The tarball's own contents. */
function contents(files) {
  const stray = files.filter(
    ({ path }) => !/^(dist\/|src\/|docs\/|package\.json$|README\.md$|SECURITY\.md$|CHANGELOG\.md$|LICENSE$)/.test(path),
  );
  if (stray.length > 0) fail(`The tarball holds what it should not: ${stray.map((it) => it.path).join(', ')}`);
  const bin = (name) => join(root, 'node_modules', '.bin', name);
  console.log(run(bin('publint'), ['run', tarball, '--strict']));
  console.log(
    run(bin('attw'), [
      tarball,
      '--profile',
      'node16',
      '--no-emoji',
      '--format',
      'table-flipped',
      '--exclude-entrypoints',
      'types/*',
    ]),
  );
}

/**
 * Small programs compile and run. A build of Drizzle that was not tested is refused by npm, not by an error at run
 * time.
 */
function consumers() {
  const peers = ['drizzle-kit', 'effect', 'postgres', '@electric-sql/pglite', ...typescripts, '@types/node'];
  const consumer = project('consumer', { peers, programs: 'consumer' });
  for (const typescript of typescripts) tsc(typescript, consumer, '-p', '.');
  for (const program of readdirSync(join(consumer, 'out')).filter((name) => name.endsWith('.js'))) {
    console.log(run('node', [join('out', program)], consumer).trimEnd());
  }
  let isRefused = false;
  try {
    project('untested', { drizzle: '0.45.4' });
  } catch {
    isRefused = true;
  }
  if (!isRefused) fail('npm installs a version of drizzle-orm that was not tested.');
}

/**
 * `tsc --init` as it is, but for Node's types: everything that is exported has a declaration, in both module systems.
 */
function declarations() {
  for (const type of ['module', 'commonjs']) {
    const peers = ['drizzle-kit', 'effect', 'postgres', ...typescripts, '@types/node'];
    const folder = project(`declarations-${type}`, { type, peers, programs: 'declarations' });
    for (const typescript of typescripts) {
      rmSync(join(folder, 'tsconfig.json'), { force: true });
      tsc(typescript, folder, '--init');
      const config = join(folder, 'tsconfig.json');
      let text = readFileSync(config, 'utf8').replace('"types": []', '"types": ["node"]');
      // A CommonJS project has to write `import x = require()` with it, whatever it imports.
      if (type === 'commonjs') text = text.replace('"verbatimModuleSyntax": true,', '');
      writeFileSync(config, text);
      tsc(typescript, folder, '-p', '.', '--outDir', `out-${typescript}`);
      if (!readdirSync(join(folder, `out-${typescript}`)).includes('schema.d.ts')) fail('There are no declarations.');
      // Who uses the declarations sees what was declared.
      writeFileSync(
        join(folder, `out-${typescript}`, 'use.ts'),
        "import { tdb } from './database.js';\nimport { projects } from './schema.js';\nexport const rows: " +
          'Promise<{ name: string }[]> = Promise.resolve(tdb.select({ name: projects.name ' +
          '}).from(projects));\n',
      );
      const compilerOptions = {
        module: 'nodenext',
        target: 'esnext',
        types: ['node'],
        strict: true,
        skipLibCheck: true,
        noEmit: true,
      };
      writeFileSync(
        join(folder, `out-${typescript}`, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['use.ts'] }),
      );
      tsc(typescript, folder, '-p', `out-${typescript}`);
    }
  }
}

const own = {
  '.': [],
  './sql': [],
  './effect': ['effect'],
  './kit': ['drizzle-kit'],
  './testing': [],
  './testing/effect': ['effect'],
  './hono': ['hono'],
  './express': ['express'],
  './fastify': ['fastify'],
  './next': [],
  './nest': ['@nestjs/common', 'reflect-metadata', 'rxjs'],
  './trpc': ['@trpc/server', 'typescript'],
  './zod': ['zod'],
  './valibot': ['valibot'],
  './arktype': ['arktype'],
  './typebox': ['typebox'],
  './effect-schema': ['effect'],
};

/** Each entry point loads with Drizzle and its own peers, as an ES module and as CommonJS. */
function entries() {
  for (const name of Object.keys(exports))
    if (!name.includes('*') && !name.endsWith('.json') && !own[name]) fail(`${name} has no peers in this check.`);
  for (const [name, peers] of Object.entries(own)) {
    const folder = project(`entry-${name.replace(/\W+/g, '-')}`, { peers });
    const specifier = `drizzle-tenant${name.slice(1)}`;
    const installed = [
      'effect',
      'drizzle-kit',
      'postgres',
      'pg',
      '@electric-sql/pglite',
      'hono',
      'express',
      'fastify',
      'next',
      '@nestjs/common',
      '@trpc/server',
    ].filter((it) => readdirSync(join(folder, 'node_modules')).includes(it.split('/')[0]));
    if (installed.some((it) => !peers.includes(it))) fail(`${specifier} was given ${installed.join(', ')}`);
    const [esm, cjs] = [
      `import('${specifier}').then((it) => console.log(Object.keys(it).sort().join()))`,
      `console.log(Object.keys(require('${specifier}')).sort().join())`,
    ].map((it) =>
      run('node', ['-e', it], folder)
        .trim()
        .replace(/,?\bmodule\.exports\b/, ''),
    );
    if (!esm || esm !== cjs) fail(`${specifier} exports ${esm} as an ES module, and ${cjs} as CommonJS`);
    if (name === './kit') {
      const printed = run('npx', ['drizzle-tenant', '--version'], folder).trim();
      if (printed !== version) fail(`drizzle-tenant --version prints ${printed}`);
    }
    if (name === '.')
      console.log(
        run(
          'node',
          ['both.mjs'],
          cpSync(join(root, 'test/package/both.mjs'), join(folder, 'both.mjs')) ?? folder,
        ).trim(),
      );
  }
}

/** The README's files and commands, as they are written there, in an empty folder: the program prints and ends. */
function readme() {
  const folder = join(directory, 'readme');
  mkdirSync(folder);
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  for (const [, file, content] of text.matchAll(/^```\w+\n\/\/ (\w[\w.]+)\n([^]*?)^```$/gm))
    writeFileSync(join(folder, file), content);
  const commands = /## Three commands[^]*?```sh\n([^]*?)```/
    .exec(text)[1]
    .trim()
    .split(/(?<!\\)\n/);
  if (commands.length !== 3) fail(`The README has ${commands.length} commands, and promises three.`);
  const printed = commands.map((it) => {
    console.log(`$ ${it}`);
    const command = it.replace(' drizzle-tenant ', ` ${tarball} `);
    return execFileSync('sh', ['-c', command], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 300_000,
    });
  });
  for (const words of ["Acme's first task", "Birch's first task"])
    if (!printed[2].includes(words)) fail(`The README's program did not print "${words}".`);
  const wrong = /await orm\.select\(\).*/.exec(text)[0];
  writeFileSync(join(folder, 'app.ts'), `${readFileSync(join(folder, 'app.ts'), 'utf8')}\n${wrong}\n`);
  try {
    run('npx', ['tsc'], folder);
    fail('The line of the README that does not compile does.');
  } catch (error) {
    if (!/Query it through db\.forTenant\(id\)/.test(error.stdout)) throw error;
  }
}

/** Every driver that runs in Node.js, with this one. `npm run check:runtimes` has the others. */
function drivers() {
  console.log(run('npx', ['tsx', 'test/package/drivers.mjs', tarball]).trim());
}

const parts = { contents, consumers, declarations, entries, readme, drivers };
const only = process.argv.slice(2);
try {
  const [{ filename, files }] = JSON.parse(
    run('npm', ['pack', '--json', '--silent', '--ignore-scripts', '--pack-destination', directory]).replace(
      /^[^[]*/,
      '',
    ),
  );
  tarball = join(directory, filename);
  for (const [name, part] of Object.entries(parts)) if (only.length === 0 || only.includes(name)) part(files);
  for (const [what, minified, gzip] of await sizesOf(root))
    console.log(`${what}: ${kilobytes(minified)}, ${kilobytes(gzip)} compressed`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (!process.exitCode) console.log('The package installs, compiles and runs.');
