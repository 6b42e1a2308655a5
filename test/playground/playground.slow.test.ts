/** The playground as a person starts it: a process, its output and its exit status. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Started {
  child: ChildProcess;
  /** Its output so far. */
  written: () => string;
  done: Promise<{ status: number | null; out: string; err: string }>;
}

function start(env: Record<string, string>): Started {
  const child = spawn(process.execPath, ['--import', 'tsx', 'playground/index.ts', '--once'], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: '', ...env },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  return {
    child,
    written: () => out,
    done: new Promise((resolve) => child.once('close', (status) => resolve({ status, out, err }))),
  };
}

const run = (env: Record<string, string> = {}) => start(env).done;

const url = (change: Partial<Pick<URL, 'username' | 'password' | 'port' | 'pathname'>> = {}) =>
  Object.assign(new URL(inject('databaseUrl')), change).href;
const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
const name = `play_${process.pid}`;
const madeByPlayground = () =>
  admin`
  select nspname as name from pg_namespace where nspname like 'drizzle_tenant_playground_%'
  union select datname from pg_database where datname like 'drizzle_tenant_playground_%'`.then((rows) => rows.length);

/** For `TMPDIR`, to see what is left there. */
const temporary = mkdtempSync(join(tmpdir(), 'playground-test-'));
const leftovers = () => readdirSync(temporary).filter((it) => it.startsWith('drizzle-tenant-playground-'));

beforeAll(async () => {
  chmodSync(temporary, 0o755); // As root, PostgreSQL runs as another user.
  await admin.unsafe(`create role ${name} login password 'weak'`);
  await admin.unsafe(`create database ${name}`);
  await admin.unsafe(`create database ${name}_2`);
  await admin.unsafe(`grant create on database ${name}_2 to ${name}`);
});
afterAll(async () => {
  await admin.unsafe(`drop database ${name} with (force)`);
  await admin.unsafe(`drop database ${name}_2 with (force)`);
  await admin.unsafe(`drop role ${name}`);
  await admin.end();
  rmSync(temporary, { recursive: true, force: true });
});

describe('on a server of its own', { timeout: 60_000 }, () => {
  test('every tenant is isolated, every misuse refused, and the lines fit into 80 columns', async () => {
    const { status, out, err } = await run({ NO_COLOR: '', FORCE_COLOR: '1' });
    expect(err).toBe('');
    expect(status).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines.at(-1)).toMatch(/^\d+ queries for 3 tenants, \d+ misuses refused by the compiler, all isolated\.$/);
    const [queries, misuses] = lines
      .at(-1)!
      .match(/\d+ (?=q|m)/g)!
      .map(Number);
    expect(queries).toBeGreaterThanOrEqual(12);
    expect(misuses).toBe(readdirSync(`${root}/playground/misuses`).filter((it) => it.endsWith('.ts')).length);
    expect(lines.filter((it) => [...it].length > 80)).toEqual([]);
    expect(out).not.toContain('\x1b');
    // What a reader came for: what was added, and three tenants with other rows for the same ids.
    expect(out).toMatch(/where "projects"."account_id" = \$2 and \("projects"."budget" >= \$1\)\n {8}~{34} +~\n/);
    expect(out).toMatch(/^ {2}Acme +│ Birch +│ Cedar$/m);
    expect(out).toContain('TenantTypeError<"Choose a tenant first, as in');
    // A query or a function that the catalogue overlooks would be missing here.
    const functions = readFileSync(`${root}/playground/queries.ts`, 'utf8').match(/^export /gm)!.length;
    expect(queries).toBe(functions);
  });

  const moments: [string, (out: () => string) => unknown][] = [
    ['while its server is made', leftovers],
    ['in the midst of its queries', (out) => out().match(/^drizzle-tenant playground/m) ?? []],
  ];
  test.each(moments)('interrupted %s, it leaves nothing behind', async (_, moment) => {
    const { child, written, done } = start({ TMPDIR: temporary });
    await expect.poll(() => moment(written), { timeout: 20_000, interval: 10 }).toHaveLength(1);
    child.kill('SIGINT');
    const { status, err } = await done;
    expect(err).toBe('');
    expect(status).toBe(130);
    expect(leftovers()).toEqual([]);
  });
});

describe('on the server at DATABASE_URL', { timeout: 60_000 }, () => {
  test('interrupted, it leaves nothing behind', async () => {
    const { child, done } = start({ DATABASE_URL: url() });
    await expect.poll(madeByPlayground, { timeout: 20_000 }).toBeGreaterThan(1);
    child.kill('SIGTERM');
    const { status, err } = await done;
    expect(err).toBe('');
    expect(status).toBe(143);
    expect(await madeByPlayground()).toBe(0);
  });

  const bad: [string, () => string, RegExp][] = [
    ['no server', () => url({ port: '1' }), /^DATABASE_URL: no server answers at \S+:1\.$/],
    [
      'a wrong password',
      () => url({ username: name, password: 'wrong' }),
      /^DATABASE_URL: password authentication failed for user "\w+"\.$/,
    ],
    ['no such database', () => url({ pathname: '/none' }), /^DATABASE_URL: database "none" does not exist\.$/],
    [
      'no rights',
      () => url({ username: name, password: 'weak', pathname: `/${name}` }),
      /^DATABASE_URL: permission denied for database \w+: the role needs the right to CREATE in it\.$/,
    ],
    [
      'no right to create databases',
      () => url({ username: name, password: 'weak', pathname: `/${name}_2` }),
      /^DATABASE_URL: permission denied to create database: the role needs CREATEDB\.$/,
    ],
    ['no address', () => 'localhost', /^DATABASE_URL: write it as postgres:\/\/user:password@host:5432\/database\.$/],
  ];
  test.concurrent.each(bad)('%s: one line, and exit status 1', async (_, urlOf, message) => {
    const { status, out, err } = await run({ DATABASE_URL: urlOf() });
    expect(err.trimEnd()).toMatch(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(status).toBe(1);
  });

  test('none of that left anything behind', async () => {
    expect(await madeByPlayground()).toBe(0);
  });
});
