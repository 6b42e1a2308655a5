/** The site: pages of docs/, the playground, the reference and llms.txt. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const docs = fileURLToPath(new URL('..', import.meta.url));
const read = (page: string) => readFileSync(join(docs, page), 'utf8');
const withoutFrontmatter = (text: string) => text.replace(/^---\n[^]*?\n---\n/, '');
const titleOf = (page: string) => /^# (.+)$/m.exec(withoutFrontmatter(read(page)))?.[1]?.replaceAll('`', '') ?? page;
const link = (page: string) => `/${page.replace(/\.md$/, '')}`;
const item = (page: string) => ({ text: titleOf(page), link: link(page) });

const pages = ['', 'guide/', 'coming-from/', 'decisions/', 'errors/'].flatMap((folder) => {
  try {
    return readdirSync(join(docs, folder))
      .filter((it) => it.endsWith('.md') && it !== 'index.md')
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
const folder = (text: string, name: string) =>
  group(
    text,
    pages.filter((it) => it.startsWith(name)).map((it) => it.replace(/\.md$/, '')),
    true,
  );

const sidebar = [
  group('Begin', ['start', 'concepts', 'citus-story']),
  group('Guides', [
    'guide/schema',
    'guide/handles',
    'people',
    'before-the-tenant',
    'unique-values',
    'rows-of-everybody',
    'other-tenants',
    'transactions',
    'streams',
    'replicas',
    'batch',
    'guide/jobs',
    'guide/row-level-security',
    'guide/sql-by-hand',
    'sql',
    'tenant-data',
    'guide/testing',
    'validators',
    'fair',
  ]),
  group('Migrations', [
    'guide/migrations',
    'guide/online',
    'guide/single-tenant',
    'adopt',
    'ci',
    'indexes',
    'guide/growing',
  ]),
  group('Citus', ['guide/citus', 'cluster', 'managed-citus']),
  group('Frameworks', ['guide/effect', 'frameworks', 'better-auth']),
  group('Where it runs', ['runtimes', 'guide/poolers', 'prepared-plans']),
  folder('Coming from', 'coming-from/'),
  folder('Errors', 'errors/'),
  group('Reference', ['guide/errors', 'benchmarks', 'scale', 'guide/limits', 'security', 'architecture', 'changelog']),
  folder('Decisions', 'decisions/'),
];
// A framework is looked for by its name.
const frameworks = ['Next.js', 'Hono', 'Express', 'Fastify', 'NestJS', 'tRPC'].map((text) => ({
  text,
  link: `/frameworks#${text.toLowerCase().replace('.', '-')}`,
}));
sidebar.find((it) => it.text === 'Frameworks')!.items.splice(2, 0, ...frameworks);
// What others add is found, too.
const more = pages.filter((it) => !listed.has(it)).map((it) => it.replace(/\.md$/, ''));
if (more.length > 0) sidebar.splice(-1, 0, group('More', more));
(sidebar.find((it) => it.text === 'Reference')!.items as object[]).unshift({
  text: 'API',
  link: '/reference/index.html',
  target: '_self',
});

export default defineConfig({
  title: 'drizzle-tenant',
  description: 'Multi-tenancy for Drizzle ORM on PostgreSQL and Citus: a query without a tenant does not compile',
  base: process.env.DOCS_BASE ?? '/',
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
      { text: 'Playground', link: '/playground/index.html', target: '_self' },
      { text: 'API', link: '/reference/index.html', target: '_self' },
    ],
    sidebar,
    search: { provider: 'local' },
    outline: [2, 3],
  },
  buildEnd({ outDir }) {
    const every = sidebar
      .flatMap((it) => it.items as { text: string; link: string }[])
      .filter((it) => pages.includes(`${it.link.slice(1)}.md`));
    const first = (text: string) =>
      withoutFrontmatter(text)
        .split('\n\n')
        .map((it) => it.trim())
        .find((it) => /^[A-Z`*\[]/.test(it))
        ?.replaceAll('\n', ' ')
        .split(/(?<=\.)\s/)[0] ?? '';
    const text = (page: string) =>
      withoutFrontmatter(read(page)).replace(/<!--@include: \.\.\/(.*?)-->/, (_, file) =>
        readFileSync(join(docs, '..', file), 'utf8'),
      );
    const pageOf = (it: { link: string }) => text(`${it.link.slice(1)}.md`);
    const summary = [
      '# drizzle-tenant',
      '> Multi-tenancy for Drizzle ORM on PostgreSQL and Citus: a query without a tenant does not compile.',
      'Everything in one file: [llms-full.txt](/llms-full.txt)',
      '## Pages',
      every.map((it) => `- [${it.text}](${it.link}): ${first(pageOf(it))}`).join('\n'),
    ];
    writeFileSync(join(outDir, 'llms.txt'), `${summary.join('\n\n')}\n`);
    const whole = [readFileSync(join(docs, '../README.md'), 'utf8'), ...every.map(pageOf)];
    writeFileSync(join(outDir, 'llms-full.txt'), whole.join('\n\n'));
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
