/** The editor teaches: what a handle has is explained where it is typed, with an example. */
import { readFileSync } from 'node:fs';
import ts from 'typescript-5.9';
import { expect, test } from 'vitest';

/** The interfaces whose members an application calls, by file. */
const taught: Record<string, readonly string[]> = {
  'src/handle/database.types.ts': ['ReadMethods', 'WriteMethods', 'ScopedHandle', 'TransactionMethods'],
};

const members = Object.entries(taught).flatMap(([file, names]) => {
  const source = ts.createSourceFile(file, readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'), ts.ScriptTarget.ESNext, true);
  const found = source.statements.filter(ts.isInterfaceDeclaration).filter((it) => names.includes(it.name.text));
  expect(found.map((it) => it.name.text).sort()).toEqual([...names].sort());
  return found.flatMap((it) => it.members.map((member) => [`${it.name.text}.${member.name!.getText(source)}`, ts.getJSDocCommentsAndTags(member)] as const));
});

/** The docstring of the first overload is that of all. */
test.each([...new Set(members.map(([name]) => name))])('%s', (name) => {
  const docs = members.filter(([it]) => it === name).flatMap(([, doc]) => doc).filter(ts.isJSDoc);
  expect(docs.some((it) => it.comment), 'a docstring').toBe(true);
  expect(docs.some((it) => it.tags?.some((tag) => tag.tagName.text === 'example' && tag.comment)), 'an example').toBe(true);
});
