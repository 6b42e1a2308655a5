/** The site: pages of docs/, the playground, the reference and llms.txt. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { term, weight, words } from './words.js';

const docs = fileURLToPath(new URL('..', import.meta.url));
const base = process.env.DOCS_BASE ?? '/';
const read = (page: string) => readFileSync(join(docs, page), 'utf8');
const withoutFrontmatter = (text: string) => text.replace(/^---\n[^]*?\n---\n/, '');
/** A page's text, with what it includes of the repository's own files. */
const text = (page: string) =>
  withoutFrontmatter(read(page)).replace(/<!--@include: (.*?)-->/, (_, file) => readFileSync(join(docs, file), 'utf8'));
const titleOf = (page: string) => /^# (.+)$/m.exec(text(page))?.[1]?.replaceAll('`', '') ?? page;
const link = (page: string) => `/${page.replace(/(index)?\.md$/, '')}`;
const pageOf = (link: string) => `${link.slice(1).replace(/\/$/, '/index')}.md`;
const item = (page: string) => ({ text: titleOf(page), link: link(page) });

const pages = ['', 'guide/', 'coming-from/', 'decisions/', 'errors/'].flatMap((folder) => {
  try {
    return readdirSync(join(docs, folder))
      .filter((it) => it.endsWith('.md') && (it !== 'index.md' || folder === 'errors/'))
      .sort()
      .map((it) => folder + it);
  } catch {
    return [];
  }
});
const listed = new Set<string>();
const group = (text: string, names: readonly string[], collapsed = false) => {
  const items = names.map((it) => `${it}.md`).filter((it) => pages.includes(it));
  items.forEach((it) => listed.add(it));
  return { text, collapsed, items: items.map(item) };
};
const errors = pages
  .filter((it) => it.startsWith('errors/'))
  .map((it) => it.replace(/\.md$/, ''))
  .filter((it) => it !== 'errors/index');
const folder = (text: string, name: string) =>
  group(
    text,
    pages.filter((it) => it.startsWith(name)).map((it) => it.replace(/\.md$/, '')),
    true,
  );

const sidebar = [
  group('Begin', ['start', 'concepts', 'guide/limits', 'citus-story']),
  group('Tables', ['guide/schema', 'unique-values', 'rows-of-everybody', 'other-tenants', 'indexes', 'validators']),
  group('Queries', ['guide/handles', 'transactions', 'guide/sql-by-hand', 'sql', 'streams', 'batch']),
  group('Requests and people', [
    'before-the-tenant',
    'frameworks',
    'people',
    'better-auth',
    'guide/effect',
    'guide/jobs',
  ]),
  group('Safety', ['guide/row-level-security', 'guide/testing', 'security']),
  group('Migrations', ['guide/migrations', 'adopt', 'guide/single-tenant', 'guide/online', 'guide/growing', 'ci']),
  group('Citus', ['guide/citus', 'cluster', 'managed-citus']),
  group('In production', ['runtimes', 'guide/poolers', 'prepared-plans', 'replicas', 'fair', 'tenant-data']),
  folder('Coming from', 'coming-from/'),
  group('Errors', ['compiler', 'errors/index', ...errors], true),
  group('Reference', ['benchmarks', 'scale', 'architecture', 'changelog']),
  folder('Decisions', 'decisions/'),
];
const itemsOf = (name: string) => sidebar.find((it) => it.text === name)!.items as object[];
// A framework is looked for by its name.
const frameworks = ['Next.js', 'Hono', 'Express', 'Fastify', 'NestJS', 'tRPC'].map((text) => ({
  text,
  link: `/frameworks#${text.toLowerCase().replace('.', '-')}`,
}));
(itemsOf('Requests and people')[1] as { items?: object[]; collapsed?: boolean }).items = frameworks;
itemsOf('Reference').unshift({ text: 'API', link: '/reference/index.html', target: '_self' });
itemsOf('Begin').push({ text: 'Playground', link: '/playground/index.html', target: '_self' });
// What others add is found, too.
const more = pages.filter((it) => !listed.has(it)).map((it) => it.replace(/\.md$/, ''));
if (more.length > 0) sidebar.splice(-1, 0, group('More', more));

