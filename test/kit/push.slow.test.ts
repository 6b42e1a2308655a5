/** drizzle-kit push, in each of its ways: it happens where it can do no harm, and otherwise changes nothing. */
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type Database } from './database.js';
import { Project, removeProjects, run, small } from './project.js';

const databases: Database[] = [];
afterAll(async () => {
  for (const it of databases) await it.drop();
  removeProjects();
}, 60_000);

const api = (from: string, more = '') => `
import { drizzle } from 'drizzle-orm/node-postgres';
import { createRequire } from 'node:module';
${more}
const { pushSchema } = ${from};
const schema = await import('./schema.mjs');
const db = drizzle(process.argv[2]);
const { apply } = await pushSchema(schema, db);
await apply();
process.exit(0);
`;

/** A program of the project, by plain Node.js: one that reads TypeScript takes four times as long to start. */
function program(project: Project, text: string, ...args: string[]) {
  for (const it of ['schema', 'drizzle.config']) project.write(`${it}.mjs`, project.read(`${it}.ts`));
  project.write('program.mjs', text);
  return run(process.execPath, ['program.mjs', ...args], project.folder);
}

describe('push', { timeout: 120_000 }, () => {
  let url: string;
  let sql: postgres.Sql;
  let project: Project;
  beforeAll(async () => {
    const database = await createDatabase();
    databases.push(database);
    url = database.url();
    sql = postgres(url, { max: 1, onnotice: () => {} });
    project = new Project({ 'schema.ts': small }, 'citus: false, rls: true', `dbCredentials: { url: '${url}' },`);
    await project.drizzleKit('generate');
    await project.drizzleKit('migrate');
    project.write(
      'schema.ts',
      `${small}export const later = tenantTable('later', { accountId: account.id('account_id'), id: ` +
        `uuid().primaryKey() });\n`,
    );
  }, 60_000);
  afterAll(() => sql?.end());

  const state = async () =>
    sql`select relname as table, relrowsecurity as on, relforcerowsecurity as forced, (select count(*)::int
      from pg_policy where polrelid = c.oid) as policies
      from pg_class c where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1`;
  const before = [
    { table: 'accounts', on: true, forced: true, policies: 2 },
    { table: 'countries', on: false, forced: false, policies: 0 },
    { table: 'projects', on: true, forced: true, policies: 2 },
  ];
  const remedy =
    'Use "npx drizzle-kit generate" and "npx drizzle-kit migrate": push would drop the policies of row-level security';
  const connection = () => ['--dialect=postgresql', '--schema=./schema.ts', `--url=${url}`];
  const ways: Record<string, () => Promise<{ code: number; stdout: string; stderr: string }>> = {
    'the command': () => project.drizzleKit('push'),
    'the command, with --force': () => project.drizzleKit('push', '--force'),
    'the command, with --explain': () => project.drizzleKit('push', '--explain'),
    'the command, printing JSON': () => project.drizzleKit('push', '--output=json'),
    'the command, through the bin of node_modules': () =>
      run(process.execPath, ['node_modules/.bin/drizzle-kit', 'push'], project.folder),
    'the command, past the config': () => project.drizzleKit('push', ...connection()),
    'the command, past the config, with --force': () => project.drizzleKit('push', ...connection(), '--force'),
    'the command, with a config that is not ours': () => {
      project.write(
        'plain.config.ts',
        `export default { dialect: 'postgresql', schema: './schema.ts', dbCredentials: { url: '${url}' } };`,
      );
      return project.drizzleKit('push', '--config=plain.config.ts');
    },
    'the command, on Citus': () => {
      project.config('citus: {}', `dbCredentials: { url: '${url}' },`, 'citus.config.ts');
      return project.drizzleKit('push', '--config=citus.config.ts');
    },
    'the function of drizzle-kit/cli': () =>
      program(
        project,
        "import { push } from 'drizzle-kit/cli'; const it = await push({ config: './drizzle.config.ts' }); " +
          "console.log(JSON.stringify(it)); process.exit(it.status === 'error' ? 1 : 0);",
        url,
      ),
    'the function of drizzle-kit/cli, past the config': () =>
      program(
        project,
        "import { push } from 'drizzle-kit/cli'; const it = await push({ dialect: 'postgresql', schema: " +
          "'./schema.ts', url: process.argv[2] }); console.log(JSON.stringify(it)); " +
          "process.exit(it.status === 'error' ? 1 : 0);",
        url,
      ),
    'pushSchema of drizzle-kit/api-postgres': () =>
      program(project, api(`await import('drizzle-kit/api-postgres')`), url),
    'pushSchema of drizzle-kit/api-postgres, as CommonJS': () =>
      program(project, api(`createRequire(import.meta.url)('drizzle-kit/api-postgres')`), url),
    'pushSchema of drizzle-kit/api-postgres, beside the config': () =>
      program(project, api(`await import('drizzle-kit/api-postgres')`, `import './drizzle.config.mjs';`), url),
    'pushSchema of drizzle-kit/payload-postgres': () =>
      program(
        project,
        api(`createRequire(import.meta.url)(process.cwd() + '/node_modules/drizzle-kit/payload-postgres.js')`),
        url,
      ),
  };

  it.each(Object.keys(ways))('does not happen where row-level security would go: %s', async (way) => {
    const result = await ways[way]!();
    expect(result.code).not.toBe(0);
    expect(`${result.stdout}${result.stderr}`.replaceAll('\\"', '"')).toContain(remedy);
    expect([...(await state())]).toEqual(before);
  });

  it('generate past the config writes nothing either', async () => {
    const bare = new Project({
      'schema.ts': small,
      'plain.config.ts': `export default { dialect: 'postgresql', schema: './schema.ts', out: './drizzle' };`,
    });
    for (const args of [['--config=plain.config.ts'], ['--dialect=postgresql', '--schema=./schema.ts']]) {
      const result = await bare.drizzleKit('generate', ...args);
      expect(result).toMatchObject({ code: 1 });
      expect(`${result.stdout}${result.stderr}`).toContain('Export defineTenantConfig({...}) from drizzle.config.ts');
    }
    const sdk = `import { generate } from 'drizzle-kit/cli';
      const it = await generate({ config: './drizzle.config.ts' });
      console.log(JSON.stringify(it));
      process.exit(it.status === 'error' ? 1 : 0);`;
    expect(await program(bare, sdk)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Export defineTenantConfig'),
    });
    expect(bare.migrations).toEqual([]);
  });

  it('happens where there is neither row-level security nor Citus', async () => {
    const database = await createDatabase();
    databases.push(database);
    const plain = new Project({ 'schema.ts': small }, 'citus: false', `dbCredentials: { url: '${database.url()}' },`);
    expect(await plain.drizzleKit('push', '--force')).toMatchObject({ code: 0 });
    const tables = async () => {
      const client = postgres(database.url(), { max: 1 });
      const found = await client`select count(*)::int as n from pg_tables where schemaname = 'public'`;
      await client.end();
      return found[0]!['n'];
    };
    expect(await tables()).toBe(3);
    plain.write(
      'schema.ts',
      `${small}export const later = tenantTable('later', { accountId: account.id('account_id'), id: ` +
        `uuid().primaryKey() });\n`,
    );
    expect(
      await program(
        plain,
        api(`await import('drizzle-kit/api-postgres')`, `import './drizzle.config.mjs';`),
        database.url(),
      ),
    ).toMatchObject({ code: 0 });
    expect(await tables()).toBe(4);
  });
});
