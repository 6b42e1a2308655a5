/** Exports that are not whole, not true, or not of this tenant or schema: refused, and nothing is written. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bytesOf } from './support.js';
import { firm, hard, textOf, type Hard } from './hard.js';

const one = firm.parse(1) as any;
let here: Hard;
let there: Hard;
let lines: string[];
let folder: string;
beforeAll(async () => {
  [here, there] = [await hard([1, 2]), await hard([2])];
  lines = (await bytesOf(here.db.tenantData(one).export({ gzip: false }))).toString().trimEnd().split('\n');
  folder = await mkdtemp(join(tmpdir(), 'data-test-'));
});
afterAll(async () => {
  await Promise.all([here?.close(), there?.close()]);
  await rm(folder, { recursive: true, force: true });
});

const stream = (all: readonly string[]) => [Buffer.from(`${all.join('\n')}\n`)];
const refused = async (source: any, tag: string, message?: string) => {
  const before = await textOf(there);
  await expect(there.db.tenantData(one).import(source)).rejects.toMatchObject({
    _tag: tag,
    ...(message && { message: expect.stringContaining(message) }),
  });
  expect(await textOf(there)).toEqual(before);
  // Not even a number of a sequence is used up.
  expect(await there.run(`select last_value::int as n from desks_id_seq`)).toMatchObject([{ n: 1 }]);
};

describe('a stream', () => {
  test('cut off at any line, and in the middle of one', async () => {
    for (const at of [0, 1, 2, 5, lines.length - 1])
      await refused(stream(lines.slice(0, at)), at === 0 ? 'DamagedExportError' : 'DamagedExportError');
    await refused([Buffer.from(lines.join('\n').slice(0, -20))], 'DamagedExportError');
    // As a stream with an encoding gives it.
    await refused([lines.join('\n').slice(0, -20)], 'DamagedExportError');
    await refused(['hello'], 'DamagedExportError', 'a line is no JSON');
  });

  test('cut off while compressed, and changed in one byte', async () => {
    const packed = gzipSync(lines.join('\n') + '\n');
    await refused([packed.subarray(0, packed.length - 30)], 'DamagedExportError', 'cut off');
    const changed = Buffer.from(packed);
    changed[packed.length - 60]! ^= 0xff;
    await refused([changed], 'DamagedExportError');
  });

  test('a line without an end, of which a few kilobytes make many megabytes', { timeout: 15_000 }, async () => {
    await refused([gzipSync(Buffer.alloc(30e6, 'x'))], 'DamagedExportError', 'no JSON');
    const endless = (function* () {
      for (;;) yield Buffer.alloc(32e6, 'x');
    })();
    await refused(endless, 'DamagedExportError', 'longer than any row');
  });

  test('a row more, less or changed: not what the digest tells', async () => {
    const at = lines.findIndex((it) => it.startsWith('["1","same"'));
    await refused(stream(lines.toSpliced(at, 1)), 'DamagedExportError', '"public.events"');
    await refused(stream(lines.toSpliced(at, 0, lines[at]!)), 'DamagedExportError', '"public.events"');
    await refused(
      stream(lines.toSpliced(at, 1, lines[at]!.replace('same', 'sama'))),
      'DamagedExportError',
      '"public.events"',
    );
  });

  test('a row of another tenant, even where the digest is true to it', async () => {
    const at = lines.findIndex((it) => it.startsWith('["1","same"'));
    await refused(
      stream(lines.toSpliced(at, 1, lines[at]!.replace('"1"', '"2"'))),
      'TenantMismatchError',
      'another tenant',
    );
    const of2 = (await bytesOf(here.db.tenantData(firm.parse(2) as any).export({ gzip: false }))).toString();
    await refused([Buffer.from(of2)], 'TenantMismatchError', 'of another tenant');
  });

  test('a NUL, a number in place of text, a cell too few, a second table of a name, more behind the end', async () => {
    const at = lines.findIndex((it) => it.startsWith('["1","same"'));
    await refused(stream(lines.toSpliced(at, 1, '["1","a\\u0000b","1",null]')), 'DamagedExportError');
    await refused(stream(lines.toSpliced(at, 1, '["1","same",1,null]')), 'DamagedExportError');
    await refused(stream(lines.toSpliced(at, 1, '["1","same"]')), 'DamagedExportError');
    await refused(stream(lines.toSpliced(at, 0, '{"table":"public.events"}')), 'DamagedExportError', 'twice');
    await refused(stream([...lines, '["1"]']), 'DamagedExportError', 'behind its end');
    await refused(stream(['{"hello":1}', ...lines.slice(1)]), 'DamagedExportError');
    await refused([Buffer.from('no JSON at all\n')], 'DamagedExportError');
    const table = lines.findIndex((it) => it === '{"table":"public.rings"}');
    const next = lines.findIndex((it, i) => i > table && !it.startsWith('['));
    const [head, end] = [JSON.parse(lines[0]!), JSON.parse(lines.at(-1)!)];
    const told = end.digests.filter((it: any) => it.name !== 'public.rings');
    const without = lines.toSpliced(table, next - table).toSpliced(-1, 1, JSON.stringify({ digests: told }));
    await refused(stream(without), 'DamagedExportError', '"public.rings"');
    await refused(stream(lines.toSpliced(-1, 1, '{"digests":[null]}')), 'DamagedExportError', 'end is not whole');
    for (const change of [
      { key: [null] },
      { columns: [{ name: 1, type: 'text' }] },
      { columns: [null] },
      { tenant: 'id' },
    ]) {
      const tables = head.tables.map((it: any, i: number) => (i === 0 ? { ...it, ...change } : it));
      await refused(stream(lines.toSpliced(0, 1, JSON.stringify({ ...head, tables }))), 'DamagedExportError', 'head');
    }
    await refused([Buffer.from([0x7b, 0xff, 0xfe, 0x0a])], 'DamagedExportError', 'UTF-8');
  });
});

test('a folder whose manifest does not match, lacks a file, or has other columns', async () => {
  const path = join(folder, 'csv');
  await here.db.tenantData(one).exportTo(path, { gzip: false });
  const file = join(path, 'public.events.csv');
  const [text, manifest] = [await readFile(file, 'utf8'), await readFile(join(path, 'manifest.json'), 'utf8')];
  await writeFile(file, text.replace('same', 'sama'));
  await refused(path, 'DamagedExportError', '"public.events"');
  await writeFile(file, text.replace('what', 'that'));
  await refused(path, 'DamagedExportError', 'columns');
  await writeFile(file, `${text}"1`);
  await refused(path, 'DamagedExportError', 'middle of a cell');
  await rm(file);
  await refused(path, 'DamagedExportError', 'is not there');
  await writeFile(file, text);
  await writeFile(join(path, 'manifest.json'), manifest.replace(/"rows": 4/, '"rows": 5'));
  await refused(path, 'DamagedExportError');
  await expect(here.db.tenantData(one).exportTo(path)).rejects.toMatchObject({
    _tag: 'UnsupportedTenantOperationError',
  });
});

test('a file that says of any table that its rows are shared, or by which key', async () => {
  await there.run('create table staff (id integer primary key, name text)');
  const evil = (name: string, columns: object[], key: string[], row: string) => {
    const [head, end] = [JSON.parse(lines[0]!), JSON.parse(lines.at(-1)!)];
    head.tables = [
      { name, kind: 'reference', columns, key, tenant: [] },
      ...head.tables.filter((it: any) => it.name !== name),
    ];
    const sha256 = createHash('sha256').update(`${row}\n`).digest('hex');
    end.digests = [{ name, rows: 1, sha256 }, ...end.digests.filter((it: any) => it.name !== name)];
    const [from, to] = [
      lines.indexOf(`{"table":"${name}"}`),
      lines.findIndex((it, i) => i > lines.indexOf(`{"table":"${name}"}`) && it.startsWith('{')),
    ];
    const rest = from < 0 ? lines.slice(1, -1) : lines.slice(1, -1).toSpliced(from - 1, to - from);
    return stream([JSON.stringify(head), JSON.stringify({ table: name }), row, ...rest, JSON.stringify(end)]);
  };
  await refused(
    evil(
      'public.staff',
      [
        { name: 'id', type: 'integer' },
        { name: 'name', type: 'text' },
      ],
      ['id'],
      '["1","me"]',
    ),
    'SchemaDifferenceError',
    'public.staff',
  );
  expect(await there.run('select from staff')).toHaveLength(0);
  const lands = ['code:text', 'continentId:integer', 'name:text'].map((it) => ({
    name: it.split(':')[0]!,
    type: it.split(':')[1]!,
  }));
  await refused(evil('public.lands', lands, ['name'], '["JP","2","mine"]'), 'SchemaDifferenceError', 'public.lands');
  await there.run('drop table staff');
});

test('a link in the place of a file is not followed', async () => {
  for (const file of ['public.firms.ndjson', 'manifest.json']) {
    const path = join(folder, `linked-${file}`);
    await here.db.tenantData(one).exportTo(path, { format: 'ndjson', gzip: false });
    await rename(join(path, file), join(folder, `elsewhere-${file}`));
    await symlink(join(folder, `elsewhere-${file}`), join(path, file));
    await refused(path, 'DamagedExportError', `Put the file itself in the place of ${join(path, file)}`);
  }
});

test('a manifest whose format leads out of its folder', async () => {
  const path = join(folder, 'away');
  await here.db.tenantData(one).exportTo(path, { format: 'ndjson', gzip: false });
  const manifest = JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'));
  await writeFile(join(folder, 'secret'), 'password=hunter2');
  await writeFile(join(path, 'manifest.json'), JSON.stringify({ ...manifest, format: '/../../secret' }));
  await refused(path, 'DamagedExportError', 'its manifest is not whole');
});

test('differences of the schemas are named, all at once', async () => {
  const other = await hard();
  await other.run(
    'alter table events add column more text not null, alter column at type bigint; alter table desks ' +
      'drop column label; drop table rings',
  );
  const exported = gunzipSync(await bytesOf(here.db.tenantData(one).export()));
  await expect(other.db.tenantData(one).import([exported])).rejects.toMatchObject({
    _tag: 'SchemaDifferenceError',
    differences: ['the database has no table "rings"'],
  });
  await other.run(
    'create table rings ("firmId" bigint not null, id integer not null, "nextId" integer not null, ' +
      'primary key ("firmId", id))',
  );
  const error: any = await other.db
    .tenantData(one)
    .import([exported])
    .catch((it) => it);
  expect([...error.differences].sort()).toEqual([
    '"public.desks" has no column "label" here',
    '"public.events" has a column "more" here that the export lacks',
    '"public.events"."at" is integer in the export, and bigint here',
  ]);
  await other.run(`alter table desks add column label text`);
  await expect(other.db.tenantData(one).import([exported], { schema: 'compatible' })).rejects.toMatchObject({
    differences: ['"public.events"."more", which the export lacks, must not be empty'],
  });
  await other.run(`alter table events alter column more set default 'x'`);
  await other.db.tenantData(one).import([exported], { schema: 'compatible' });
  expect(await other.run(`select count(*)::int as n from events where more = 'x'`)).toMatchObject([{ n: 4 }]);
  await other.close();
});

test('an id without rows', async () => {
  const nobody = here.db.tenantData(firm.parse(404) as any);
  await expect(bytesOf(nobody.export())).rejects.toMatchObject({ _tag: 'TenantNotFoundError' });
  await expect(nobody.erase({ reason: 'test' })).rejects.toMatchObject({ _tag: 'TenantNotFoundError' });
  // An id that was mistyped is equal to nothing.
  await expect(nobody.compare(here.db)).rejects.toMatchObject({ _tag: 'TenantNotFoundError' });
  expect(await nobody.compare(here.db, { allowEmpty: true })).toMatchObject({ isEqual: true });
  await expect(nobody.cloneTo(firm.parse(405) as any)).rejects.toMatchObject({ _tag: 'TenantNotFoundError' });
  expect((await nobody.erase({ reason: 'test', allowEmpty: true })).tables).toEqual([]);
  expect(() => here.db.tenantData('x' as any)).toThrow(expect.objectContaining({ _tag: 'InvalidTenantIdError' }));
});

test('masks of what is not there, or says whose the row is', async () => {
  const masked = (masks: any) => bytesOf(here.db.tenantData(one).export({ masks }));
  await expect(masked({ nothing: { a: 'x' } })).rejects.toMatchObject({
    message: expect.stringContaining('"nothing"'),
  });
  await expect(masked({ people: { nothing: 'x' } })).rejects.toMatchObject({
    message: expect.stringContaining('"nothing"'),
  });
  await expect(masked({ people: { firmId: '2' } })).rejects.toMatchObject({
    message: expect.stringContaining('whose the row is'),
  });
  await expect(masked({ kinds: { upper: 'x' } })).rejects.toMatchObject({
    message: expect.stringContaining('"upper"'),
  });
});

test('rows of others that would go with the rows that are replaced', async () => {
  const exported = [await bytesOf(there.db.tenantData(firm.parse(2) as any).export())];
  for (const action of ['cascade', 'set null']) {
    await there.run(
      'create table accounts (id integer primary key, home bigint references firms(id) ' +
        `on delete ${action}); insert into accounts values (1, 2)`,
    );
    const replaced = there.db.tenantData(firm.parse(2) as any).import(exported, { into: 'replace' });
    await expect(replaced).rejects.toMatchObject({
      _tag: 'TenantDataError',
      message: expect.stringContaining('"public.accounts"'),
    });
    expect(await there.run('select id, home from accounts')).toMatchObject([{ id: 1, home: '2' }]);
    await there.run('update accounts set home = null');
    await there.db.tenantData(firm.parse(2) as any).import(exported, { into: 'replace' });
    await there.run('drop table accounts');
  }
});
