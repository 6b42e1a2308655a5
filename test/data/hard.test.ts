/** Types, keys, triggers and sequences that are easily lost on the way. */
import { afterEach, describe, expect, test } from 'vitest';
import { bytesOf } from './support.js';
import { firm, hard, textOf, type Hard } from './hard.js';

const opened: Hard[] = [];
const open = async (...args: Parameters<typeof hard>) => {
  const it = await hard(...args);
  opened.push(it);
  return it;
};
afterEach(async () => void (await Promise.all(opened.splice(0).map((it) => it.close()))));
const [one, two, three] = [1, 2, 3].map((it) => firm.parse(it)) as [any, any, any];

test('every value, key and circle is back after export, erase and import; other tenants are as before', async () => {
  const here = await open([1, 2]);
  const before = await textOf(here);
  expect(before['1']!.length).toBe(29);
  const exported = await bytesOf(here.db.tenantData(one).export());
  const record = await here.db.tenantData(one).erase({ reason: 'test', batch: 2 });
  expect(record.tables.reduce((sum, it) => sum + it.rows, 0)).toBe(29);
  expect(await textOf(here)).toEqual({ '2': before['2'] });
  await here.db.tenantData(one).import([exported]);
  expect(await textOf(here)).toEqual(before);
});

test('into an empty database: shared rows come along by key, up to the top, and sequences go beyond', async () => {
  const [here, there] = [await open([1, 2]), await open()];
  const imported = await there.db.tenantData(one).import(here.db.tenantData(one).export(), { as: three });
  expect(imported.shared).toEqual([
    { table: 'public.continents', rows: 2 },
    { table: 'public.lands', rows: 1 },
  ]);
  expect(await there.run('select id from continents order by id')).toMatchObject([{ id: 1 }, { id: 2 }]);
  // A column made by ref() that names the tenant itself goes along; one that names another does not.
  expect(await there.run('select about::int as about from events where about is not null order by 1')).toMatchObject([
    { about: 3 },
    { about: 77 },
  ]);
  expect(await there.run('select code from lands')).toMatchObject([{ code: 'JP' }]);
  const ids = await there.run(`insert into people ("firmId", name) values (3, 'new') returning id`);
  expect(ids).toMatchObject([{ id: 701 }]);
  expect(await there.run(`insert into desks ("firmId", label) values (3, 'new') returning id`)).toMatchObject([
    { id: 901 },
  ]);
  await there.run(`delete from people where id = 701; delete from desks where id = 901`);
  expect((await here.db.tenantData(one).compare(there.db, { as: three })).isEqual).toBe(true);
});

test('a sequence that is further on stays where it is', async () => {
  const [here, there] = [await open([1]), await open([2])];
  await there.run(`select setval('desks_id_seq', 5000)`);
  await there.db.tenantData(one).import(here.db.tenantData(one).export());
  expect(await there.run(`select nextval('desks_id_seq')::int as n`)).toMatchObject([{ n: 5001 }]);
});

test('a sequence that all tenants draw from is not used up by the rows of one', async () => {
  const [here, there] = [await open([1]), await open([2])];
  await here.run(`insert into desks ("firmId", id, label) values (1, 2147483640, 'far')`);
  const drawn = () =>
    there.run(
      'select last_value::text, is_called from desks_id_seq union all select last_value::text, is_called ' +
        'from people_id_seq',
    );
  const before = await drawn();
  await expect(there.db.tenantData(one).import(here.db.tenantData(one).export())).rejects.toMatchObject({
    _tag: 'TenantDataError',
    message: expect.stringContaining('"public.desks_id_seq"'),
  });
  expect(await drawn()).toEqual(before);
  expect(Object.keys(await textOf(there))).toEqual(['2']);
  await there.run(`select setval('desks_id_seq', 2147483640)`);
  await there.db.tenantData(one).import(here.db.tenantData(one).export());
  expect(Object.keys(await textOf(there))).toEqual(['1', '2']);
});

test('shared rows that say something else are named, and nothing is written', async () => {
  const [here, there] = [
    await open([1]),
    await open([], `insert into continents values (1, 'World', null), (2, 'Europe', 1)`),
  ];
  await expect(there.db.tenantData(one).import(here.db.tenantData(one).export())).rejects.toMatchObject({
    _tag: 'TenantDataError',
    message: expect.stringContaining('"public.continents"'),
  });
  expect(await textOf(there)).toEqual({});
  expect(await there.run('select * from lands')).toEqual([]);
  await there.db.tenantData(one).import(here.db.tenantData(one).export(), { shared: 'keep' });
  expect(await there.run('select name from continents where id = 2')).toMatchObject([{ name: 'Europe' }]);
});