const strange = Object.keys(words).filter((it) => !existsSync(join(docs, `${it}.md`)));
if (strange.length > 0) throw new Error(`Correct words.ts: it names pages that there are not: ${strange.join(', ')}`);

export default defineConfig({
  title: 'drizzle-tenant',
  description: 'Multi-tenancy for Drizzle ORM on PostgreSQL and Citus: a query without a tenant does not compile',
  base,
  lang: 'en',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${base}favicon.svg` }]],
  cleanUrls: true,
  // Made after the pages; and links of README, SECURITY and ARCHITECTURE to files of the repository.
  ignoreDeadLinks: [
    /^\.{0,2}\/?(playground|reference)\//,
    /\/(README|SECURITY|ARCHITECTURE|CHANGELOG|src|test)\b/,
    /^\.\/docs\//,
  ],
  markdown: { config: (md) => void md.core.ruler.push('rewrite', rewrite) },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Concepts', link: '/concepts' },
      { text: 'Playground', link: '/playground/index.html', target: '_self' },
      { text: 'API', link: '/reference/index.html', target: '_self' },
    ],
    sidebar,
    search: {
      provider: 'local',
      options: {
        miniSearch: { options: { processTerm: term }, searchOptions: { boostDocument: weight } },
        _render: (src, env, md) =>
          md.render(src, env).replace('</h1>', `</h1><p>${words[env.relativePath.replace(/\.md$/, '')] ?? ''}</p>`),
      },
    },
    outline: [2, 3],
  },
  buildEnd({ outDir }) {
    type Item = { text: string; link: string };
    const every = sidebar.flatMap((group) => {
      const items = (group.items as Item[]).filter((it) => pages.includes(pageOf(it.link)));
      return items.map((it) => ({ ...it, group: group.text }));
    });
    // The first paragraph says what a page is about.
    const first = (page: string) =>
      text(page)
        .replace(/^```[^]*?^```$/gm, '')
        .split('\n\n')
        .map((it) => it.trim().replaceAll('\n', ' '))
        .find((it) => /^[A-Z`*[]/.test(it))
        ?.split(/(?<=\.)\s/)[0]
        ?.replace(/:$/, '.')
        .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1') ?? '';
    const groups = [...new Set(every.map((it) => it.group))].map((name) => {
      const items = every.filter((it) => it.group === name);
      const lines = items.map((it) => `- [${it.text}](${base}${it.link.slice(1)}): ${first(pageOf(it.link))}`);
      return `## ${name}\n\n${lines.join('\n')}`;
    });
    const title =
      '# drizzle-tenant\n\n> Multi-tenancy for Drizzle ORM on PostgreSQL and Citus: ' +
      'a query without a tenant does not compile.';
    writeFileSync(
      join(outDir, 'llms.txt'),
      `${title}\n\nEverything in one file: [llms-full.txt](${base}llms-full.txt)\n\n${groups.join('\n\n')}\n`,
    );
    writeFileSync(
      join(outDir, 'llms-full.txt'),
      [readFileSync(join(docs, '../README.md'), 'utf8'), ...every.map((it) => text(pageOf(it.link)))].join('\n\n'),
    );
  },
});

/** Links of an included page to `docs/x.md` are links to `x.md` here. */
function rewrite(state: { tokens: any[] }) {
  for (const token of state.tokens.flatMap((it) => it.children ?? [])) {
    if (token.type !== 'link_open') continue;
    const href: string = token.attrGet('href') ?? '';
    const local = href
      .replace(/^docs\//, './')
      .replace(/^(\.\.\/)*(SECURITY|ARCHITECTURE|CHANGELOG)\.md/, (_, _up, name) => `/${name.toLowerCase()}.md`);
    if (local !== href) token.attrSet('href', local);
  }
}
