/** An export to files that is cut off at each of its steps, or killed, goes on, and loses and doubles no row. */
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { firm, hard, textOf, type Hard } from './hard.js';

const [one, two] = [1, 2].map((it) => firm.parse(it)) as [any, any];
let here: Hard;
let there: Hard;
let folder: string;
beforeAll(async () => {
  [here, there] = [await hard([1, 2]), await hard()];
  folder = await mkdtemp(join(tmpdir(), 'data-test-'));
});
afterEach(() => here.run(`delete from parts where id > 500; delete from events where what = 'new'`));
afterAll(async () => {
  await Promise.all([here?.close(), there?.close()]);
  await rm(folder, { recursive: true, force: true });
});

const data = () => here.db.tenantData(one);
const arrives = async (path: string) => {
  await there.db.tenantData(one).import(path);
  expect(await textOf(there)).toEqual({ '1': (await textOf(here))['1'] });
  await there.db.tenantData(one).erase({ reason: 'test', shared: ['lands'] });
};

test.each(['csv', 'ndjson', 'file'] as const)(
  '%s: stopped at each step, what is written stays, and the next run goes on',
  async (format) => {
    const to = join(folder, `each.${format}`);
    const { digests } = await data().exportTo(join(folder, `whole.${format}`), { format });
    const total = digests.reduce((sum, it) => sum + it.rows, 0);
    let kept = 0;
    let manifest: any;
    for (let runs = 0; !manifest; runs++) {
      expect(runs).toBeLessThan(60);
      const stop = new AbortController();
      const keptOf = new Map<string, number>();
      let fresh = 0;
      const onProgress = (it: any) => {
        const before = keptOf.get(it.table) ?? 0;
        if (it.kept) keptOf.set(it.table, it.kept);
        // The first part that is new is written, and the second one is stopped.
        if ((it.kept ?? 0) === before && ++fresh === 2) stop.abort(new Error('stopped'));
      };
      manifest = await data()
        .exportTo(to, { format, partRows: 4, signal: stop.signal, onProgress })
        .catch((error) => void expect(error.message).toBe('stopped'));
      const sum = [...keptOf.values()].reduce((all, it) => all + it, 0);
      expect(sum).toBeGreaterThanOrEqual(kept);
      kept = sum;
      expect(await readdir(folder)).toEqual(
        manifest
          ? expect.not.arrayContaining([`each.${format}.partial`])
          : expect.not.arrayContaining([`each.${format}`]),
      );
    }
    expect(kept).toBeGreaterThan(total / 2);
    // In parts of a few rows of the key, the rows come in another order than in one piece: their number is the same.
    expect(manifest.digests.map((it: any) => [it.name, it.rows])).toEqual(digests.map((it) => [it.name, it.rows]));
    await arrives(to);
  },
);

/** Stops before the last table. */
const begin = async (to: string, format: 'csv' | 'file', more = {}) => {
  const stop = new AbortController();
  const stopped = data().exportTo(to, {
    format,
    partRows: 4,
    signal: stop.signal,
    onProgress: ({ table }) => void (table.includes('people') && stop.abort(new Error('stopped'))),
    ...more,
  });
  await expect(stopped).rejects.toThrow('stopped');
};
const goOn = async (to: string, format: 'csv' | 'file', more = {}) => {
  const kept = new Map<string, number>();
  const read = new Map<string, number>();
  await data().exportTo(to, {
    format,
    partRows: 4,
    onProgress: (it) => {
      kept.set(it.table, it.kept ?? 0);
      read.set(it.table, it.rows - (it.kept ?? 0));
    },
    ...more,
  });
  return { kept: Object.fromEntries(kept), read: Object.fromEntries(read) };
};