describe('compare', () => {
  test('names what differs, with the keys', async () => {
    const [here, there] = [await open([1]), await open([1])];
    expect(await here.db.tenantData(one).compare(there.db)).toMatchObject({ isEqual: true });
    await there.run(
      "update people set name = 'x' where id = 2; delete from parts where id = 100; insert into events " +
        "values (1, 'same', 1); insert into desks values (1, 7, null, 'd')",
    );
    const { isEqual, tables } = await here.db.tenantData(one).compare(there.db);
    expect(isEqual).toBe(false);
    const of = (name: string) => tables.find((it) => it.table === `public.${name}`)!;
    expect(of('people')).toMatchObject({
      changed: 1,
      onlyHere: 0,
      onlyThere: 0,
      examples: [{ key: ['2'], is: 'changed', columns: ['name'] }],
    });
    expect(of('parts')).toMatchObject({ onlyHere: 1, changed: 0, examples: [{ key: ['100'], is: 'only here' }] });
    expect(of('events')).toMatchObject({ onlyThere: 1, changed: 0 });
    expect(of('desks')).toMatchObject({ onlyThere: 1, rows: 3, otherRows: 4 });
  });

  test('restoreFrom makes one tenant what it was, and leaves the others', async () => {
    const [here, yesterday] = [await open([1, 2]), await open([1, 2])];
    const before = await textOf(here);
    expect(await here.db.tenantData(one).restoreFrom(yesterday.db)).toMatchObject({ imported: undefined });
    await here.run(`update people set name = 'lost'; delete from rings where "firmId" = 1; update parts set size = 0`);
    const now = await textOf(here);
    const { imported, comparison } = await here.db.tenantData(one).restoreFrom(yesterday.db);
    expect(comparison.isEqual).toBe(false);
    expect(imported!.deleted).toBe(26);
    expect(await textOf(here)).toEqual({ '1': before['1'], '2': now['2'] });
  });
});

describe('into a tenant that exists', () => {
  test('new refuses, merge changes and adds, replace leaves what the export says', async () => {
    const [here, there] = [await open([1]), await open([1, 2])];
    await here.run(
      'drop table events; create table events ("firmId" bigint not null, what text, at integer, about bigint)',
    );
    await there.run(
      "update people set name = 'x' where id = 2; delete from parts where id = 100; insert into desks " +
        "values (1, 7, null, 'd')",
    );
    const exported = await bytesOf(here.db.tenantData(one).export());
    const data = there.db.tenantData(one);
    const before = await textOf(there);
    await expect(data.import([exported])).rejects.toMatchObject({ _tag: 'TenantExistsError' });
    await expect(data.import([exported], { into: 'merge' })).rejects.toMatchObject({
      _tag: 'UnsupportedTenantOperationError',
      message: expect.stringContaining('"public.events" a primary key'),
    });
    expect(await textOf(there)).toEqual(before);
    for (const it of [here, there])
      await it.run(
        'delete from events; alter table events add column id integer generated by default as identity; ' +
          'alter table events add primary key ("firmId", id)',
      );
    await data.import(here.db.tenantData(one).export(), { into: 'merge' });
    expect(
      (await here.db.tenantData(one).compare(there.db)).tables.filter(
        (it) => it.onlyHere + it.onlyThere + it.changed > 0,
      ),
    ).toMatchObject([{ table: 'public.desks', onlyThere: 1, changed: 0 }]);
    await data.import(here.db.tenantData(one).export(), { into: 'replace' });
    expect(await here.db.tenantData(one).compare(there.db)).toMatchObject({ isEqual: true });
    expect((await textOf(there))['2']).toEqual(before['2']!.filter((it) => !it.startsWith('events')));
  });
});

