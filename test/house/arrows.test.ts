/**
 * The rooms of `src` and the arrows between them: a room imports only from those that are listed for it, types
 * included, and no files import each other in a circle, but for the grammar's own recursion in the prover.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import ts from 'typescript-5.9';
import { expect, test } from 'vitest';

/** What each room may import. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  schema: ['errors'],
  sql: ['errors'],
  rls: ['errors', 'schema'],
  drivers: ['errors', 'schema', 'sql', 'rls'],
  scope: ['errors', 'schema', 'sql', 'rls', 'drivers'],
  handle: ['errors', 'schema', 'sql', 'rls', 'drivers', 'scope'],
  data: ['errors', 'schema', 'sql', 'rls', 'drivers', 'scope', 'handle'],
  frameworks: ['errors', 'schema', 'handle', 'data'],
  effect: ['errors', 'schema', 'sql', 'rls', 'drivers', 'scope', 'handle', 'data'],
  testing: ['errors', 'schema', 'sql', 'scope', 'handle', 'data'],
  'testing/effect': ['errors', 'schema', 'effect', 'testing'],
  validators: ['errors', 'schema'],
  kit: ['errors', 'schema', 'sql', 'rls'],
  'kit/rules': ['errors', 'schema', 'sql', 'rls', 'kit'],
  'kit/generate': ['errors', 'schema', 'sql', 'rls', 'kit', 'kit/rules'],
  'kit/live': ['errors', 'schema', 'sql', 'rls', 'kit', 'kit/rules', 'kit/generate'],
  'kit/adopt': ['errors', 'schema', 'sql', 'rls', 'kit', 'kit/rules', 'kit/generate', 'kit/live'],
  'kit/cli': ['errors', 'schema', 'sql', 'rls', 'data', 'kit', 'kit/rules', 'kit/generate', 'kit/live', 'kit/adopt'],
  /** What the package exports, and drizzle-kit's config, which reaches into every part of the kit. */
  entry: ['errors', 'schema', 'rls', 'handle', 'data', 'kit', 'kit/rules', 'kit/generate'],
};

const root = join(import.meta.dirname, '../../src');
const entries = ['index.ts', 'kit/index.ts', 'kit/api.ts', 'kit/config.ts'];

function roomOf(file: string): string {
  if (entries.includes(file)) return 'entry';
  if (file === 'testing/effect.ts') return 'testing/effect';
  const [room, part, ...rest] = file.split('/');
  if (part === undefined) return 'errors';
  return room === 'kit' && rest.length > 0 ? `kit/${part}` : room!;
}

interface Import {
  readonly to: string;
  /** Of types alone: it is gone when the code runs. */
  readonly isType: boolean;
}

function importsOf(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, isType: boolean) => {
    if (!specifier || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return;
    found.push({
      to: normalize(join(dirname(file), specifier.text))
        .split(sep)
        .join('/')
        .replace(/\.js$/, '.ts'),
      isType,
    });
  };
  const onlyTypes = (names: ts.NamedImportBindings | ts.NamedExportBindings | undefined) =>
    names !== undefined &&
    'elements' in names &&
    names.elements.length > 0 &&
    names.elements.every((it) => 'isTypeOnly' in it && it.isTypeOnly);
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(
        node.moduleSpecifier,
        Boolean(
          node.importClause?.isTypeOnly || (!node.importClause?.name && onlyTypes(node.importClause?.namedBindings)),
        ),
      );
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly || onlyTypes(node.exportClause));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    // Loaded later: no circle that loading would notice, but an arrow.
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const files = readdirSync(root, { recursive: true })
  .map((it) => String(it).split(sep).join('/'))
  .filter((it) => it.endsWith('.ts'));
const imports = new Map(files.map((file) => [file, importsOf(file, readFileSync(join(root, file), 'utf8'))]));

/** Groups of files of which each leads to each, by Tarjan's algorithm. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    low.set(file, order.get(file)!);
    stack.push(file);
    for (const to of graph.get(file) ?? []) {
      if (!order.has(to)) visit(to);
      if (stack.includes(to)) low.set(file, Math.min(low.get(file)!, low.get(to)!));
    }
    if (low.get(file) !== order.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1) found.push(group.sort());
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}

test('each import follows an arrow', () => {
  const wrong: string[] = [];
  let count = 0;
  for (const [file, found] of imports) {
    for (const { to } of found) {
      const [from, into] = [roomOf(file), roomOf(to)];
      count++;
      if (from !== into && !arrows[from]?.includes(into)) wrong.push(`${file} -> ${to} (${from} -> ${into})`);
    }
  }
  expect(count).toBeGreaterThan(500);
  expect(wrong).toEqual([]);
});

test('no circles, but for the grammar in the prover', () => {
  const graph = new Map(
    [...imports].map(([file, found]) => [file, found.filter((it) => !it.isType).map((it) => it.to)]),
  );
  expect(circles(graph).filter((it) => !it.every((file) => file.startsWith('sql/prove/')))).toEqual([]);
  // It would find one.
  expect(
    circles(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['a']],
      ]),
    ),
  ).toEqual([['a', 'b', 'c']]);
});

test('each file that is imported exists, and each room has its arrows', () => {
  for (const [file, found] of imports)
    for (const { to } of found) expect(imports.has(to), `${file} imports ${to}`).toBe(true);
  expect(files.map(roomOf).filter((it) => !arrows[it])).toEqual([]);
});
