/** Erasing and its proof; and what is interrupted goes on. */
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
const one = firm.parse(1) as any;

test('a table that nobody declared is found, by its column or by its key', async () => {
  const here = await open(
    [1, 2],
    `create table audit (id serial primary key, firm_id bigint, what text); insert into audit (firm_id, what)
      values (1, 'a'), (2, 'b'), (null, 'c');
    create table "by key" (owner bigint references firms(id) on delete set null deferrable)`,
  );
  const before = await textOf(here);
  const error: any = await here.db
    .tenantData(one)
    .erase({ reason: 'test' })
    .catch((it) => it);
  expect(error).toMatchObject({
    _tag: 'TenantNotErasedError',
    message: expect.stringContaining('"public.audit" ("firm_id": 1)'),
  });
  expect(error.record).toMatchObject({ finishedAt: null, reason: 'test' });
  expect(error.record.proof.filter((it: any) => !it.isDeclared).map((it: any) => it.table)).toEqual([
    'public.audit',
    'public.by key',
  ]);
  expect(await textOf(here)).toEqual({ '2': before['2'] });
  const kept = await here.db.tenantData(one).erase({ reason: 'test', keep: ['audit'] });
  expect(kept).toMatchObject({ kept: ['audit'], finishedAt: expect.any(String) });
  await here.run('delete from audit where firm_id = 1');
  const again = await here.db.tenantData(one).erase({ reason: 'test', resume: error.record });
  expect(again.tables).toEqual(error.record.tables);
  expect(again.proof.every((it) => it.rows === 0)).toBe(true);
});

test('rows that go or change by a key of an undeclared table are named; those that stay are not let go', async () => {
  const here = await open(
    [1, 2],
    `create table follows (firm bigint references firms(id) on delete cascade);
    create table leads (firm bigint references firms(id) on delete set null)`,
  );
  await here.run('insert into follows values (1), (1), (2)');
  await here.run('insert into leads values (1), (2)');
  const data = here.db.tenantData(one);
  await expect(data.erase({ reason: 'test', keep: ['follows'] })).rejects.toMatchObject({
    _tag: 'TenantDataError',
    message: expect.stringMatching(
      /^Let go of the foreign key "follows_firm_fkey" of "public\.follows".* ON DELETE CASCADE.* Nothing was deleted\./,
    ),
  });
  const along = [
    { table: 'public.follows', key: 'follows_firm_fkey', onDelete: 'CASCADE', rows: 2 },
    { table: 'public.leads', key: 'leads_firm_fkey', onDelete: 'SET NULL', rows: 1 },
  ];
  const planned = await data.erase({ reason: 'test', dryRun: true });
  expect([...planned.along].sort((a, b) => (a.table < b.table ? -1 : 1))).toEqual(along);
  const record = await data.erase({ reason: 'test' });
  expect([...record.along].sort((a, b) => (a.table < b.table ? -1 : 1))).toEqual(along);
  expect(await here.run('select count(*)::int as n from follows')).toMatchObject([{ n: 1 }]);
  expect(await here.run('select count(firm)::int as n from leads')).toMatchObject([{ n: 1 }]);
});

test('a materialized view of the rows is refreshed', async () => {
  const here = await open([1, 2], `create materialized view names as select "firmId", name from people`);
  await here.run('refresh materialized view names');
  const record = await here.db.tenantData(one).erase({ reason: 'test' });
  expect(record.refreshed).toEqual(['public.names']);
  expect(await here.run(`select distinct "firmId"::int as id from names`)).toMatchObject([{ id: 2 }]);
});

test('shared rows that only it used go, where they were named; what is outside is told before', async () => {
  const here = await open([1, 2]);
  await here.run(`update firms set "landCode" = 'GH' where id = 2`);
  let rows = 0;
  const record = await here.db.tenantData(one).erase({
    reason: 'test',
    shared: ['lands'],
    before: async ({ tenant }) =>
      void (rows = (await here.run(`select from people where "firmId" = ${tenant}`)).length),
  });
  expect(rows).toBe(4);
  expect(record.shared).toEqual([{ table: 'public.lands', rows: 1 }]);
  expect((await here.run('select code from lands order by 1')).map((it) => it.code)).toEqual(['GH', 'XX']);
});

