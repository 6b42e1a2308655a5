/** The real drizzle-kit, called unchanged, with a config made by defineTenantConfig. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { requireTestedVersion } from '../../src/kit/generate/drizzle-kit-version.js';
import { readMigrations, leavesOf } from '../../src/kit/snapshot.js';
import { stateAt } from '../../src/kit/state.js';
import { account, drizzleKitBin, Project, removeProjects, run, small } from './project.js';

afterAll(removeProjects);

const distributes = "PERFORM create_distributed_table('\"projects\"', 'account_id', colocate_with => '\"accounts\"');";

describe.concurrent('drizzle-kit generate', { timeout: 60_000 }, () => {
  it('writes a migration that distributes, and then nothing more', async ({ expect }) => {
    const project = new Project({ 'schema.ts': small });
    const first = await project.drizzleKit('generate', '--name', 'init');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(project.migrations).toEqual([expect.stringMatching(/^\d{14}_init$/)]);
    expect(readdirSync(join(project.folder, 'drizzle', project.migrations[0]!)).sort()).toEqual([
      'migration.sql',
      'snapshot.json',
      'tenancy.json',
    ]);
    const sql = project.last();
    const order = [
      "'sequential'",
      'CREATE TABLE "projects"',
      'create_reference_table',
      `'"accounts"', 'id', shard_count => 4`,
      distributes,
      'FOREIGN KEY',
    ];
    expect(order.map((it) => sql.indexOf(it))).toEqual(order.map((it) => sql.indexOf(it)).sort((a, b) => a - b));
    expect(order.every((it) => sql.includes(it))).toBe(true);
    expect(JSON.parse(project.last('tenancy.json')).tables['public.projects']).toEqual({
      schema: 'public',
      name: 'projects',
      kind: 'tenant',
      tenancy: 'account',
      column: 'account_id',
      type: 'uuid',
    });
    const second = await project.drizzleKit('generate');
    expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('No schema changes') });
    expect(project.migrations).toHaveLength(1);
    expect(readdirSync(project.folder).sort()).toEqual(['drizzle', 'drizzle.config.ts', 'node_modules', 'schema.ts']);
  });

  it('works with --config, several schema files, globs, a pgSchema and no breakpoints', async ({ expect }) => {
    const project = new Project({
      'db/a.ts': small,
      'db/b.ts': `${account.replace('export const account', 'const other')}import { account }
        from './a.js';\nimport { accounts } from './a.js';
export const app = pgSchema('app');
export const notes = tenantSchema(app).table('notes', { accountId: account.id('account_id').references(() =>
  accounts.id), id: uuid().primaryKey() });\n`,
    });
    project.config('citus: {}', `schema: ['./db/*.ts'], breakpoints: false,`, 'other.config.ts');
    const result = await project.drizzleKit('generate', '--config', 'other.config.ts', '--output', 'json');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      status: 'ok',
      migration_path: `drizzle/${project.migrations[0]}/migration.sql`,
    });
    const sql = project.last();
    expect(sql).not.toContain('statement-breakpoint');
    expect(sql).toContain(
      `PERFORM create_distributed_table('"app"."notes"', 'account_id', colocate_with => '"accounts"');`,
    );
    expect(sql).toContain(distributes);
  });

  it('writes a migration for what drizzle-kit cannot see', async ({ expect }) => {
    const plain = small.replace("referenceTable('countries'", "pgTable('countries'").replace(/ +countryId: .*\n/, '');
    const project = new Project({ 'schema.ts': plain });
    await project.drizzleKit('generate');
    project.write('schema.ts', small.replace(/ +countryId: .*\n/, ''));
    const result = await project.drizzleKit('generate', '--output', 'json');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      status: 'ok',
      migration_path: `drizzle/${project.migrations[1]}/migration.sql`,
    });
    expect(project.last()).toContain('PERFORM create_reference_table(\'"countries"\');');
    expect(project.last()).not.toContain('CREATE TABLE');
    project.config('citus: { shardCount: 8 }, rls: true');
    const text = await project.drizzleKit('generate', '--name', 'rls');
    expect(text).toMatchObject({ code: 0, stderr: '', stdout: expect.not.stringContaining('No schema changes') });
    expect(project.migrations[2]).toMatch(/_rls$/);
    expect(project.last()).toContain('shard_count => 8, cascade_to_colocated => true');
    expect(project.last()).toContain(
      'CREATE POLICY "tenant_isolation" ON "projects" ' +
        `USING ("account_id" = nullif(current_setting('app.tenant_id', true), '')::uuid)`,
    );
    expect(await project.drizzleKit('generate')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No schema changes'),
    });
    expect(project.migrations).toHaveLength(3);
  });

  it('exports the whole schema, and nothing past the config', async ({ expect }) => {
    const project = new Project({ 'schema.ts': small }, 'citus: { shardCount: 4 }, rls: true');
    const text = await project.drizzleKit('export');
    expect(text).toMatchObject({ code: 0, stderr: '' });
    await project.drizzleKit('generate');
    const withoutBreaks = project.last().replaceAll(/\n?--> statement-breakpoint/g, '');
    expect(text.stdout.replaceAll(/\s+/g, ' ').trim()).toBe(withoutBreaks.replaceAll(/\s+/g, ' ').trim());
    const json = await project.drizzleKit('export', '--output=json', '--config', 'drizzle.config.ts');
    expect(JSON.parse(json.stdout).statements.join('\n')).toContain(distributes);
    const past = await project.drizzleKit('export', '--dialect=postgresql', '--schema=./schema.ts');
    expect(past.code).toBe(1);
    expect(past.stdout + past.stderr).toContain('past the config it would print neither policies nor distribution');
    expect(past.stdout).not.toContain('CREATE TABLE');
  });

  it('leaves --custom to the person, and --explain without a trace', async ({ expect }) => {
    const project = new Project({ 'schema.ts': small });
    expect(await project.drizzleKit('generate', '--explain')).toMatchObject({ code: 0, stderr: '' });
    expect(project.migrations).toEqual([]);
    await project.generated();
    expect(await project.drizzleKit('generate', '--custom', '--name', 'mine')).toMatchObject({ code: 0, stderr: '' });
    expect(project.last()).toBe(
      "SET LOCAL citus.multi_shard_modify_mode TO 'sequential';--> statement-breakpoint\n-- Custom SQL " +
        'migration file, put your code below! --',
    );
    project.write('schema.ts', small.replace('export const projects', 'export const old'));
    expect(await project.drizzleKit('generate')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No schema changes'),
    });
  });

  it('tells every fault, and writes nothing', async ({ expect }) => {
    const project = new Project({
      'schema.ts': `${small}
export const tags = pgTable('tags', {
  id: integer().primaryKey(),
  accountId: uuid('account_id').references(() => (accounts as any).id),
});
export const files = tenantTable('files', {
  accountId: account.id('account_id').references(() => accounts.id, { onUpdate: 'cascade' }),
  id: integer().generatedAlwaysAsIdentity().primaryKey(),
});
export const notes = pgTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey() });\n`,
    });
    const result = await project.drizzleKit('generate');
    expect(result.code).toBe(1);
    const said = result.stdout + result.stderr;
    expect(said).toContain('4 faults');
    expect(said).toContain('"notes" (account_id) [plain-table] Declare it with tenantTable(), or the column with');
    expect(said).toContain('"files" (id) [sequence-type] Make it bigserial');
    expect(said).toContain('"files" (account_id) [foreign-key-action]');
    expect(said).toContain('"tags" (account_id) [foreign-key-place] Make "tags" a tenantTable');
    expect(readdirSync(project.folder).sort()).toEqual(['drizzle.config.ts', 'node_modules', 'schema.ts']);
    project.config(
      `citus: {}, rules: { 'sequence-type': 'off', 'foreign-key-action': 'warn',
        'foreign-key-place': 'off', 'plain-table': 'off' }`,
    );
    const off = await project.drizzleKit('generate', '--output', 'json');
    expect(off).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('warning: "files" (account_id) [foreign-key-action]'),
    });
    expect(JSON.parse(off.stdout).status).toBe('ok');
  });

  it('refuses a view that mixes tenants, or whose tenant column is filled from another column', async ({ expect }) => {
    const views = (where: string, column: string) =>
      `import { sql } from 'drizzle-orm';\n${small}\nconsole.log('loaded');
export const names = pgView('names', { accountId: account.id('account_id'),
  id: uuid() }).as(sql.raw('select accounts.id as account_id, projects.id from accounts, projects${where}'));
export const notes = tenantTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey(),
  approver: uuid() });
export const approvals = pgView('approvals', { whose: account.id(),
  id: uuid() }).as(sql.raw('select ${column} as whose, id from notes'));\n`;
    const project = new Project({ 'schema.ts': views('', 'approver') });
    const faults = [
      'rows of "accounts" and "projects" of different tenants would meet',
      'Join its tables on their tenant columns too',
      '"approvals" (whose) [view-tenant] Fill "whose" from the tenant column of one of its tables',
    ];
    for (const result of [await project.drizzleKit('generate'), await project.tenant('check')]) {
      expect(result.code).toBe(1);
      for (const it of faults) expect(result.stderr).toContain(it);
    }
    expect(project.migrations).toEqual([]);
    project.write('schema.ts', views(' where projects.account_id = accounts.id', 'account_id'));
    expect(await project.drizzleKit('generate')).toMatchObject({ code: 0, stderr: '' });
  });

  it('tells every definition that can never work', async ({ expect }) => {
    const project = new Project({
      'schema.ts': `${small}
export const a = referenceTable('a', { id: integer().primaryKey(), p: uuid().references(() => (projects as any).id) });
export const b = tenantTable('b', {
  accountId: account.id('account_id'),
  id: uuid().primaryKey(),
  p: uuid().references(() => projects.id, { onDelete: 'set default' }),
});\n`,
    });
    const result = await project.drizzleKit('generate');
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('2 faults');
    expect(result.stderr).toContain('"a" (p) [definition] Make "a" a tenantTable');
    expect(result.stderr).toContain('"b" (p) [definition] Use onDelete');
    expect(project.migrations).toEqual([]);
  });

  it('leaves the folder as it was when the schema or the config does not load', async ({ expect }) => {
    const project = new Project({ 'schema.ts': small });
    await project.generated();
    project.write('schema.ts', 'throw new Error("not today");');
    expect((await project.drizzleKit('generate')).code).toBe(1);
    project.config('citus: {}, speed: 9');
    const result = await project.drizzleKit('generate');
    expect(result.code).toBe(1);
    expect(result.stdout + result.stderr).toContain('Take tenancy.speed out of the config');
    expect(project.migrations).toHaveLength(1);
  });

  it('stops at a migrations folder that is damaged', async ({ expect }) => {
    const project = new Project({ 'schema.ts': small });
    await project.generated();
    const state = project.last('tenancy.json');
    const at = `drizzle/${project.migrations[0]}/tenancy.json`;
    project.write('schema.ts', small.replace('name: text()', 'name: text(), code: text()'));
    for (const [text, message] of [
      ['<<<<<<< HEAD', 'it is not JSON'],
      ['{"version":1,"tables":{"x":{}}}', 'it does not say what the tables were'],
      [state.replace('"version": 2', '"version": 3'), 'Upgrade drizzle-tenant'],
    ] as const) {
      project.write(at, text);
      const migrations = readMigrations(join(project.folder, 'drizzle'));
      expect(() => stateAt(migrations, leavesOf(migrations))).toThrow(message);
    }
    const result = await project.drizzleKit('generate');
    expect([result.code, result.stdout + result.stderr]).toEqual([
      1,
      expect.stringContaining('Upgrade drizzle-tenant'),
    ]);
    const check = await project.drizzleKit('check');
    expect(check).toMatchObject({ code: 1, stderr: expect.stringContaining('Upgrade drizzle-tenant') });
    expect(project.migrations).toHaveLength(1);
    project.write(at, state);
    expect((await project.drizzleKit('generate')).code).toBe(0);
    expect(project.last()).not.toContain('create_distributed_table');
  });

  it('merges branches that agree, and stops at branches that do not', async ({ expect }) => {
    const project = new Project({ 'schema.ts': small });
    await project.generated();
    const table = (name: string) =>
      `export const ${name} = tenantTable('${name}', { accountId: account.id('account_id'), id: ` +
      `uuid().primaryKey() });\n`;
    const branch = async (schema: string, name: string) => {
      project.write('schema.ts', schema);
      await project.drizzleKit('generate', '--name', name);
      const folder = project.migrations.find((it) => it.endsWith(`_${name}`))!;
      return {
        folder,
        files: Object.fromEntries(
          ['migration.sql', 'snapshot.json', 'tenancy.json'].map((it) => [it, project.read(`drizzle/${folder}/${it}`)]),
        ),
      };
    };
    const left = await branch(small + table('left'), 'left');
    rmSync(join(project.folder, 'drizzle', left.folder), { recursive: true });
    await branch(small + table('right'), 'right');
    for (const [name, text] of Object.entries(left.files)) project.write(`drizzle/${left.folder}/${name}`, text);
    project.write('schema.ts', small + table('left') + table('right') + table('both'));
    expect((await project.drizzleKit('check')).code).toBe(0);
    expect(await project.drizzleKit('generate', '--name', 'both')).toMatchObject({ code: 0, stderr: '' });
    expect(project.migrations.filter((it) => it.endsWith('_both'))).toHaveLength(1);
    const both = project.migrations.find((it) => it.endsWith('_both'))!;
    expect(project.read(`drizzle/${both}/migration.sql`).match(/create_distributed_table/g)).toHaveLength(1);
    // The difference, and not a copy of everything.
    expect(JSON.parse(project.read(`drizzle/${both}/tenancy.json`))).toEqual({
      version: 2,
      tables: { 'public.both': expect.objectContaining({ kind: 'tenant' }) },
    });
    // The same folder with a branch that sees another table differently.
    rmSync(join(project.folder, 'drizzle', both), { recursive: true });
    const edit = (folder: string, shardCount: number) => {
      const state = JSON.parse(project.read(`drizzle/${folder}/tenancy.json`));
      state.tenancies = { account: { root: 'public.accounts', shardCount } };
      project.write(`drizzle/${folder}/tenancy.json`, JSON.stringify(state));
    };
    edit(left.folder, 8);
    edit(project.migrations.find((it) => it.endsWith('_right'))!, 16);
    expect(await project.drizzleKit('check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('decide differently about the tenancy "account"'),
    });
  });

  it('does nothing to a folder that is not its own, and leaves no half migration when the disk refuses', async ({
    expect,
  }) => {
    const project = new Project({ 'schema.ts': small });
    mkdirSync(join(project.folder, 'drizzle'));
    // The place where the folder is put together is taken.
    project.write('block.cjs', `require('node:fs').mkdirSync('.drizzle-' + process.pid + '.tmp');`);
    const result = await run(process.execPath, ['-r', './block.cjs', drizzleKitBin, 'generate'], project.folder);
    expect(result.code).toBe(1);
    expect(project.migrations).toEqual([]);
  });

  it('leaves the folder as it was when it is killed, and cleans up the next time', async ({ expect }) => {
    const project = new Project({ 'schema.ts': small });
    project.write('kill.cjs', `require('node:fs').renameSync = () => process.kill(process.pid, 'SIGKILL');`);
    expect(
      (await run(process.execPath, ['-r', './kill.cjs', drizzleKitBin, 'generate'], project.folder)).code,
    ).not.toBe(0);
    expect(project.migrations).toEqual([]);
    expect((await project.drizzleKit('generate')).code).toBe(0);
    expect(project.migrations).toHaveLength(1);
    expect(readdirSync(project.folder).filter((it) => it.startsWith('.drizzle'))).toEqual([]);
  });

  it('does not let a migration pass that it could not add to', async ({ expect }) => {
    const project = new Project({ 'schema.ts': small });
    // A drizzle-kit that would write its files past node:fs, or at another time.
    project.write(
      'other.cjs',
      `process.once('exit', () => require('node:child_process').execSync('mkdir -p drizzle/20990101000000_x'));`,
    );
    const plain = small.replace(/export const (countries|accounts|projects) [^]*?\);\n/g, '');
    project.write('schema.ts', plain);
    const result = await run(process.execPath, ['-r', './other.cjs', drizzleKitBin, 'generate'], project.folder);
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Delete 20990101000000_x, and report the version of drizzle-kit'),
    });
  });

  describe('with another drizzle-kit', () => {
    /** drizzle-kit with a change to its text, as a later version may have it. */
    const other = (project: Project, version: string, change: (text: string) => string = (it) => it) => {
      project.write('kit/drizzle-kit/package.json', JSON.stringify({ name: 'drizzle-kit', version }));
      const text = readFileSync(drizzleKitBin, 'utf8');
      const changed = change(text);
      project.write('kit/drizzle-kit/bin.cjs', changed);
      return {
        isChanged: changed !== text,
        run: (...args: string[]) => run(process.execPath, ['kit/drizzle-kit/bin.cjs', ...args], project.folder),
      };
    };
    const tested = '1.0.0-rc.5';

    it('refuses a version that it was not tested with, with the remedy', async () => {
      const project = new Project({ 'schema.ts': small });
      const remedy = (version: string) =>
        `Run "npm install --save-dev --save-exact drizzle-kit@${tested}", or upgrade drizzle-tenant to a ` +
        `version that knows drizzle-kit ${version}`;
      const result = await other(project, '1.0.0-rc.6').run('generate');
      expect(result.code).toBe(1);
      expect(result.stdout + result.stderr).toContain(remedy('1.0.0-rc.6'));
      for (const version of ['1.0.0', '0.31.0']) {
        other(project, version);
        expect(() => requireTestedVersion(join(project.folder, 'kit/drizzle-kit/bin.cjs'))).toThrow(remedy(version));
      }
      expect(project.migrations).toEqual([]);
    });

    it('completes a folder whatever its name', async () => {
      const project = new Project({ 'schema.ts': small });
      const kit = other(project, tested, (it) =>
        it.replace('return `${now.getUTCFullYear()}', 'return `m${now.getUTCFullYear()}'),
      );
      expect(kit.isChanged).toBe(true);
      expect(await kit.run('generate')).toMatchObject({ code: 0, stderr: '' });
      expect(project.migrations).toEqual([expect.stringMatching(/^m\d{14}_/)]);
      expect(project.last()).toContain(distributes);
    });

    it.each([
      [
        'past writeFileSync',
        'node_fs.openSync',
        /fs\.default\.writeFileSync\(|node_fs\.writeFileSync\(|fs\.writeFileSync\(/g,
        (name: string) =>
          "((p, d) => require('fs').closeSync(((f) => (require('fs').writeSync(f, d), " +
          "f))(require('fs').openSync(p, 'w'))))(",
      ],
    ])('does not let a bare migration pass that is written %s', async (_, __, pattern, replace) => {
      const project = new Project({ 'schema.ts': small });
      const kit = other(project, tested, (it) =>
        `const { mkdirSync } = require('fs'); require('fs').realMkdirSync = mkdirSync;\n${it.replace(/^#!.*\n/, '')}`
          .replaceAll(pattern, replace)
          .replaceAll(/\bfs\d*(?:\.default)?\.mkdirSync\(|node_fs\.mkdirSync\(/g, `require('fs').realMkdirSync(`),
      );
      expect(kit.isChanged).toBe(true);
      const result = await kit.run('generate');
      expect(result).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('could not add to it, and it has neither policies nor distribution'),
      });
      expect(result.stderr).toContain(`Delete ${project.migrations[0]}`);
    });
  });
});
