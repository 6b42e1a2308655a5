/** A PostgreSQL with many tenants of ordinary size, for what is measured end to end. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { startPostgres } from '../support/server.js';
import * as schema from '../support/schema.js';

const {
  relations: _relations,
  account: _account,
  workspace: _workspace,
  unscopedTasks: _unscopedTasks,
  taskCounts: _taskCounts,
  ...all
} = schema;
export const entities = all;

const tenants = 200;
export const tenantIds = Array.from({ length: tenants }, (_, i) =>
  schema.account.parse(`00000000-0000-4000-8000-${String(i).padStart(12, '0')}`),
);

export const rows = `
  insert into countries select i, 'Country ' || i, 'C' || i from generate_series(1, 50) i;
  insert into accounts select ('00000000-0000-4000-8000-' || lpad(t::text, 12, '0'))::uuid, 'Account ' || t,
    1 + t % 50 from generate_series(0, ${tenants - 1}) t;
  insert into users ("accountId", id, name, email) select a.id, u, 'user ' || u, 'user' || u || '@x'
    from accounts a, generate_series(1, 10) u;
  insert into projects ("accountId", id, name, "ownerId", "countryId", budget)
    select a.id, p, 'project ' || p, 1 + p % 10, 1 + p % 50, p * 10 from accounts a, generate_series(1, 20) p;
  insert into tasks ("accountId", id, "projectId", "assigneeId", title, done, points)
    select a.id, t, 1 + t % 20, 1 + t % 10, 'task ' || t, t % 3 = 0, t % 13 from accounts a, generate_series(1, 200) t;
  insert into x_labels ("accountId", id, "taskId", name) select a.id, l, l * 2, 'label ' || l
    from accounts a, generate_series(1, 100) l;`;

const guarded = ['accounts', 'users', 'projects', 'tasks', 'x_labels'];

/** What row-level security asks for: policies, and a role that is subject to them. */
const policies = `
  ${guarded
    .map((table) => {
      const column = table === 'accounts' ? 'id' : '"accountId"';
      return `alter table ${table} enable row level security;
        create policy tenant on ${table} using (${column} = nullif(current_setting('app.tenant_id', true), '')::uuid);`;
    })
    .join('\n')}
  create role bench_app login password 'bench_app';
  grant usage on schema public, crm to bench_app;
  grant select, insert, update, delete on all tables in schema public, crm to bench_app;`;

export interface BenchDatabases {
  /** Without row-level security. */
  readonly url: string;
  /** With it, as a role that is subject to it. */
  readonly guardedUrl: string;
  readonly version: string;
  readonly stop: () => Promise<void>;
}

/** What drizzle-kit makes of the schema, in a process of its own. */
export const migration = () =>
  new Promise<string[]>((resolve, reject) => {
    const file = fileURLToPath(
      new URL(`./migration${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
    );
    const child = fork(file);
    child.on('message', (statements) => resolve(statements as string[]));
    child.on('exit', (code) => reject(new Error(`drizzle-kit ended with ${code}.`)));
  });

/** Makes the tables and their rows, and where it is asked for, row-level security. */
export async function setUp(run: (text: string) => Promise<void>, guarded: boolean): Promise<void> {
  await run([...(await migration()), rows, ...(guarded ? [policies, 'set role bench_app'] : [])].join(';\n'));
}

export async function startDatabases(): Promise<BenchDatabases> {
  const server = await startPostgres();
  const at = (name: string, user?: string) => {
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    if (user) [url.username, url.password] = [user, user];
    return url.href;
  };
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  const drop = async () => {
    for (const name of ['bench_plain', 'bench_guarded'])
      await admin.unsafe(`drop database if exists ${name} with (force)`);
    await admin.unsafe('drop role if exists bench_app');
  };
  await drop();
  await admin.unsafe('create database bench_plain');
  const client = postgres(at('bench_plain'), { max: 1, onnotice: () => {} });
  await setUp(async (text) => void (await client.unsafe(text)), false);
  await client.unsafe('vacuum analyze');
  await client.end();
  await admin.unsafe('create database bench_guarded template bench_plain');
  const guardedClient = postgres(at('bench_guarded'), { max: 1, onnotice: () => {} });
  await guardedClient.unsafe(policies);
  await guardedClient.unsafe('vacuum analyze');
  await guardedClient.end();
  const [{ server_version: version }] = (await admin.unsafe('show server_version')) as any;
  return {
    url: at('bench_plain'),
    guardedUrl: at('bench_guarded', 'bench_app'),
    version,
    stop: async () => {
      await drop();
      await admin.end();
      await server.stop();
    },
  };
}