test('a shared row that another tenant begins to use meanwhile stays', async () => {
  const here = await open([1, 2]);
  await here.run(`update firms set "landCode" = 'GH' where id = 1`);
  const other = await here.client.reserve();
  await other.unsafe(`begin; update firms set "landCode" = 'GH' where id = 2`);
  const erased = here.db.tenantData(one).erase({ reason: 'test', shared: ['lands'] });
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  for (let done = false; !done; )
    done =
      (await here.run(waiting)).length > 0 ||
      (await Promise.race([erased, new Promise((it) => setTimeout(it, 5))])) !== undefined;
  await other.unsafe('commit');
  other.release();
  expect((await erased).shared).toEqual([]);
  expect((await here.run('select code from lands order by 1')).map((it) => it.code)).toEqual(['GH', 'JP', 'XX']);
});

test('what is outside: looked at before, removed after the proof; again where it is not known to be done', async () => {
  const here = await open([1, 2]);
  const calls: string[] = [];
  let last: any;
  let isFailing = true;
  const options = {
    reason: 'test',
    onRecord: (it: any) => void (last = JSON.parse(JSON.stringify(it))),
    before: async () => (
      calls.push('before'),
      (await here.run(`select name from people where "firmId" = 1 and name <> '' order by 1`)).map(
        (it) => `${it.name}.jpg`,
      )
    ),
    after: async ({ outside, record }: any) => {
      calls.push(`after ${outside}`);
      expect(record.proof.every((it: any) => it.rows === 0)).toBe(true);
      expect(record.finishedAt).toBe(null);
      if (isFailing) throw new Error('no files now');
    },
  };
  await expect(here.db.tenantData(one).erase(options)).rejects.toThrow('no files now');
  expect(last).toMatchObject({ finishedAt: null, outside: ['ann.jpg', 'ben.jpg'] });
  isFailing = false;
  const record = await here.db.tenantData(one).erase({ ...options, resume: last });
  expect(record).toMatchObject({ finishedAt: expect.any(String), tables: last.tables });
  expect(calls).toEqual(['before', 'after ann.jpg,ben.jpg', 'after ann.jpg,ben.jpg']);
});

test('a foreign key of a table that nobody declared: said which, with the record', async () => {
  const here = await open([1, 2], `create table notes (firm bigint references firms(id), what text)`);
  await here.run(`insert into notes values (1, 'a')`);
  const error: any = await here.db
    .tenantData(one)
    .erase({ reason: 'test' })
    .catch((it) => it);
  expect(error).toMatchObject({ _tag: 'TenantNotErasedError', message: expect.stringContaining('"notes"') });
  expect(error.record.proof.filter((it: any) => it.rows > 0).map((it: any) => it.table)).toEqual(
    expect.arrayContaining(['public.firms', 'public.notes']),
  );
  await here.run('delete from notes');
  expect((await here.db.tenantData(one).erase({ reason: 'test', resume: error.record })).finishedAt).toEqual(
    expect.any(String),
  );
});

test('a dry run deletes nothing', async () => {
  const here = await open([1, 2]);
  const before = await textOf(here);
  const record = await here.db.tenantData(one).erase({ reason: 'test', dryRun: true });
  expect(record.tables.find((it) => it.table === 'public.people')).toEqual({ table: 'public.people', rows: 4 });
  expect(await textOf(here)).toEqual(before);
  await expect(here.db.tenantData(one).erase({ reason: ' ' })).rejects.toMatchObject({
    _tag: 'UnsupportedTenantOperationError',
  });
});

