/** Every example of the documentation compiles, and runs. */
import { randomBytes } from 'node:crypto';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { compile } from '../types/compiler.js';
import { docstringExamples, generated, pageExamples, write, type Example } from './examples.js';

const docstrings = docstringExamples();
const examples: Example[] = [...docstrings, ...pageExamples()];
const database = `docs_${process.pid}_${randomBytes(3).toString('hex')}`;
const checksRole = /assertRowLevelSecurity\(/;
let prelude: typeof import('./prelude.js');
let files: string[];

const admin = async (text: string) => {
  const client = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await client.unsafe(text);
  await client.end();
};

beforeAll(async () => {
  await admin(`create database ${database}`);
  process.env.DOCS_DATABASE_URL = process.env.ADMIN_URL = Object.assign(new URL(inject('databaseUrl')), {
    pathname: `/${database}`,
  }).href;
  prelude = await import('./prelude.js');
  for (const statement of await generateMigration(
    await generateDrizzleJson({}),
    await generateDrizzleJson(prelude.schema as any),
  )) {
    await prelude.client.unsafe(statement);
  }
  await prelude.tdb.insert(prelude.accounts).values({ name: 'x' });
  files = write(examples, Object.keys(prelude));
});
afterAll(async () => {
  await prelude.client.end();
  await admin(`drop database if exists ${database} with (force)`);
});

test('each compiles, but for the lines that say that they do not', { timeout: 60_000 }, async () => {
  const { errors } = await compile('TypeScript 7', '../docs/tsconfig.json');
  const found = errors.map(({ file, line, message }) => ({
    place: examples[files.findIndex((name) => file.endsWith(name))]?.place ?? file,
    line,
    message,
  }));
  const foretold = examples.flatMap(({ place, lines }) =>
    lines.flatMap((line, i) => (line.includes('// does not compile') ? [[place, i + 1]] : [])),
  );
  expect(
    found.map(({ place, line }) => [place, line]),
    JSON.stringify(found, null, 1),
  ).toEqual(foretold);
  expect(foretold.length).toBeGreaterThan(0);
});

// The README's application has a database of its own: test/package runs it, in an empty folder.
const runs = examples.map(({ place }, i) => [place, i] as const).filter(([place]) => place !== 'README.md // app.ts');

describe('each runs', { timeout: 60_000 }, () => {
  test.each(runs)('%s', async (place, i) => {
    const run = async () => {
      await (await import(/* @vite-ignore */ generated + files[i]!)).default();
      await Promise.all(prelude.pending.splice(0));
    };
    // What another example inserted is not there.
    await prelude.tdb.delete(prelude.projects);
    // The tests' role is a superuser, whom no policy holds back: that is what these find.
    if (checksRole.test(examples[i]!.lines.join('\n'))) await expect(run()).rejects.toThrow('is a superuser');
    else await run();
  });
});