test('rows that changed meanwhile are read anew, in one snapshot with the rest', async () => {
  const to = join(folder, 'changed');
  await begin(to, 'csv');
  await here.run(
    'update parts set size = size + 1 where "firmId" = 1 and id = 97; insert into parts select 1, n, 1 ' +
      "from generate_series(501, 509) n; insert into events values (1, 'new', 1)",
  );
  const { kept, read } = await goOn(to, 'csv');
  // 95 to 98 changed, 99 to 102 did not, and the last part had 103 to 105.
  expect([kept['public.parts'], read['public.parts']]).toEqual([4, 16]);
  expect([kept['public.events'], read['public.events']]).toEqual([0, 5]);
  expect([kept['public.firms'], read['public.firms']]).toEqual([1, 0]);
  await arrives(to);
});

test('a process that is killed: its lock, an unfinished part and a torn line are no obstacle', async () => {
  const to = join(folder, 'killed');
  const child = [fileURLToPath(new URL('./killed.ts', import.meta.url)), here.url, to];
  const { signal } = await new Promise<any>((resolve) =>
    execFile(process.execPath, ['--import', 'tsx', ...child], (error) => resolve(error)),
  );
  expect(signal).toBe('SIGKILL');
  expect(await readdir(`${to}.partial`)).toEqual(expect.arrayContaining(['lock', 'journal']));
  await appendFile(join(`${to}.partial`, 'journal'), '{"table":"public.parts","n":');
  const { kept } = await goOn(to, 'file');
  expect(kept['public.firms']).toBe(1);
  await arrives(to);
});

test('nothing is kept of an export with masks: what it wrote is not what the database holds', async () => {
  const to = join(folder, 'masked');
  await begin(to, 'csv', { masks: { firms: { name: 'somebody' } } });
  expect((await goOn(to, 'csv')).kept).toMatchObject({ 'public.firms': 0 });
  await arrives(to);
});

test('nothing is kept of another tenant, format or schema, or with masks; two do not write to one place', async () => {
  const to = join(folder, 'other');
  await begin(to, 'csv');
  const nothing = { 'public.firms': 0 };
  expect((await goOn(to, 'csv', { masks: { people: { name: 'x' } } })).kept).toMatchObject(nothing);
  await rm(to, { recursive: true });
  await begin(to, 'csv');
  expect((await goOn(to, 'file')).kept).toMatchObject(nothing);
  await rm(to, { recursive: true });
  await begin(to, 'csv');
  await here.db.tenantData(two).exportTo(to);
  expect(await readFile(join(to, 'manifest.json'), 'utf8')).toContain('"tenant": "2"');
  await rm(to, { recursive: true });
  await begin(to, 'csv');
  await here.run('alter table parts add column more integer');
  expect((await goOn(to, 'csv')).kept).toMatchObject(nothing);
  await here.run('alter table parts drop column more');

  await symlink(folder, join(folder, 'link'));
  const first = data().exportTo(join(folder, 'twice'));
  // Of two tenants that write to one place, each would have rows of the other.
  for (const alias of ['twice', 'twice/', './twice', 'link/twice'])
    await expect(here.db.tenantData(two).exportTo(`${folder}/${alias}`)).rejects.toMatchObject({
      message: expect.stringMatching(/^Wait until the other export is done/),
    });
  await first;
  await data().exportTo(`${folder}/slash/`);
  expect(await readdir(join(folder, 'slash'))).toContain('manifest.json');
});

test('a part that was changed on the disk is not taken', async () => {
  const to = join(folder, 'touched');
  const stop = new AbortController();
  await data()
    .exportTo(to, {
      gzip: false,
      partRows: 4,
      signal: stop.signal,
      onProgress: ({ table }) => void (table.includes('people') && stop.abort(new Error('stopped'))),
    })
    .catch(() => {});
  for (const name of await readdir(`${to}.partial`)) {
    const path = join(`${to}.partial`, name);
    const text = await readFile(path, 'utf8');
    if (text.includes('Firm 1')) await writeFile(path, text.replace('Firm 1', 'Firm 9'));
  }
  await expect(data().exportTo(to, { gzip: false, partRows: 4 })).rejects.toMatchObject({ _tag: 'DamagedExportError' });
});
