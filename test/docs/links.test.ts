/** Links of the pages lead to files, so that they can be followed in the repository and in the package, too. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root, ignore: ['docs/.vitepress/**'] });

test('each leads to a file', () => {
  const links = pages.flatMap((page) =>
    [
      ...readFileSync(root + page, 'utf8')
        .replace(/^```[^]*?^```$|`[^`\n]*`/gm, '')
        .matchAll(/\]\(([^)\s#:]+)(?:#[^)\s]*)?\)/g),
    ].map(([, link]) => [page, link!] as const),
  );
  expect(links.length).toBeGreaterThan(150);
  expect(links.filter(([page, link]) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
});
