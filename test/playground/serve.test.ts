/** The playground as a person starts it, who goes on to look at it, and ends it with Ctrl-C. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { expect, inject, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('serves after the summary until Ctrl-C, on a free port where 3000 is taken, and leaves nothing behind', {
  timeout: 60_000,
}, async () => {
  const client = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  const database = `serve_${process.pid}`;
  await client.unsafe(`create database ${database}`);
  const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${database}` }).href;
  const other = createServer();
  // If it is taken already, so much the better.
  await new Promise<void>((resolve) => other.once('error', () => resolve()).listen(3000, '127.0.0.1', resolve));

  const child = spawn(process.execPath, ['--import', 'tsx', 'playground/index.ts'], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  const done = new Promise((resolve) => child.once('close', resolve));

  await expect.poll(() => /The page +(\S+)/.exec(out)?.[1], { timeout: 40_000 }).toBeTypeOf('string');
  expect(out).toContain('all isolated.');
  const page = /The page +(\S+)/.exec(out)![1]!;
  const token = /^ {2}([\w-]+\.[\w-]{43})$/m.exec(out)![1]!;
  expect(new URL(page).port).not.toBe('3000');
  expect(await (await fetch(page)).text()).toContain('<title>drizzle-tenant playground</title>');
  const projects = await fetch(`${page}/api/projects`, { headers: { authorization: `Bearer ${token}` } });
  expect(((await projects.json()) as any).total).toBe(3);

  child.kill('SIGINT');
  expect(await done).toBe(0);
  expect(err).toBe('');
  const app = postgres(url, { max: 1 });
  expect(await app`select nspname from pg_namespace where nspname like 'drizzle_tenant_playground_%'`).toHaveLength(0);
  await app.end();
  other.close();
  await client.unsafe(`drop database ${database} with (force)`);
  await client.end();
});
