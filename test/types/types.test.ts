/**
 * What compiles, and what does not: by running the compilers, since only they know what a user is told.
 *
 * `positive/` is the corpus: ordinary Drizzle programs, each with the type of its result, compiled with tenant tables
 * on a scoped handle, and again with plain tables on a plain handle. `fixtures/` holds the programs that must not
 * compile, a file for each rule of the contract. There, `// error: words` says that the line has an error, and that
 * what we have to say begins with these words, in the line of it that an editor shows first; `// error below: words`
 * that it stands further down, where the types that meet are Drizzle's, or two handles or queries; `// error~ words`
 * that the words are the compiler's own. A comment alone in its line is about the line below. No other line has an
 * error.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectedErrors, type ExpectedError } from '../support/markers.js';
import { compile, compilers, type Compilation, type Compiler, type CompilerError } from './compiler.js';

const filesOf = (directory: string) =>
  readdirSync(new URL(`${directory}/`, import.meta.url)).map((name) => ({
    name: `${directory}/${name}`,
    text: readFileSync(new URL(`${directory}/${name}`, import.meta.url), 'utf8'),
  }));

const fixtures = filesOf('fixtures');
const expected = fixtures.flatMap(({ name, text }) => expectedErrors(text).map((it) => ({ file: name, ...it })));

const at = ({ file, line }: { file: string; line: number }) => `${file}:${line}`;

/** What we say stands in quotes, as a type's text or as the name of a symbol. */
const says = ({ words, kind }: ExpectedError, { message }: CompilerError) => {
  const shown = kind === ':' ? message.split('\n')[0]! : message;
  return kind === '~' ? shown.includes(words) : ['"', '`', "'[", '['].some((quote) => shown.includes(quote + words));
};

const names = Object.keys(compilers) as Compiler[];
const scoped = {} as Record<Compiler, Compilation>;
const plain = {} as Record<Compiler, Compilation>;

const strictOnly = ['noUncheckedIndexedAccess', 'noImplicitOverride', 'isolatedModules', 'verbatimModuleSyntax'];
const lenient = strictOnly.flatMap((it) => [`--${it}`, 'false']);
const counted = ['--singleThreaded', '--extendedDiagnostics'];
let exact: Compilation;
let strict: Compilation;
let cost: { scoped: Compilation; plain: Compilation };

// Two processes at a time: TypeScript 5.9 takes as long for two programs as TypeScript 7 for six.
beforeAll(async () => {
  const both = async (name: Compiler) => {
    scoped[name] = await compile(name, 'tsconfig.json');
    plain[name] = await compile(name, 'tsconfig.plain.json', ...(name === 'TypeScript 7' ? counted : []));
  };
  const settings = async () => {
    exact = await compile('TypeScript 7', 'tsconfig.positive.json', '--exactOptionalPropertyTypes');
    strict = await compile('TypeScript 7', 'tsconfig.positive.json', ...lenient);
    cost = {
      scoped: await compile('TypeScript 7', 'tsconfig.positive.json', ...counted),
      plain: plain['TypeScript 7'],
    };
  };
  await Promise.all([both('TypeScript 5.9'), both('TypeScript 7').then(settings)]);
}, 240_000);

describe.each(names)('%s', (name) => {
  test('compiles the corpus, scoped and plain, with the same result types', () => {
    expect(plain[name].errors).toEqual([]);
    expect(scoped[name].errors.filter((it) => !it.file.startsWith('fixtures/'))).toEqual([]);
  });

  test.each(fixtures.map((it) => it.name))('refuses what it must: %s', (file) => {
    const errors = scoped[name].errors.filter((it) => it.file === file);
    const marked = expected.filter((it) => it.file === file);
    expect([...new Set(errors.map(at))].sort()).toEqual([...new Set(marked.map(at))].sort());
    const otherWords = marked.flatMap((it) => {
      const found = errors.filter((error) => at(error) === at(it));
      if (found.some((error) => says(it, error))) return [];
      return [{ at: at(it), words: it.words, got: found.map((error) => error.message) }];
    });
    expect(otherWords).toEqual([]);
  });
});

test('the corpus compiles with other strictness, too', () => {
  expect(exact.errors).toEqual([]);
  expect(strict.errors).toEqual([]);
});

test('scoped programs cost the compiler no more than plain ones', () => {
  const ratio = cost.scoped.instantiations / cost.plain.instantiations;
  expect(ratio).toBeGreaterThan(0);
  expect(ratio).toBeLessThan(1.15);
});

test('every program of the corpus states its result type', () => {
  const programs = filesOf('positive').flatMap(({ name, text }) =>
    [...text.matchAll(/^\/\/ (.*)\n\{\n([^]*?)^\}$/gm)].map(([, title, body]) => ({
      at: `${name}: ${title}`,
      states: body!.includes('Expect<'),
    })),
  );
  expect(programs.filter((it) => !it.states)).toEqual([]);
  expect(programs.length).toBeGreaterThan(150);
});

test('most errors say what to do in their first line', () => {
  const below = expected.filter((it) => it.kind === ' below:');
  expect(below.length / expected.length).toBeLessThan(0.2);
  expect([...new Set(below.map((it) => it.file.slice(9, 11)))]).toEqual(['01', '04', '05', '10']);
});

test('every rule of the contract has its programs', () => {
  const rules = new Set(expected.map((it) => Number(/\/(\d\d)-/.exec(it.file)?.[1])));
  expect([...rules].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);
  expect(expected.length).toBeGreaterThan(280);
});
