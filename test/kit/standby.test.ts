/** The command line against a hot standby: what reads answers, what writes says where to go before it begins. */
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStandby } from '../support/server.js';
import { configure, tenantIn } from './in-process.js';
import { account, Project, removeProjects } from './project.js';

const id = '00000000-0000-4000-8000-00000000000a';
const schema = `${account}
export const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text() });
`;

let standby: Awaited<ReturnType<typeof startStandby>>;
let project: Project;
const tenant = (...args: string[]) => tenantIn(project, ...args);
beforeAll(async () => {
  project = new Project({ 'schema.ts': schema });
  standby = await startStandby(async (url) => {
    configure(project, 'citus: false', url);
    expect(await project.drizzleKit('generate')).toMatchObject({ code: 0 });
    expect(await tenant('migrate')).toMatchObject({ code: 0, stderr: '' });
    const sql = postgres(url, { max: 1 });
    await sql`INSERT INTO accounts VALUES (${id}, 'a')`;
    await sql.end();
  });
}, 60_000);
afterAll(async () => {
  await standby?.stop();
  removeProjects();
});

test('what only reads answers', async () => {
  expect(await tenant('plan')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  expect(await tenant('check', '--url', standby.url)).toMatchObject({ code: 0 });
  expect(await tenant('status')).toMatchObject({ code: 0, stdout: expect.stringMatching(/accounts +tenant/) });
  expect(await tenant('tenants')).toMatchObject({ code: 0, stdout: expect.stringContaining(id) });
  expect(await tenant('compare', id, '--with', standby.url)).toMatchObject({ code: 0 });
});

test('what writes says where to go', async () => {
  for (const args of [['apply'], ['migrate'], ['indexes'], ['isolate', id]])
    expect([args, await tenant(...args)]).toEqual([
      args,
      { code: 1, stdout: '', stderr: expect.stringMatching(/^Connect to the primary server: this one is a replica/) },
    ]);
  expect(await tenant('erase', id, '--reason', 'a test')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Connect to the primary server/),
  });
});
