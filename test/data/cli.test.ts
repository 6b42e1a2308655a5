/** The commands, on a project and a database of their own. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type Database } from '../kit/database.js';
import { tenantIn } from '../kit/in-process.js';
import { Project, removeProjects, small } from '../kit/project.js';

const [acme, dora] = ['aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'dddddddd-dddd-4ddd-8ddd-dddddddddddd'];
let here: Database;
let there: Database;
let sql: postgres.Sql;
beforeAll(async () => {
  [here, there] = [await createDatabase(), await createDatabase()];
  for (const it of [here, there]) {
    const client = postgres(it.url(), { max: 1, onnotice: () => {} });
    await client.unsafe(`create table countries (id integer primary key, name text);
      create table accounts (id uuid primary key, country_id integer references countries(id));
      create table projects (account_id uuid not null references accounts(id), id uuid not null,
        primary key (account_id, id));`);
    if (it === here) {
      await client.unsafe(`insert into countries values (1, 'Chile'), (2, 'Ghana'); insert into accounts
        values ('${acme}', 1), (gen_random_uuid(), 2);
        insert into projects select id, gen_random_uuid() from accounts, generate_series(1, 3)`);
    }
    await client.end();
  }
  sql = postgres(here.url(), { max: 1, onnotice: () => {} });
}, 60_000);
afterAll(async () => {
  await sql?.end();
  await here?.drop();
  await there?.drop();
  removeProjects();
});

test('export, erase, import, clone, compare', { timeout: 120_000 }, async () => {
  const project = new Project({ 'schema.ts': small, 'masks.ts': 'export default { accounts: { countryId: 2 } };' });
  const url = ['--url', here.url()];
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await tenantIn(project, ...args);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return stdout;
  };
  const file = join(project.folder, 'acme.ndjson.gz');
  expect(await run('export', acme, '--dry-run', ...url)).toContain('Would export: 4 rows.');
  expect(existsSync(file)).toBe(false);
  expect(await run('export', acme, '--to', file, ...url)).toContain('projects: 3 rows');
  const folder = join(project.folder, 'acme');
  expect(JSON.parse(await run('export', acme, '--format', 'csv', '--to', folder, '--json', ...url))).toMatchObject({
    status: 'ok',
    tenant: acme,
  });
  expect(existsSync(join(folder, 'manifest.json'))).toBe(true);
  expect(await run('compare', acme, '--with', folder, ...url)).toMatch(/^Equal: 5 rows, as of 20/);
  expect(await tenantIn(project, 'export', acme, '--to', file, ...url)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not there yet'),
  });

  expect(await run('compare', acme, '--with', here.url(), ...url)).toBe('Equal: 4 rows.\n');
  expect(await run('import', acme, '--from', folder, '--dry-run', '--url', there.url())).toContain(
    'Would import: 4 rows',
  );
  expect(await run('import', acme, '--from', folder, '--url', there.url())).toContain('countries: 1 shared row added');
  expect(await run('compare', acme, '--with', there.url(), ...url)).toBe('Equal: 4 rows.\n');
  expect(await tenantIn(project, 'import', acme, '--from', folder, '--url', there.url())).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("into: 'merge' or 'replace'"),
  });

  const record = join(project.folder, 'record.json');
  expect(await run('erase', acme, '--reason', 'test', '--dry-run', ...url)).toContain('Would erase: 4 rows.');
  expect(await run('erase', acme, '--reason', 'test', '--record', record, ...url)).toContain(
    'Done: 4 rows erased. 2 tables counted afterwards',
  );
  expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject({
    tenant: acme,
    reason: 'test',
    finishedAt: expect.any(String),
  });
  expect(await sql`select count(*)::int as n from projects`).toMatchObject([{ n: 3 }]);

  await run('import', acme, '--from', file, '--as', dora, ...url);
  expect(await run('compare', acme, '--with', here.url(), '--as', dora, '--url', there.url())).toBe('Equal: 4 rows.\n');
  expect(
    JSON.parse(await run('clone', dora, '--as', acme, '--masks', join(project.folder, 'masks.ts'), '--json', ...url)),
  ).toMatchObject({ tenant: acme, from: dora });
  expect(await sql`select country_id from accounts where id = ${acme}`).toMatchObject([{ country_id: 2 }]);
  const json = await tenantIn(project, 'compare', acme, '--with', here.url(), '--as', dora, '--json', ...url);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ status: 'different', isEqual: false });
  expect(await project.tenant('export', 'nonsense', ...url)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('expected uuid'),
  });
  expect(await project.tenant('erase', acme, ...url)).toMatchObject({ code: 2 });
});
