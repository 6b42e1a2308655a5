/**
 * Runs every driver of Drizzle's for PostgreSQL through the packed tarball, in each runtime that npm brings. The
 * database is one PostgreSQL; what a platform puts before it is done by servers of this process.
 *
 *     tsx test/package/drivers.mjs tarball      in this Node.js only
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startPostgres } from '../support/server.ts';
import { startServers } from './servers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const own = ['drizzle-orm', 'postgres', 'pg', '@electric-sql/pglite', 'effect', '@effect/sql-pg'];
/** Clients that nothing else of this repository needs. */
const others = {
  '@neondatabase/serverless': '^1.2.0',
  '@vercel/postgres': '^0.10.0',
  '@aws-sdk/client-rds-data': '^3.1143.0',
  ws: '^8.18.0',
};

/** The runtimes, with what npm installs for each and how a program is run. */
export const runtimes = {
  'Node 20': { dependency: { node20: 'npm:node@20' }, command: ['node_modules/node20/bin/node'] },
  'Node 22': { dependency: { node22: 'npm:node@22' }, command: ['node_modules/node22/bin/node'] },
  'Node 24': { dependency: { node24: 'npm:node@24' }, command: ['node_modules/node24/bin/node'] },
  Bun: { dependency: { bun: '*' }, command: ['node_modules/.bin/bun'] },
  Deno: { dependency: { deno: '*' }, command: ['node_modules/.bin/deno', 'run', '--allow-all', '--quiet'] },
};

const run = (command, args, cwd, env = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
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

/**
 * @param folder with the tarball and the clients installed
 * @param commands of the runtimes, by name
 * @returns for each runtime and driver, what came of each part
 */
async function results(folder, commands) {
  const { setup } = await import(pathToFileURL(join(folder, 'schema.js')).href);
  const require = createRequire(join(folder, 'x.js'));
  const [pg, ws] = [require('pg'), require('ws')];
  const { url, stop } = await startPostgres();
  const found = {};
  try {
    for (const [name, command] of Object.entries(commands)) {
      const database = `drivers_${name.toLowerCase().replace(/\W/g, '_')}`;
      const admin = new pg.Client({ connectionString: url });
      await admin.connect();
      await admin.query(
        "do $$ begin create role application login password 'application'; exception when duplicate_object " +
          'then null; end $$',
      );
      await admin.query(`create database ${database}`);
      const own = new pg.Client({ connectionString: Object.assign(new URL(url), { pathname: database }).href });
      await own.connect();
      for (const text of [...setup, ...['projects', 'guarded'].map((it) => `alter table ${it} owner to application`)])
        await own.query(text);
      const servers = await startServers(
        Object.assign(new URL(url), { pathname: database, username: 'application', password: 'application' }).href,
        { pg, ws },
      );
      try {
        found[name] = JSON.parse(
          (await run(command[0], [...command.slice(1), 'main.js'], folder, servers.env)).split('\n').pop(),
        );
      } finally {
        await servers.stop();
        await own.end();
        await admin.query(`drop database ${database} with (force)`);
        await admin.end();
      }
    }
  } finally {
    await stop();
  }
  return found;
}

/** @returns what `results` does, from a folder into which the tarball is installed */
export async function runDrivers(tarball, names) {
  const folder = mkdtempSync(join(tmpdir(), 'drizzle-tenant-drivers-'));
  try {
    cpSync(join(root, 'test/package/drivers'), folder, { recursive: true });
    const dependencies = Object.assign(
      Object.fromEntries(own.map((it) => [it, devDependencies[it]])),
      others,
      ...names.map((it) => runtimes[it].dependency),
    );
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'application', private: true, type: 'module', dependencies }),
    );
    // Vercel's client is at its end, and asks for an older one of Neon's than Drizzle does.
    await run(
      'npm',
      ['install', '--silent', '--no-audit', '--no-fund', '--legacy-peer-deps', '--foreground-scripts=false', tarball],
      folder,
    );
    return await results(
      folder,
      names.length > 0
        ? Object.fromEntries(names.map((it) => [it, runtimes[it].command]))
        : { here: [process.execPath] },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What does not work anywhere, and what is said then. */
export const refused = {
  'neon-http': { transactions: /as one batch/, streams: /transaction/i },
  'pg-proxy': { transactions: /Transactions are not supported/, rls: /has transactions/, streams: /transaction/i },
};

/** @returns each part that came out otherwise than it has to */
export function surprises(found) {
  return Object.entries(found).flatMap(([runtime, drivers]) =>
    Object.entries(drivers).flatMap(([driver, parts]) =>
      Object.entries(parts).flatMap(([part, said]) => {
        const expected = refused[driver]?.[part];
        return (expected ? expected.test(said) : said === 'works')
          ? []
          : [`${driver}, ${part}, on ${runtime}: ${said}`];
      }),
    ),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = process.env.FOLDER
    ? await results(process.env.FOLDER, { here: [process.execPath] })
    : await runDrivers(process.argv[2], []);
  const wrong = surprises(found);
  for (const it of wrong) console.error(it);
  if (wrong.length > 0) process.exitCode = 1;
  else
    console.log(
      `${Object.keys(found.here).length} drivers work in Node.js ${process.versions.node}, as far as each can.`,
    );
}
