/** The playground that needs no server, in a real browser: built, served as static files, and written in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildLive } from '../../playground/live/build.js';
import { samples } from '../../playground/live/samples.js';
import { serve } from '../../playground/live/serve.js';
import { hasBrowser, launch } from './browser.js';

declare const document: any;

it('has a dozen samples, and a dozen mistakes', () => {
  const kinds = samples().map((it) => it.kind);
  for (const kind of ['query', 'mistake'] as const)
    expect(kinds.filter((it) => it === kind).length).toBeGreaterThanOrEqual(12);
});

describe.skipIf(!hasBrowser)(
  hasBrowser ? 'the live page' : 'the live page: skipped, since there is no /usr/bin/chromium',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'drizzle-tenant-live-test-'));
    let served: Awaited<ReturnType<typeof serve>>;
    let browser: Browser;
    let page: Page;
    const faults: string[] = [];

    beforeAll(async () => {
      [browser] = await Promise.all([
        launch(),
        buildLive(folder, { results: false, only: ['largeProjects', 'startProject', 'no-tenant', 'other-tenancy'] }),
      ]);
      served = await serve(folder);
      page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' });
      page.on('pageerror', (error) => faults.push(error.message));
      page.on(
        'request',
        (request) =>
          request.url().startsWith(served.url) || /^(data|blob):/.test(request.url()) || faults.push(request.url()),
      );
      await page.goto(served.url);
      await page.locator('#results table').first().waitFor({ timeout: 120_000 });
    }, 300_000);
    afterAll(async () => {
      await browser?.close();
      served?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Writes a program, as a person does who has selected all. */
    async function write(code: string) {
      const before = await page.evaluate(() => document.documentElement.dataset.shown);
      await page.locator('.cm-content').focus();
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText(code);
      await page.waitForFunction((it) => document.documentElement.dataset.shown !== it, before, { timeout: 30_000 });
    }
    const program = (query: string) =>
      `import type { AccountDatabase, Database } from './database.js';\nimport { projects, tasks } from ` +
      `'./schema.js';\n\nexport default (tdb: AccountDatabase, db: Database) => ${query};\n`;
    const words = () => page.locator('#faults').innerText();

    it('shows what each of three tenants sees, what was added, and the plan', async () => {
      expect(await page.locator('#results h4').allInnerTexts()).toEqual(['Acme', 'Birch', 'Cedar']);
      expect(await page.locator('#results table').allInnerTexts()).toEqual([
        expect.stringContaining('12000'),
        expect.stringContaining('20000'),
        expect.stringContaining('8100'),
      ]);
      expect((await page.locator('#sent mark').allInnerTexts()).join(' ')).toContain('"projects"."account_id" = $2');
      expect(await page.locator('#verdict').innerText()).toContain('plain Drizzle on a database with this tenant only');
      expect(await page.locator('#plan').innerText()).toMatch(/on projects/);
      expect(await words()).toBe('It compiles.');
    });

    it('shows a query without a tenant in red, with the words of the library, as one types', async () => {
      await write(program('db.select().from(tasks)'));
      expect(await words()).toMatch(/^Line 4\s*Choose a tenant first, as in db\.forTenant\(id\)\.select\(\) TS\d+: /);
      expect(await page.locator('.cm-lintRange-error').innerText()).toBe('db');
      await write(program('tdb.insert(tasks).values({ id: 9, projectId: 1, title: "x", accountId: "y" })'));
      expect(await words()).toContain('Leave the tenant column out of values(): the handle fills it in');
      await write(program('tdb.select({ title: tasks.title }).from(tasks)'));
      expect(await words()).toBe('It compiles.');
      expect(await page.locator('#results table').count()).toBe(3);
    });

    it('shows what is refused at run time, and what PostgreSQL says', async () => {
      await write(program('tdb.execute("select relname from pg_class")'));
      expect(await page.locator('#results .error').first().innerText()).toMatch(/RawSqlNotScopedError/);
      await write(program('tdb.execute("select 1 / 0")'));
      expect(await page.locator('#results .error').first().innerText()).toMatch(/division by zero/);
    });

    it('lets a program ask the other handles, and shows values that are no rows, and as many as fit', async () => {
      await write(program("db.acrossTenants({ reason: 'a look' }).$count(tasks)"));
      expect(await page.locator('#results article').allInnerTexts()).toEqual(['Acme\n18', 'Birch\n18', 'Cedar\n18']);
      await write(program('db.forTenants([]).select().from(projects)'));
      expect(await words()).toMatch(/^Line 4\s*Give at least one id/);
      await write(program('tdb.$count(tasks).then((n) => [null, n, "a"])'));
      expect(await page.locator('#results td').first().innerText()).toBe('–');
      await write(program('tdb.execute("select g, g as h from generate_series(1, 300) g")'));
      expect(await page.locator('#results tbody').first().locator('tr').count()).toBe(200);
      expect(await page.locator('#results article').first().innerText()).toContain('And 100 more.');
    });

    it('marks what was added where it is alike to what was written', async () => {
      const id = "account.parse('aaaaaaaa-0000-4000-8000-000000000001')";
      const imports = "import { eq } from 'drizzle-orm';\nimport { account } from './schema.js';\n";
      const query = `tdb.select({ id: projects.id }).from(projects).where(eq(projects.accountId, ${id}))`;
      await write(imports + program(query));
      expect(await page.locator('#sent mark').allInnerTexts()).toEqual(['"projects"."account_id" = $2 and (', ')']);
    });

    it('keeps nothing of what was written', async () => {
      await write(program('tdb.delete(projects).returning({ id: projects.id })'));
      expect(await page.locator('#results tbody').first().locator('tr').count()).toBe(3);
      await write(program('tdb.$count(projects)'));
      expect(await page.locator('#results article').first().innerText()).toMatch(/3$/);
    });

    it('shares what was written in a link, also at the width of a phone, in the light', async () => {
      const text = program('tdb.select({ budget: projects.budget }).from(projects).limit(1)');
      await write(text);
      await page.getByRole('button', { name: 'Copy link' }).click();
      await page.waitForFunction(() => document.URL.includes('#code='));
      const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, colorScheme: 'light' });
      await phone.goto(page.url());
      await expect.poll(() => phone.locator('.cm-content').innerText()).toContain('budget: projects.budget');
      expect(
        await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
      ).toBeLessThanOrEqual(0);
      await phone.close();
    });

    it('says that a link is damaged, and shows a sample', async () => {
      const other = await browser.newPage();
      await other.goto(`${served.url}#code=abc`);
      await expect.poll(() => other.locator('#status').innerText()).toMatch(/^The link is damaged: copy it again/);
      expect(await other.locator('.cm-content').innerText()).toContain('largeProjects');
      await other.close();
    });

    it('can be used by keyboard alone: Tab leaves the editor', async () => {
      await page.locator('.cm-content').focus();
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement.tagName)).toBe('SUMMARY');
      await page.getByRole('button', { name: 'Next sample' }).focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => page.evaluate(() => document.URL)).toContain('#sample=');
    });

    it('asked nobody else, and met no error', () => {
      expect(faults).toEqual([]);
    });
  },
);