describe('triggers', () => {
  const meddling = `create function meddle() returns trigger language plpgsql as $$ begin new.label := 'changed';
    return new; end $$;
    create trigger meddle before insert on desks for each row execute function meddle()`;
  const counting = `create table log (n integer); create function log_it() returns trigger language plpgsql as $$
    begin insert into log values (1); return null; end $$;
    create trigger log_it after insert on desks for each row execute function log_it()`;

  test('one that changes rows is named and undoes the import, unless it is accepted or left out', async () => {
    const [here, there] = [await open([1]), await open([], meddling)];
    const exported = await bytesOf(here.db.tenantData(one).export());
    const data = there.db.tenantData(one);
    await expect(data.import([exported])).rejects.toMatchObject({
      _tag: 'TenantDataError',
      message: expect.stringContaining('"meddle" on "public.desks"'),
    });
    expect(await textOf(there)).toEqual({});
    await data.import([exported], { triggers: 'run' });
    expect(await there.run('select distinct label from desks')).toMatchObject([{ label: 'changed' }]);
    await data.import([exported], { triggers: 'skip', into: 'replace' });
    expect(await textOf(there)).toEqual(await textOf(here));
  });

  test('one that only does something else runs', async () => {
    const [here, there] = [await open([1]), await open([], counting)];
    await there.db.tenantData(one).import(here.db.tenantData(one).export());
    expect(await textOf(there)).toEqual(await textOf(here));
    expect(await there.run('select count(*)::int as n from log')).toMatchObject([{ n: 3 }]);
  });

  test('without triggers, keys that point at nothing are found', async () => {
    const [here, there] = [await open([1]), await open()];
    await here.run(
      `set session_replication_role = replica; delete from people where id = 3; set session_replication_role = origin`,
    );
    const exported = await bytesOf(here.db.tenantData(one).export());
    await expect(there.db.tenantData(one).import([exported], { triggers: 'skip' })).rejects.toMatchObject({
      _tag: 'DamagedExportError',
    });
    await expect(there.db.tenantData(one).import([exported])).rejects.toMatchObject({ code: '23503' });
    expect(await textOf(there)).toEqual({});
  });
});

test('a tenant that is written to while it is exported: one snapshot', async () => {
  const here = await open([1]);
  const stream = here.db.tenantData(one).export({ gzip: false })[Symbol.asyncIterator]();
  const first = await stream.next();
  await here.run(`insert into events values (1, 'late', 1); delete from parts; update people set name = 'late'`);
  let text = Buffer.from(first.value!).toString();
  for (let next = await stream.next(); !next.done; next = await stream.next())
    text += Buffer.from(next.value).toString();
  expect(text).not.toContain('late');
  expect(text.split('\n').filter((it) => it.startsWith('["1","1'))).not.toEqual([]);
  expect(JSON.parse(text.trim().split('\n').at(-1)!).digests.find((it: any) => it.name === 'public.parts').rows).toBe(
    11,
  );
});

test('a key that is unique over all tenants: a clone is refused, says what to do, and is made with masks', async () => {
  const here = await open([1], 'create unique index head_line on firms (name)');
  const before = await textOf(here);
  await expect(here.db.tenantData(one).cloneTo(three)).rejects.toMatchObject({
    _tag: 'TenantDataError',
    message: expect.stringMatching(/masks.*"head_line" of "firms"/),
  });
  expect(await textOf(here)).toEqual(before);
  await here.db.tenantData(one).cloneTo(three, { masks: { firms: { name: (it) => `${it} (copy)` } } });
  expect((await here.db.tenantData(one).compare(here.db, { as: three, except: { firms: ['name'] } })).isEqual).toBe(
    true,
  );
});

test('a row written while its tenant is replaced undoes the import, or comes after it; it is not lost', async () => {
  const here = await open([1, 2]);
  const before = await textOf(here);
  const exported = await bytesOf(here.db.tenantData(one).export());
  let late: Promise<unknown> | undefined;
  const onProgress = () => void (late ??= here.run(`insert into events values (1, 'late', 1)`));
  const error = await here.db
    .tenantData(one)
    .import([exported], { into: 'replace', onProgress })
    .then(
      () => undefined,
      (it) => it,
    );
  if (error)
    expect(error).toMatchObject({
      _tag: 'TenantExistsError',
      message: expect.stringContaining('"public.events" has 5 rows, and the export 4'),
    });
  await late;
  await here.run(`delete from events where what = 'late'`).then((gone: any) => expect(gone.count).toBe(1));
  expect(await textOf(here)).toEqual(before);
});

test('two tenants of one database, compared', async () => {
  const here = await open([1, 2]);
  const { isEqual, tables } = await here.db.tenantData(one).compare(here.db, { as: two });
  expect(isEqual).toBe(false);
  expect(tables.filter((it) => it.changed + it.onlyHere + it.onlyThere > 0).map((it) => it.table)).toEqual(
    expect.arrayContaining(['public.firms', 'public.events', 'public.parts']),
  );
});
