/** The page, in a real browser: by mouse and by keyboard, narrow and wide, in the light and in the dark. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { openApplication } from '../../playground/app/open.js';
import type { Served } from '../../playground/app/server.js';
import { allQueries } from '../../playground/catalogue.js';
import { serverAt } from '../../playground/server.js';
import { hasBrowser, launch } from './browser.js';

// What runs in the page; the types of the browser are not those of this project.
declare const document: any;
declare const window: any;
declare const getComputedStyle: (element: any) => any;

describe.skipIf(!hasBrowser)(hasBrowser ? 'the page' : 'the page: skipped, since there is no /usr/bin/chromium', () => {
  const closing: (() => Promise<unknown>)[] = [];
  let served: Served;
  let browser: Browser;
  const faults: string[] = [];

  beforeAll(async () => {
    const url = inject('databaseUrl');
    [browser, served] = await Promise.all([launch(), openApplication(serverAt(url), url, 0, closing)]);
  });
  afterAll(async () => {
    await browser?.close();
    for (const close of closing.reverse()) await close();
  });

  async function open({ width = 1280, dark = false, path = '/' } = {}): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light' });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on(
      'request',
      (request) =>
        request.url().startsWith(served.url) || request.url().startsWith('data:') || faults.push(request.url()),
    );
    await page.goto(served.url + path);
    await settled(page);
    return page;
  }
  const settled = (page: Page) =>
    page.waitForFunction(
      () =>
        document.querySelector('#results article, #status:not(:empty)') &&
        document.querySelectorAll('.projects .project').length > 0 &&
        !document.querySelector('[aria-busy=true]'),
    );
  const choose = async (page: Page, label: string, option: string) => {
    await page.getByLabel(label, { exact: true }).selectOption(option);
    await settled(page);
  };

  it('shows a tenant beside another, each with its own rows', async () => {
    const page = await open();
    const texts = async () => [
      await page.locator('#left-projects').innerText(),
      await page.locator('#right-projects').innerText(),
    ];
    const [acme, birch] = await texts();
    expect(acme).toMatch(/Website\s+12,000/);
    expect(birch).toMatch(/Website\s+5,000/);
    await choose(page, 'Tenant', 'Cedar');
    const [cedar, same] = await texts();
    expect(cedar).toMatch(/Website\s+700/);
    expect(same).toBe(birch);
    expect(page.url()).toContain('tenant=Cedar');
    await page.close();
  });

  it('shows what a query becomes, with the added predicates marked, its result and its plan', async () => {
    const page = await open();
    expect(await page.locator('#code').innerText()).toBe(allQueries[0]!.code);
    const marks = await page.locator('#sent pre mark').allInnerTexts();
    expect(marks.join(' ')).toMatch(/"projects"."account_id" = \$\d and \(/);
    expect(await page.locator('#written mark').count()).toBe(0);
    expect(await page.locator('#sent .legend').innerText()).toContain("$2 = Acme's id");
    expect(await page.locator('#results table').allInnerTexts()).toEqual([
      expect.stringContaining('12000'),
      expect.stringContaining('20000'),
    ]);
    expect(await page.locator('#plan').innerText()).toMatch(/on projects/);
    await page.close();
  });

  it('shows every query, also those that write, and nothing that they write stays', async () => {
    const page = await open();
    const before = await page.locator('.beside').first().innerText();
    for (const { name, title } of allQueries) {
      await choose(page, 'Query', name);
      expect(await page.locator('#status').innerText(), title).toBe('');
      expect(await page.locator('#sent pre').count(), title).toBe(await page.locator('#written pre').count());
      expect(await page.locator('#sent mark').count(), title).toBeGreaterThan(0);
      expect(await page.locator('#plan li').count(), title).toBeGreaterThan(0);
    }
    await page.reload();
    await settled(page);
    expect(await page.locator('.beside').first().innerText()).toBe(before);
    expect(await page.getByLabel('Query', { exact: true }).inputValue()).toBe(allQueries.at(-1)!.name);
    await page.close();
  });

  it('exports Acme, erases it and imports it as Dora; again and again, and the others stay', async () => {
    const page = await open();
    const before = await page.locator('.beside').first().innerText();
    for (let i = 0; i < 2; i++) {
      await page.getByRole('button', { name: 'Export Acme' }).click();
      await page.waitForFunction(
        () =>
          document.querySelectorAll('#steps > li').length === 3 &&
          document.querySelector('#steps').ariaBusy === 'false',
      );
      const steps = await page.locator('#steps > li').allInnerTexts();
      expect(steps[1]).toContain('None has a row of Acme.');
      const rows = steps.map((it) => it.match(/^users\s.*$/m)![0].split(/\s+/));
      expect(rows).toEqual([
        ['users', '3', '3', '3', '0'],
        ['users', '0', '3', '3', '0'],
        ['users', '0', '3', '3', '3'],
      ]);
    }
    expect(await page.locator('.beside').first().innerText()).toBe(before);
    const overflow = await page.evaluate(
      () => (document.documentElement.scrollWidth - document.documentElement.clientWidth) as number,
    );
    expect(overflow).toBeLessThanOrEqual(0);
    await page.close();
  });

  it('can be used by keyboard alone, and shows where the focus is', async () => {
    const page = await open();
    const order: string[] = [];
    for (let i = 0; i < 9; i++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const it = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(it);
        const label = (it.labels?.[0]?.textContent ?? it.getAttribute('aria-label') ?? it.textContent) as string;
        return { label, isVisible: outlineStyle !== 'none' && outlineWidth !== '0px' };
      });
      order.push(at.label);
      expect(at).toEqual({ label: at.label, isVisible: true });
    }
    expect(order).toEqual([
      'Skip to the query',
      'REST API',
      'OpenAPI',
      'Tenant',
      'Beside it',
      'Query',
      'Previous query',
      'Next query',
      'The code',
    ]);
    await page.getByRole('button', { name: 'Next query' }).focus();
    await page.keyboard.press('Enter');
    await settled(page);
    expect(await page.locator('#code').innerText()).toBe(allQueries[1]!.code);
    await page.getByLabel('Tenant', { exact: true }).focus();
    await page.keyboard.press('ArrowDown');
    await settled(page);
    expect(await page.locator('#results h4').allInnerTexts()).toEqual(['Birch']);
    await page.close();
  });

  it.each([390, 1280])('fits into %i pixels, in the light and in the dark, and does not jump', async (width) => {
    for (const dark of [false, true]) {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light' });
      await page.addInitScript(() => {
        window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as any[]) if (!entry.hadRecentInput) window.shift += entry.value;
        }).observe({ type: 'layout-shift' as 'mark', buffered: true });
      });
      await page.goto(served.url);
      await settled(page);
      const { overflow, shift, ratio, unnamed } = await page.evaluate(() => {
        const luminance = (color: string) => {
          const [r, g, b] = color.match(/[\d.]+/g)!.map((it) => (Number(it) / 255) ** 2.2);
          return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
        };
        const contrast = (selector: string) => {
          const style = getComputedStyle(document.querySelector(selector));
          const [x, y] = [luminance(style.color), luminance(getComputedStyle(document.body).backgroundColor)].sort(
            (a, b) => b - a,
          );
          return (x! + 0.05) / (y! + 0.05);
        };
        return {
          overflow: (document.documentElement.scrollWidth - document.documentElement.clientWidth) as number,
          shift: window.shift as number,
          ratio: Math.min(...['body', 'small', 'label', 'a', '.legend', '.detail'].map(contrast)),
          unnamed: [...document.querySelectorAll('select, button')].filter(
            (it) => !it.labels?.length && !it.ariaLabel && !it.textContent.trim(),
          ).length,
        };
      });
      expect(overflow).toBeLessThanOrEqual(0);
      expect(unnamed).toBe(0);
      expect(shift).toBeLessThan(0.05);
      expect(ratio).toBeGreaterThan(4.5);
      await page.close();
    }
  });

  it('says so when the server is gone, and goes on when it is back', async () => {
    const page = await browser.newPage();
    await page.goto(served.url);
    await settled(page);
    await page.route('**/playground/run/**', (route) =>
      route.fulfill({ status: 503, json: { title: 'The database does not answer now: try again' } }),
    );
    await page.getByRole('button', { name: 'Next query' }).click();
    await expect.poll(() => page.getByRole('status').innerText()).toBe('The database does not answer now: try again.');
    await page.unroute('**/playground/run/**');
    await page.getByRole('button', { name: 'Next query' }).click();
    await settled(page);
    expect(await page.getByRole('status').innerText()).toBe('');
    expect(await page.locator('#code').innerText()).toBe(allQueries[2]!.code);
    await page.close();
  });

  it('shows the API without the internet', async () => {
    const page = await browser.newPage();
    page.on(
      'request',
      (request) =>
        /^(data|blob):/.test(request.url()) || request.url().startsWith(served.url) || faults.push(request.url()),
    );
    await page.goto(`${served.url}/docs`);
    await page.getByText('/api/projects').first().waitFor();
    await page.close();
  });

  it('asked nobody else, and met no error', () => {
    expect(faults).toEqual([]);
  });
});
