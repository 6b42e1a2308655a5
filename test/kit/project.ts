/** Projects on disk, for tests that run the real drizzle-kit or the command line. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript-5.9';

const root = resolve(import.meta.dirname, '../..');
const made: string[] = [];

/**
 * The sources as JavaScript, as users get them: drizzle-kit's loader takes far longer over TypeScript. They stay where
 * they are as long as no source changes, so that this loader finds in its cache what another file's tests had it read.
 */
function build(): string {
  const files = readdirSync(join(root, 'src'), { recursive: true })
    .map(String)
    .filter((it) => it.endsWith('.ts'))
    .sort();
  const sources = files.map((file) => [file, readFileSync(join(root, 'src', file), 'utf8')] as const);
  const manifest = readFileSync(join(root, 'package.json'));
  const builds = join(root, 'node_modules/.cache/drizzle-tenant-built');
  const top = join(
    builds,
    createHash('sha256').update(manifest).update(JSON.stringify(sources)).digest('hex').slice(0, 16),
  );
  if (existsSync(top)) return join(top, 'dist');
  mkdirSync(builds, { recursive: true });
  for (const it of readdirSync(builds))
    if (statSync(join(builds, it)).mtimeMs < Date.now() - 86_400_000)
      rmSync(join(builds, it), { recursive: true, force: true });
  const place = mkdtempSync(join(builds, 'new-'));
  writeFileSync(join(place, 'package.json'), manifest);
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  for (const [file, text] of sources) {
    const to = join(place, 'dist', file.replace(/ts$/, 'js'));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, ts.transpileModule(text, { compilerOptions: options }).outputText);
  }
  try {
    renameSync(place, top);
  } catch {
    // Another process was quicker.
    rmSync(place, { recursive: true });
  }
  return join(top, 'dist');
}

/** Where the built package is. */
export const lib = build();
export const drizzleKitBin = join(root, 'node_modules/drizzle-kit/bin.cjs');

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const imports = (names: string) =>
  `import { ${names} } from 'drizzle-orm/pg-core';
import { referenceTable, tenancy, tenantSchema, tenantTable } from '${lib}/schema/index.js';\n`;

export const account = `${imports('integer, pgSchema, pgTable, pgView, text, uuid')}
export const account = tenancy('account', uuid);\n`;

export const small = `${account}
export const countries = referenceTable('countries', { id: integer().primaryKey(), name: text() });
export const accounts = tenantTable('accounts', {
  id: account.id().primaryKey(),
  countryId: integer('country_id').references(() => countries.id),
});
export const projects = tenantTable('projects', {
  accountId: account.id('account_id').references(() => accounts.id),
  id: uuid().primaryKey(),
});
`;

export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'kit-project-'));

  /** @param tenancy the `tenancy` of the config, and what else belongs into it, as source text */
  constructor(files: Record<string, string>, tenancy = 'citus: { shardCount: 4 }', more = '') {
    made.push(this.folder);
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
    this.config(tenancy, more);
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  config(tenancy: string, more = '', name = 'drizzle.config.ts'): void {
    const schema = more.includes('schema:') ? '' : `schema: './schema.ts', `;
    this.write(
      name,
      `import { defineTenantConfig } from '${lib}/kit/index.js';\n` +
        `export default defineTenantConfig({ dialect: 'postgresql', ${schema}out: ` +
        `'./drizzle', ${more}\n  tenancy: { ${tenancy} } });\n`,
    );
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** The first migration of {@link small}, as drizzle-kit writes it: written once, and copied here. */
  async generated(): Promise<void> {
    first ??= writeFirst();
    cpSync(await first, join(this.folder, 'drizzle'), { recursive: true });
  }

  /** The migrations, oldest first. */
  get migrations(): string[] {
    const out = join(this.folder, 'drizzle');
    return existsSync(out) ? readdirSync(out).sort() : [];
  }

  /** The newest migration's file. */
  last(file = 'migration.sql'): string {
    return this.read(`drizzle/${this.migrations.at(-1)}/${file}`);
  }

  /** The command line. */
  tenant(...args: string[]): Promise<Result> {
    return run(process.execPath, [join(lib, 'kit/cli/cli.js'), ...args], this.folder);
  }

  drizzleKit(...args: string[]): Promise<Result> {
    return run(process.execPath, [drizzleKitBin, ...args], this.folder);
  }
}

export function run(command: string, args: string[], cwd: string): Promise<Result> {
  return new Promise((done) => {
    execFile(command, args, { cwd, env: { ...process.env, NO_COLOR: '1' } }, (error, stdout, stderr) => {
      done({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
    });
  });
}

let first: Promise<string> | undefined;

async function writeFirst(): Promise<string> {
  const project = new Project({ 'schema.ts': small });
  const { code, stderr } = await project.drizzleKit('generate', '--name', 'init');
  if (code !== 0) throw new Error(stderr);
  return join(project.folder, 'drizzle');
}

export function removeProjects(): void {
  first = undefined;
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}
