/** A new project: files that compile with what `npm init -y` and `tsc --init` set, as ES modules and as CommonJS. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TenantConfigError } from '../errors.js';

export interface InitOptions {
  readonly tenancy: string;
  readonly driver: string;
  readonly citus?: boolean;
}

const drivers = {
  postgres: { packages: 'postgres', module: 'postgres-js', connect: `drizzle(url)`, close: 'await orm.$client.end();' },
  pg: { packages: 'pg', module: 'node-postgres', connect: `drizzle(url)`, close: 'await orm.$client.end();' },
  pglite: {
    packages: '@electric-sql/pglite',
    module: 'pglite',
    connect: `drizzle('./data')`,
    close: 'await orm.$client.close();',
  },
} as const;

/**
 * @param folder where; a package.json may be there
 * @returns the text of each file, and the commands to run then
 * @throws TenantConfigError where one of the files is there already
 */
export function initProject(folder: string, options: InitOptions): { files: Map<string, string>; next: string[] } {
  const driver = drivers[options.driver as keyof typeof drivers];
  if (!driver)
    throw new TenantConfigError(`Pass --driver with postgres, pg or pglite: "${options.driver}" is none of them.`);
  const { tenancy } = options;
  if (!/^[a-z][a-zA-Z0-9]*$/.test(tenancy) || tenancy === 'project' || tenancy === 'task') {
    throw new TenantConfigError(
      'Pass --tenancy with a name such as account: a lower-case letter, then letters and digits, ' +
        'and neither "project" nor "task".',
    );
  }
  const path = join(folder, 'package.json');
  const isModule = existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).type === 'module';
  // In a CommonJS package, verbatimModuleSyntax takes import and export in .mts only.
  const ext = isModule ? 'ts' : 'mts';
  const js = isModule ? 'js' : 'mjs';
  const files = new Map([
    [join(folder, isModule ? 'drizzle.config.ts' : 'drizzle.config.js'), config(options, ext, isModule)],
    [join(folder, `src/schema.${ext}`), schema(tenancy)],
    [join(folder, `src/main.${ext}`), main(tenancy, driver, js)],
  ]);
  const present = [...files.keys(), join(folder, 'drizzle.config.ts')].filter((it) => existsSync(it));
  if (present.length > 0)
    throw new TenantConfigError(
      `Run "npx drizzle-tenant adopt" for a project that has a schema, or move ${present.join(', ')} away: ` +
        'init overwrites nothing.',
    );
  const needsUrl = options.driver !== 'pglite';
  return {
    files,
    next: [
      ...(existsSync(path) ? [] : ['npm init -y']),
      `npm install drizzle-tenant drizzle-orm@1.0.0-rc.5 ${driver.packages}`,
      'npm install --save-dev drizzle-kit@1.0.0-rc.5 typescript tsx ' +
        `@types/node${options.driver === 'pg' ? ' @types/pg' : ''}`,
      ...(needsUrl ? ['export DATABASE_URL=postgres://user:password@localhost:5432/database'] : []),
      'npx drizzle-kit generate',
      'npx drizzle-kit migrate',
      `npx tsx src/main.${ext}`,
    ],
  };
}

function config({ citus, driver }: InitOptions, ext: string, isModule: boolean): string {
  const credentials =
    driver === 'pglite'
      ? `driver: 'pglite',\n  dbCredentials: { url: './data' }`
      : `dbCredentials: { url: process.env.DATABASE_URL${isModule ? '!' : ''} }`;
  const head = isModule
    ? `/// <reference types="node" />\nimport { defineTenantConfig } from 'drizzle-tenant/kit';\n\nexport default`
    : `const { defineTenantConfig } = require('drizzle-tenant/kit');\n\nmodule.exports =`;
  return `${head} defineTenantConfig({
  dialect: 'postgresql',
  schema: './src/schema.${ext}',
  out: './drizzle',
  ${credentials},
  tenancy: { citus: ${citus ? '{ shardCount: 32 }' : 'false'} },
});
`;
}

const plural = (name: string) => (/[^aeiou]y$/.test(name) ? name.replace(/y$/, 'ies') : `${name}s`);
const snake = (name: string) => name.replaceAll(/[A-Z]/g, (it) => `_${it.toLowerCase()}`);

function schema(tenancy: string): string {
  const [root, key, column] = [plural(tenancy), `${tenancy}Id`, `${snake(tenancy)}_id`];
  return `import { defineTenantRelations, tenancy, tenantTable } from 'drizzle-tenant';
import { boolean, text, uuid } from 'drizzle-orm/pg-core';

export const ${tenancy} = tenancy('${tenancy}', uuid);

export const ${root} = tenantTable('${snake(root)}', {
  id: ${tenancy}.id().primaryKey().defaultRandom(),
  name: text().notNull(),
});

export const projects = tenantTable('projects', {
  ${key}: ${tenancy}.id('${column}').references(() => ${root}.id, { onDelete: 'cascade' }),
  id: uuid().primaryKey().defaultRandom(),
  name: text().notNull().unique(), // within the ${tenancy}
});

export const tasks = tenantTable('tasks', {
  ${key}: ${tenancy}.id('${column}'),
  id: uuid().primaryKey().defaultRandom(),
  projectId: uuid('project_id').notNull().references(() => projects.id, { onDelete: 'cascade' }),
  title: text().notNull(),
  done: boolean().notNull().default(false),
});

export const relations = defineTenantRelations({ ${root}, projects, tasks }, (r) => ({
  projects: { tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }) },
}));
`;
}

function main(tenancy: string, driver: (typeof drivers)[keyof typeof drivers], js: string): string {
  const root = plural(tenancy);
  const needsUrl = driver.connect.includes('url');
  return `/// <reference types="node" />
import { drizzle } from 'drizzle-orm/${driver.module}';
import { withTenancy } from 'drizzle-tenant';
import { ${tenancy}, ${root}, projects, relations, tasks } from './schema.${js}';

${
  needsUrl ? `const url = process.env['DATABASE_URL'];\nif (!url) throw new Error('Set ` + `DATABASE_URL.');\n` : ''
}const orm = ${driver.connect};
const db = withTenancy(orm, { relations });

const id = ${tenancy}.parse(crypto.randomUUID()); // in an application, of a verified token
const tdb = db.forTenant(id);
await tdb.insert(${root}).values({ name: 'Acme' });
const [project] = await tdb.insert(projects).values({ name: 'Apollo' }).returning();
await tdb.insert(tasks).values({ projectId: project!.id, title: 'Fly' });
console.log(JSON.stringify(await tdb.query.projects.findMany({ with: { tasks: true } }), null, 2));
${driver.close}
`;
}
