/** Each error that the library throws has a page, which is linked in the index. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');
const classes = ['src/errors.ts', 'src/kit/errors.ts'].flatMap((file) =>
  [...text(file).matchAll(/^export class (\w+)/gm)].map((it) => it[1]!),
);

test.each(classes)('%s', (name) => {
  const [words, code] = text(`docs/errors/${name}.md`).split(/(?=## What to write)/) as [string, string];
  // A paragraph or a list's item may go on in the next line.
  const page = words.replace(/(?<=\S)\n(?: {2})?(?=[^\s#-])/g, ' ') + code;
  const [, meaning, causes, remedy] = new RegExp(
    `^# ${name}\\n\\n(.+)\\n\\n## Usual causes\\n\\n((?:- .+\\n)+)\\n## What to write\\n\\n(\`\`\`ts\\n[^]+\`\`\`)\\n$`,
  ).exec(page)!;
  expect([meaning, causes, remedy].every(Boolean)).toBe(true);
  expect(text('docs/errors/index.md')).toContain(`| [${name}](${name}.md) | ${meaning} |`);
  for (const [, link] of page.matchAll(/\]\((\.\.\/[^)#]+)/g))
    expect(existsSync(new URL(`docs/errors/${link}`, root)), link).toBe(true);
});

test('no page is of an error that there is not', () => {
  expect(readdirSync(new URL('docs/errors', root)).sort()).toEqual(
    [...classes, 'index'].map((it) => `${it}.md`).sort(),
  );
});