describe('interrupted', () => {
  test('an erasure, after each batch: what is done stays, and the next one goes on', async () => {
    const here = await open([1, 2]);
    const { '2': two } = await textOf(here);
    for (let i = 0; i < 60; i++) {
      const stop = new AbortController();
      let last: any;
      const done = await here.db
        .tenantData(one)
        .erase({
          reason: 'test',
          batch: 2,
          signal: stop.signal,
          allowEmpty: true,
          onRecord: (record) => void (last = record),
          onProgress: () => stop.abort(new Error('stopped')),
        })
        .then(
          () => true,
          (error) => (expect(error.message).toBe('stopped'), false),
        );
      expect((await textOf(here))['2']).toEqual(two);
      if (done) break;
      expect(last).toBeDefined();
    }
    expect(await textOf(here)).toEqual({ '2': two });
  });

  test('a connection that is lost in the middle of an erasure', async () => {
    const here = await open([1, 2]);
    const { '2': two } = await textOf(here);
    let cut = false;
    const kill = async () => {
      if (cut) return;
      cut = true;
      await here.run(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() ' +
          "and pid <> pg_backend_pid() and (query like '%drizzle%' or query in ('commit'))",
      );
    };
    await here.db
      .tenantData(one)
      .erase({ reason: 'test', batch: 1, onRecord: kill })
      .then(
        () => {},
        () => {},
      );
    expect(cut).toBe(true);
    await here.db.tenantData(one).erase({ reason: 'test', allowEmpty: true });
    expect(await textOf(here)).toEqual({ '2': two });
  });

  test('an import, at each table: nothing of it is there, no stage is left, and it can be run again', async () => {
    const [here, there] = [await open([1]), await open([2])];
    const exported = await bytesOf(here.db.tenantData(one).export());
    const before = await textOf(there);
    for (let at = 1; at <= 6; at++) {
      const stop = new AbortController();
      let seen = 0;
      await expect(
        there.db.tenantData(one).import([exported], {
          signal: stop.signal,
          onProgress: () => void (++seen === at && stop.abort(new Error('stopped'))),
        }),
      ).rejects.toThrow('stopped');
      expect(await textOf(there)).toEqual(before);
    }
    await there.db.tenantData(one).import([exported]);
    expect((await here.db.tenantData(one).compare(there.db)).isEqual).toBe(true);
  });

  test('an export that nobody reads to its end gives its connection back', async () => {
    const here = await open([1]);
    const taken = here.db.tenantData(one).export({ gzip: false })[Symbol.asyncIterator]();
    await taken.next();
    await taken.return!();
    const [{ n }] = (await here.run(
      'select count(*)::int as n from pg_stat_activity where datname = current_database() ' +
        "and state like 'idle in transaction%'",
    )) as any;
    expect(n).toBe(0);
  });
});

test('a tenant that is written to while it is erased: what came later goes too', async () => {
  const here = await open([1, 2]);
  let late = false;
  await here.db
    .tenantData(one)
    .erase({
      reason: 'test',
      onProgress: async ({ table }) => {
        if (table !== 'public.firms' || late) return;
        late = true;
        await here.run(`insert into events values (1, 'late', 1)`);
      },
    })
    .catch((error) => expect(error._tag).toBe('TenantNotErasedError'));
  await here.db.tenantData(one).erase({ reason: 'test', allowEmpty: true });
  expect((await textOf(here))['1']).toBeUndefined();
});

test("a key by which another tenant's rows would go along, or change, is refused", async () => {
  const here = await open([1, 2]);
  await here.run(
    'alter table events add constraint told foreign key (about) references firms(id) on delete cascade not valid',
  );
  const data = here.db.tenantData(one);
  const bytes = await bytesOf(data.export());
  await here.run(`insert into events values (2, 'of the first', 1, 1)`);
  const before = await textOf(here);
  const refused = {
    _tag: 'TenantDataError',
    message: expect.stringMatching(/"told" of "public\.events".*another tenant/),
  };
  await expect(data.erase({ reason: 'test' })).rejects.toMatchObject(refused);
  await expect(data.import([bytes], { into: 'replace' })).rejects.toMatchObject(refused);
  expect(await textOf(here)).toEqual(before);
  await here.run('alter table events drop constraint told');
  await data.import([bytes], { into: 'replace' });
  await data.erase({ reason: 'test' });
  expect(await textOf(here)).toEqual({ '2': before['2'] });
});

test('what goes along takes along what points at it, but no rows of another tenant, or that are kept', async () => {
  const here = await open([1, 2]);
  await here.run(`
    create table badges (id integer primary key, firm integer references firms(id) on delete cascade);
    create table stamps (id integer primary key, badge integer references badges on delete cascade);
    insert into badges values (1, 1);
    insert into stamps values (1, 1);
    alter table events add stamp integer constraint stamped references stamps on delete set null`);
  const data = here.db.tenantData(one);
  await here.run(`insert into events values (2, 'of the first', 1, 1, 1)`);
  const before = await textOf(here);
  const refused = {
    _tag: 'TenantDataError',
    message: expect.stringMatching(/"stamped" of "public\.events".*another tenant.*which go along with.*firms/),
  };
  await expect(data.erase({ reason: 'test' })).rejects.toMatchObject(refused);
  expect(await textOf(here)).toEqual(before);
  await here.run(`update events set stamp = null where "firmId" = 2`);
  await expect(data.erase({ reason: 'test', keep: ['stamps'] })).rejects.toMatchObject({ _tag: 'TenantDataError' });
  await data.erase({ reason: 'test' });
  expect(Object.keys(await textOf(here))).toEqual(['2']);
});
