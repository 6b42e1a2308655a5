/**
 * Meets the package as a consumer does: packs it, checks the tarball's exports and types, installs it into an
 * empty project, and there compiles a small program with both TypeScripts and runs it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;
const run = (command, args, cwd = root) => {
  console.log(`$ ${command} ${args.join(' ')}`);
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
};
const fail = (message) => {
  console.error(message);
  process.exitCode = 1;
};

const directory = mkdtempSync(join(tmpdir(), 'drizzle-tenant-'));
try {
  const [{ filename, files }] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', directory]).replace(/^[^[]*/, ''));
  const tarball = join(directory, filename);
  const stray = files.filter(({ path }) => !/^(dist\/|package\.json$|README\.md$|LICENSE$)/.test(path));
  if (stray.length > 0) fail(`The tarball holds what it should not: ${stray.map((it) => it.path).join(', ')}`);

  const bin = (name) => join(root, 'node_modules', '.bin', name);
  console.log(run(bin('publint'), ['run', tarball, '--strict']));
  console.log(run(bin('attw'), [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'table-flipped']));

  // As developed against, and as a fresh install resolves the peers' range: pre-releases sort by name.
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const drizzle of [devDependencies['drizzle-orm'], `^${devDependencies['drizzle-orm']}`]) {
    const consumer = join(directory, `consumer-${drizzle.replace(/\W+/g, '-')}`);
    cpSync(join(root, 'test/package/consumer'), consumer, { recursive: true });
    const versions = { ...devDependencies, 'drizzle-orm': drizzle, 'drizzle-kit': drizzle };
    const names = ['drizzle-orm', 'drizzle-kit', 'effect', 'postgres', '@electric-sql/pglite', 'typescript', 'typescript-5.9', '@types/node'];
    const dependencies = Object.fromEntries(names.map((name) => [name, versions[name]]));
    writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies }));
    run('npm', ['install', '--silent', '--no-audit', '--no-fund', tarball], consumer);
    console.log(run('npm', ['ls', 'drizzle-orm', '--depth=0'], consumer).trimEnd());
    for (const typescript of ['typescript', 'typescript-5.9']) {
      run('node', [join('node_modules', typescript, 'bin', 'tsc'), '-p', '.'], consumer);
    }
    for (const program of readdirSync(join(consumer, 'out')).filter((name) => name.endsWith('.js'))) {
      console.log(run('node', [join('out', program)], consumer).trimEnd());
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (!process.exitCode) console.log('The package installs, compiles and runs.');
