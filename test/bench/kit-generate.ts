/**
 * How much longer `drizzle-kit generate` takes with the hook, for the first migration of 200 tables.
 *
 *   npx tsx test/bench/kit-generate.ts
 *
 * Prints the medians and their ratio; exits with 1 above the bound.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { drizzleKitBin, lib, Project, removeProjects } from '../kit/project.js';

const bound = 1.2;
const rounds = 11;

const tables = Array.from({ length: 198 }, (_, i) => {
  const parent = i === 0 ? '' : ` parentId: uuid('parent_id').references(() => t${i - 1}.id),`;
  return (
    `export const t${i} = tenantTable('t${i}', { accountId: account.id('account_id').references(() ` +
    `=> accounts.id), id: uuid().primaryKey(),${parent} ` +
    `name: text().notNull().unique(), a: text(), b: integer() }, (t) => [index('t${i}_a').on(t.a)]);\n`
  );
});
const project = new Project({
  'schema.ts':
    `import { index, integer, text, uuid } from 'drizzle-orm/pg-core';\nimport { referenceTable, tenancy, ` +
    `tenantTable } from '${lib}/schema/index.js';\n` +
    `export const account = tenancy('account', uuid);\nexport const countries = ` +
    `referenceTable('countries', { id: integer().primaryKey() });\n` +
    `export const accounts = tenantTable('accounts', { id: account.id().primaryKey() });\n${tables.join('')}`,
  'plain.config.ts': `export default { dialect: 'postgresql', schema: './schema.ts', out: './drizzle' };\n`,
});

function time(config: string): number {
  rmSync(join(project.folder, 'drizzle'), { recursive: true, force: true });
  const begin = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, [drizzleKitBin, 'generate', '--config', config], {
    cwd: project.folder,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return Number(process.hrtime.bigint() - begin) / 1e6;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const times: Record<string, number[]> = { 'plain.config.ts': [], 'drizzle.config.ts': [] };
// The first round fills the loader's cache. The two take turns, so that a busy machine slows both.
for (let i = 0; i <= rounds; i++) {
  for (const [config, list] of Object.entries(times)) {
    const ms = time(config);
    if (i > 0) list.push(ms);
  }
}
if (!project.last().includes(`create_distributed_table('"t197"'`)) throw new Error('The hook did not run.');
const [plain, hooked] = Object.values(times).map(median) as [number, number];
const ratio = hooked / plain;
console.log(
  `drizzle-kit generate, 200 tables: plain ${plain.toFixed(0)} ms, with the hook ${hooked.toFixed(0)} ms, ` +
    `ratio ${ratio.toFixed(2)} (bound ${bound})`,
);
removeProjects();
process.exitCode = ratio <= bound ? 0 : 1;
