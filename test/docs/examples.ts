/** Reads the examples of the documentation, and makes a module of each that can be compiled and run. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';

export interface Example {
  /** Where it stands. */
  readonly place: string;
  /** The module of a framework, whose names are not those of another's. */
  readonly from?: string | undefined;
  readonly lines: readonly string[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));
export const generated = fileURLToPath(new URL('./generated/', import.meta.url));

/** What stands behind `@example` in the docstrings of the library. */
export function docstringExamples(): Example[] {
  // What moves whole tenants runs in test/data: here it would take the other examples' rows away. Frameworks, each with
  // its own server and login, run in test/frameworks.
  return globSync('src/**/*.ts', {
    cwd: root,
    ignore: ['src/data/**', 'src/effect/tenant-data.ts', 'src/frameworks/**'],
  })
    .sort()
    .flatMap((file) =>
      [...readFileSync(root + file, 'utf8').matchAll(/\/\*\*.*?\*\//gs)].flatMap((comment) => {
        const text = comment[0].replace(/\s*\*\/$/, '').replaceAll(/^[ \t]*\* ?/gm, '');
        return text
          .split('@example')
          .slice(1)
          .map((example) => ({
            from: /^src\/frameworks\/.*/.exec(file)?.[0],
            place: `${file} ${/\w[^\n]*/.exec(example)?.[0].slice(0, 50)}`,
            lines: example.split(/\n@/)[0]!.trim().split('\n'),
          }));
      }),
    );
}

/** The TypeScript in the README and in the guides, a block each. */
export function pageExamples(): Example[] {
  const pages = [
    'README.md',
    ...globSync(['docs/guide/**/*.md', 'docs/coming-from/*.md', 'docs/*.md'], { cwd: root }).filter(isCompiled).sort(),
  ];
  return pages.flatMap((page) =>
    [...readFileSync(root + page, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map((block) => ({
      place: `${page} ${block[1]!.split('\n')[0]}`,
      from: frameworkOf(block[1]!),
      lines: block[1]!.trimEnd().split('\n'),
    })),
  );
}

const frameworkOf = (text: string) => {
  const name = /^import .* from 'drizzle-tenant\/(hono|express|fastify|next|nest|trpc)';$/m.exec(text)?.[1];
  return name && `src/frameworks/${name}.ts`;
};

/** What the recipes of frameworks have of their own. */
const middleware = [
  'claim',
  'tenantMiddleware',
  'tenantHook',
  'tenantRoute',
  'tenantGuard',
  'subdomain',
  'pathSegment',
  'subdomainOf',
  'pathSegmentOf',
  'type TenantCall',
];

/** A page says in its first lines that its samples are compiled here; others have tests of their own. */
const isCompiled = (page: string) => /^---\n(?:.*\n)*?samples: compiled\n/.test(readFileSync(root + page, 'utf8'));

/** An example as a module that exports what runs it. Its lines keep their numbers. */
export function moduleOf({ lines, from }: Example, names: readonly string[]): string {
  const imports = lines.flatMap((line) => /^import .* from '(?!drizzle-tenant|\.)[^']+';/.exec(line) ?? []);
  const imported = (name: string) =>
    imports.some((line) => new RegExp(`[{ ,]${name.replace('$', '\\$')}[ ,}]`).test(`${line.split(' from ')[0]} `));
  const text = lines
    .map((line) =>
      line
        .replace(/^import .*$/, '')
        .replace(/^export default /, 'const _ = ')
        .replace(/^export /, '')
        // What a program starts and leaves running is waited for: the database goes away behind it.
        .replace(/^(?=\w[^=]*, Effect\.runPromise\);$)/, 'await '),
    )
    .join('\n');
  const used = names.filter(
    (name) => !imported(name) && new RegExp(`(?<![\\w.$'"])${name.replace('$', '\\$')}\\b`).test(text),
  );
  const isProgram = /^yield\* |^[^/\n]*= yield\* /m.test(text) && !text.includes('function* ');
  if (isProgram) for (const name of ['Db', 'Effect', 'id', 'url']) if (!used.includes(name)) used.push(name);
  const ownNames = middleware.filter((name) => new RegExp(`\\b${name.replace('type ', '')}\\b`).test(text));
  const own =
    from === undefined ? '' : ` import { ${ownNames.join(', ')} } from '../../../${from.replace(/ts$/, 'js')}';`;
  const head =
    `${imports.join(' ')} import { ${used.join(', ')} } from '../prelude.js'; import type { TenantDatabase, ` +
    `TenantId, TenantSelect } from '../../../src/index.js';${own}`;
  const isProperty = /^\w+: /.test(text);
  if (isProperty)
    return (
      `${head} const _: Record<string, (...args: never[]) => unknown> | object = { ${text} }; ` +
      'export default async () => _;'
    );
  if (isProgram)
    return (
      `${head} export default () => Effect.runPromise(Effect.gen(function* () ` +
      `{ ${text}\n}).pipe(Effect.provide(Db.forTenant(id)), Effect.provide(Db.layer({ url }))));`
    );
  return `${head} export default async () => { ${text}\n};`;
}

/** Writes the modules of examples into a folder that the compiler and the tests read. */
export function write(examples: readonly Example[], names: readonly string[]): string[] {
  rmSync(generated, { recursive: true, force: true });
  mkdirSync(generated);
  return examples.map((example, i) => {
    const name = `example-${String(i + 1).padStart(3, '0')}.ts`;
    writeFileSync(generated + name, moduleOf(example, names));
    return name;
  });
}
