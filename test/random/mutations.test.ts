/**
 * The mutation table is kept honest: each place that it switches off is in the source, once, and each line of the source
 * that confines something is in it. `npm run test:mutation` then says whether the programs at random see them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mutations } from './mutations.js';

const root = join(import.meta.dirname, '../..');
const sources = new Map<string, string>(
  ['src/scope', 'src/schema'].flatMap((folder) => readdirSync(join(root, folder)).map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')] as const)),
);

test.each(mutations.map((it) => [it.place, it] as const))('%s: is in the source once, and is changed', (_, { from, to }) => {
  expect([...sources].flatMap(([file, text]) => new Array<string>(text.split(from).length - 1).fill(file))).toHaveLength(1);
  expect(to).not.toBe(from);
});

test('the places have names of their own', () => {
  expect(new Set(mutations.map((it) => it.place)).size).toBe(mutations.length);
});

test('what the comparison cannot see is looked for in tests that are there', () => {
  for (const { elsewhere } of mutations) {
    for (const [file] of elsewhere?.matchAll(/test\/[\w/-]+\.test\.ts/g) ?? []) expect(existsSync(join(root, file)), file).toBe(true);
  }
});

/** What confines, or scopes what was written: where a predicate is made, and whatever leads to it. */
const confining = /\.(?:predicate|joinColumn|rowsOf|tenantOf|scoped|scopeInto|query|subquery|fields|where|list|operand|on|cell)\(|\bpair\(|\bcarryTenant\(/;
const files = ['src/scope/dialect.ts', 'src/scope/statement.ts', 'src/scope/scope.ts', 'src/scope/template.ts', 'src/scope/insert.ts', 'src/scope/shape.ts', 'src/schema/relations.ts'];

/** Lines that confine, and are seen another way. */
const exceptions: Record<string, string> = {
  'const scoped = isAll && !known ? query : template.query(query);': 'the last look at a statement: each way in it is switched off by itself',
  'const scoped = template.query(query as SQL);': 'the same, of a statement whose text is kept',
  'comment: this.scoped(config.comment),': 'Drizzle writes a comment, and no expression stands there: test/isolation/22-attacks.test.ts',
  'const predicate = isDerived ? undefined : this.scope.predicate(source, found);': 'where it goes is switched off, join by join',
  'on: type === \'cross\' ? undefined : this.on(on, given),': 'as what is written in ON',
  'return chunks?.map((chunk) => this.scoped(chunk));': 'each list by itself: ORDER BY, GROUP BY, DISTINCT ON',
  'const tenant = new Param(this.scope.tenantOf(table, found, undefined), found.column);': 'the tenant itself, whatever was given',
  'if (value !== undefined) result[key] = this.cell(value, column);': 'INSERT: values',
  'const predicate = this.predicate(original ?? table, found, name);': 'rows of a derived table',
  'this.scopeInto(out, chunk, use);': 'what calls it, clause by clause',
};

test('each line that confines is switched off by some mutation, or says why not', () => {
  const unswitched: string[] = [];
  const met = new Set<string>();
  for (const file of files) {
    const text = sources.get(file)!;
    const switched = new Set<number>();
    for (const { from } of mutations) {
      const at = text.indexOf(from);
      const first = text.slice(0, at).split('\n').length;
      if (at >= 0) from.split('\n').forEach((_, i) => switched.add(first + i));
    }
    text.split('\n').forEach((line, i) => {
      const code = line.trim();
      const isDeclaration = /^(?:export )?(?:async )?(?:function |const pair\b|(?:#?\w+(?:<T>)?)\([^)]*\).*\{$)|^(?:\*|\/\/|\/\*\*)/.test(code);
      if (!confining.test(code) || switched.has(i + 1) || isDeclaration) return;
      if (Object.hasOwn(exceptions, code)) met.add(code);
      else unswitched.push(`${file}:${i + 1}: ${code}`);
    });
  }
  expect(unswitched).toEqual([]);
  expect(Object.keys(exceptions).filter((it) => !met.has(it))).toEqual([]);
});
