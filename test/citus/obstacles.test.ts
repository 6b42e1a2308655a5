/**
 * What a person made beside the schema, and Citus refuses to put in a place, drops, or leaves behind: each shown on a
 * real Citus, then found with its remedy before anything is changed, or written again.
 */
import { uuid } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applySteps } from '../../src/kit/live/apply.js';
import type { Database } from '../../src/kit/live/database.js';
import { placeObstacles, rewriteObstacles } from '../../src/kit/obstacles.js';
import { tenancy, tenantTable } from '../../src/schema/index.js';
import { finish, leftBy } from '../kit/online.js';
import { History } from '../kit/support.js';

const url = process.env['CITUS_URL'];
const name = { schema: 'public', name: 't' };
const made = 'CREATE TABLE t (a int NOT NULL, id int NOT NULL, r int4range, PRIMARY KEY (a, id))';
const reference = 'CREATE TABLE t (id int PRIMARY KEY)';

/** What is in the way of a first place. */
const obstacles: readonly [what: string, sql: readonly string[], citus: RegExp, remedy: RegExp, column?: null][] = [
  [
    'a trigger',
    [made, 'CREATE TRIGGER tg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION noop()'],
    /has triggers/,
    /^Drop the trigger tg of t, .* SET citus.enable_unsafe_triggers = on/,
  ],
  [
    'a trigger that is off',
    [
      made,
      'CREATE TRIGGER tg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION noop()',
      'ALTER TABLE t DISABLE TRIGGER tg',
    ],
    /has triggers/,
    /^Drop the trigger tg of t/,
  ],
  [
    'a constraint trigger',
    [made, 'CREATE CONSTRAINT TRIGGER tg AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION noop()'],
    /has triggers/,
    /^Drop the trigger tg of t/,
  ],
  [
    'a trigger of a reference table',
    [reference, 'CREATE TRIGGER tg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION noop()'],
    /has triggers/,
    /^Drop the trigger tg of t/,
    null,
  ],
  [
    'a trigger of a partition',
    [
      'CREATE TABLE t (a int, id int, PRIMARY KEY (a, id)) PARTITION BY RANGE (id)',
      'CREATE TABLE part PARTITION OF t DEFAULT',
      'CREATE TRIGGER tg BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION noop()',
    ],
    /has triggers/,
    /^Drop the trigger tg of part/,
  ],
  [
    'a table that inherits',
    ['CREATE TABLE par (a int NOT NULL)', 'CREATE TABLE t (id int, PRIMARY KEY (a, id)) INHERITS (par)'],
    /not a regular/,
    /^Run ALTER TABLE t NO INHERIT par/,
  ],
  [
    'a table that others inherit from',
    [made, 'CREATE TABLE par () INHERITS (t)'],
    /not a regular/,
    /^Run ALTER TABLE par NO INHERIT t/,
  ],
  [
    'a partition',
    [
      'CREATE TABLE par (a int, id int, PRIMARY KEY (a, id)) PARTITION BY RANGE (id)',
      'CREATE TABLE t PARTITION OF par DEFAULT',
    ],
    /is partition of/,
    /^Declare par in the schema, and not its partition t/,
  ],
  [
    'partitions of partitions',
    [
      'CREATE TABLE t (a int, id int, PRIMARY KEY (a, id)) PARTITION BY RANGE (id)',
      'CREATE TABLE part PARTITION OF t DEFAULT PARTITION BY RANGE (id)',
    ],
    /multi-level/,
    /^Partition t once/,
  ],
  [
    'a partitioned reference table',
    ['CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id)'],
    /only supported for hash/,
    /^Make t a table without partitions/,
    null,
  ],
  [
    'an exclusion constraint',
    ['CREATE TABLE t (a int, r int4range, CONSTRAINT ex EXCLUDE USING gist (r WITH &&))'],
    /cannot create constraint/,
    /^Put a WITH = into the exclusion constraint ex of t/,
  ],
  [
    'an exclusion constraint that has the tenant otherwise',
    ['CREATE TABLE t (a int, r int4range, CONSTRAINT ex EXCLUDE USING gist (a WITH <>, r WITH &&))'],
    /cannot create constraint/,
    /^Put a WITH = into the exclusion constraint ex of t/,
  ],
  [
    'a unique index of an expression',
    [made, 'CREATE UNIQUE INDEX ux ON t ((id + 1))'],
    /cannot create constraint/,
    /^Put a into the unique ux of t/,
  ],
  [
    'a generated tenant column',
    ['CREATE TABLE t (a int GENERATED ALWAYS AS (1) STORED NOT NULL, id int, PRIMARY KEY (a, id))'],
    /cannot distribute relation/,
    /^Make the column a of t a plain one/,
  ],
  [
    'a policy with a subquery',
    [made, 'CREATE POLICY p ON t USING (a IN (SELECT 1))', 'ALTER TABLE t ENABLE ROW LEVEL SECURITY'],
    /cannot create policy/,
    /^Write the policy p of t without a subquery/,
  ],
  [
    'a tenant column that tells no capital letters from small ones',
    [
      `CREATE COLLATION IF NOT EXISTS alike (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
      'CREATE TABLE t (a text COLLATE alike NOT NULL)',
    ],
    /non deterministic collation/,
    /^Give the column a of t a deterministic collation/,
  ],
];

/** What Citus stops at when it writes a table anew, or loses: made before the table is distributed, and after. */
const stops: readonly [what: string, before: string, after: string, remedy: RegExp, citus: RegExp | string][] = [
  [
    'a materialized view that is too large to be filled again by itself',
    '',
    'INSERT INTO t VALUES (1, 1); SET citus.max_matview_size_to_auto_recreate = 0; ' +
      'CREATE MATERIALIZED VIEW v AS SELECT a FROM t',
    /^Drop the materialized view v before/,
    /exceeds citus.max_matview_size_to_auto_recreate/,
  ],
  [
    'a view of an extension',
    'CREATE VIEW v AS SELECT a FROM t; ALTER EXTENSION btree_gist ADD VIEW v',
    '',
    /^Take away the view v of the extension btree_gist before/,
    /an extension depends on it/,
  ],
  [
    'a default of a column of a view',
    'CREATE VIEW v AS SELECT a FROM t; ALTER VIEW v ALTER a SET DEFAULT 1',
    '',
    /^Take away the default of the column a of the view v before/,
    `SELECT FROM pg_attrdef WHERE adrelid = to_regclass('v')`,
  ],
  [
    'a rule that is off',
    'CREATE RULE off AS ON DELETE TO t DO INSTEAD NOTHING; ALTER TABLE t DISABLE RULE off',
    '',
    /^Drop the rule off of t, which is off/,
    `SELECT FROM pg_rewrite WHERE rulename = 'off'`,
  ],
  [
    'an index that it was clustered by',
    'CLUSTER t USING t_pkey',
    '',
    /^Drop t_pkey of t before, and create it again/,
    /alter table command is currently unsupported/,
  ],
];

/** What is gone when Citus has written the table anew. */
const held: readonly [what: string, sql: readonly string[], isThere: string, remedy: RegExp][] = [
  [
    'a function',
    [`CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END`],
    `SELECT FROM pg_proc WHERE proname = 'f'`,
    /^Drop the function f\(\) before, and create it again after: it holds t,/,
  ],
  [
    'a function of its rows',
    [`CREATE FUNCTION f(x t) RETURNS int LANGUAGE sql AS 'SELECT 1'`],
    `SELECT FROM pg_proc WHERE proname = 'f'`,
    /^Drop the function f\(t\) before/,
  ],
  [
    'a function over a view of it',
    [
      'CREATE VIEW v AS SELECT a FROM t',
      'CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM v; END',
    ],
    `SELECT FROM pg_proc WHERE proname = 'f'`,
    /^Drop the function f\(\) before.* it holds v,/,
  ],
  [
    'a policy of another table',
    ['CREATE TABLE par (a int)', 'CREATE POLICY p ON par USING (a IN (SELECT a FROM t))'],
    `SELECT FROM pg_policy WHERE polname = 'p'`,
    /^Drop the policy p on table par before/,
  ],
  [
    'a column of its rows',
    ['CREATE TABLE par (x t)'],
    `SELECT FROM pg_attribute WHERE attrelid = 'par'::regclass AND attname = 'x'`,
    /^Drop the column x of table par before/,
  ],
  [
    'a rule of another table',
    ['CREATE TABLE par (a int)', 'CREATE RULE other AS ON DELETE TO par DO ALSO DELETE FROM t'],
    `SELECT FROM pg_rewrite WHERE rulename = 'other'`,
    /^Drop the rule other on table par before/,
  ],
];

describe.skipIf(!url)('on Citus', { timeout: 60_000 }, () => {
  let sql: postgres.Sql;
  let database: Database;
  beforeAll(async () => {
    sql = postgres(url!, { max: 1, onnotice: () => {} });
    database = { query: (text, values = []) => sql.unsafe(text, values as any[]) as any, close: async () => {} };
    await sql.unsafe('CREATE EXTENSION IF NOT EXISTS btree_gist');
    await sql.unsafe(`CREATE OR REPLACE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`);
  });
  beforeEach(async () => {
    await sql.unsafe(`DROP FUNCTION IF EXISTS f CASCADE; DROP SCHEMA IF EXISTS drizzle CASCADE`);
    const tables = await sql`SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'`;
    if (tables.length > 0) await sql.unsafe(`DROP TABLE ${tables.map((it) => it['name']).join(', ')} CASCADE`);
  });
  afterAll(() => sql?.end());
  const run = async (statements: readonly string[]) => {
    for (const it of statements) await sql.unsafe(it);
  };
  const remedies = async (query: string) => (await sql.unsafe(query)).map((it) => it['remedy']);

  for (const [what, statements, citus, remedy, column = 'a'] of obstacles) {
    it(`finds ${what}, which Citus refuses`, async () => {
      await run(statements);
      const query = placeObstacles([{ table: name, ...(column !== null && { column }) }]);
      expect(await remedies(query)).toEqual([expect.stringMatching(remedy)]);
      const place = column === null ? `create_reference_table('t')` : `create_distributed_table('t', '${column}')`;
      await expect(sql.unsafe(`SELECT ${place}`)).rejects.toThrow(citus);
    });
  }

  it('finds nothing in a table that Citus takes, or has', async () => {
    await run([made, 'ALTER TABLE t ADD CONSTRAINT ex EXCLUDE USING gist (a WITH =, r WITH &&)']);
    const query = placeObstacles([{ table: name, column: 'a' }]);
    expect(await remedies(query)).toEqual([]);
    await run([`SELECT create_distributed_table('t', 'a', shard_count := 2, colocate_with := 'none')`]);
    expect(await remedies(query)).toEqual([]);
    expect(await remedies(rewriteObstacles([name]))).toEqual([]);
  });

  for (const [what, statements, isThere, remedy] of held) {
    it(`finds ${what}, which Citus drops with a table that it copies`, async () => {
      await run([made, `SELECT create_distributed_table('t', 'a', shard_count := 2, colocate_with := 'none')`]);
      await run(statements);
      expect(await remedies(rewriteObstacles([name]))).toEqual([expect.stringMatching(remedy)]);
      expect((await sql.unsafe(isThere)).length).toBe(1);
      await sql.unsafe(`SELECT undistribute_table('t')`);
      expect((await sql.unsafe(isThere)).length).toBe(0);
    });
  }

  for (const [what, before, after, remedy, citus] of stops) {
    it(`finds ${what}, which is in the way of another shard count`, async () => {
      const place = `SELECT create_distributed_table('t', 'a', shard_count := 2, colocate_with := 'none')`;
      await run([made, before, place, after].filter(Boolean));
      try {
        expect(await remedies(rewriteObstacles([name], true))).toEqual([expect.stringMatching(remedy)]);
        // Back on one node, Citus takes a table that was clustered.
        expect(await remedies(rewriteObstacles([name]))).toHaveLength(before.startsWith('CLUSTER') ? 0 : 1);
        const split = sql.unsafe(`SELECT alter_distributed_table('t', shard_count := 3)`);
        if (citus instanceof RegExp) return await expect(split).rejects.toThrow(citus);
        expect(await sql.unsafe(citus)).toHaveLength(1);
        await split;
        expect(await sql.unsafe(citus)).toHaveLength(0);
      } finally {
        await sql.unsafe('RESET citus.max_matview_size_to_auto_recreate');
        if (before.includes('EXTENSION')) await sql.unsafe('ALTER EXTENSION btree_gist DROP VIEW v');
      }
    });
  }

  const account = tenancy('account', uuid);
  const schema = {
    accounts: tenantTable('accounts', { id: account.id().primaryKey() }),
    notes: tenantTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey(), n: uuid() }),
  };
  /** Rows in tables that the next migration, with Citus, puts in their places. */
  const begin = async (online: boolean) => {
    const history = new History();
    await run(await history.next({ schema, tenancy: { citus: false, online } }));
    await sql`INSERT INTO accounts VALUES (gen_random_uuid()), (gen_random_uuid())`;
    await sql`INSERT INTO notes SELECT id, id FROM accounts`;
    const migration = await history.next({ schema, tenancy: { citus: { shardCount: 2 }, online } });
    return { history, migrate: () => sql.begin((tx) => Promise.all(migration.map((it) => tx.unsafe(it)))) };
  };
  const place = async () =>
    (await sql`SELECT partmethod AS p FROM pg_dist_partition WHERE logicalrelid = 'notes'::regclass`)[0]?.['p'];

  it('stops a migration at a trigger, and nothing was changed', async () => {
    const { migrate } = await begin(false);
    await sql`CREATE TRIGGER tg BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION noop()`;
    await expect(migrate()).rejects.toThrow(/^Drop the trigger tg of notes, .* Nothing was changed\.$/);
    expect(await place()).toBe(undefined);
    await sql`DROP TRIGGER tg ON notes`;
    await migrate();
    expect(await place()).toBe('h');
  });

  it('stops a migration that would drop a function', async () => {
    const { history, migrate } = await begin(false);
    await migrate();
    await sql.unsafe('CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM notes; END');
    const more = await history.next({ schema, tenancy: { citus: { shardCount: 3 } } });
    await expect(sql.begin((tx) => Promise.all(more.map((it) => tx.unsafe(it))))).rejects.toThrow(
      /^Drop the function f\(\) before/,
    );
    expect((await sql`SELECT FROM pg_proc WHERE proname = 'f'`).length).toBe(1);
  });

  it('writes again what the concurrent way loses, also after a run that stopped behind it', async () => {
    const { history, migrate } = await begin(true);
    await run([
      `COMMENT ON TABLE notes IS 'table'`,
      `COMMENT ON COLUMN notes.n IS 'column'`,
      'CREATE INDEX by_n ON notes (account_id, n) WITH (fillfactor = 80)',
      `COMMENT ON INDEX by_n IS 'index'`,
      'CREATE STATISTICS st (dependencies) ON account_id, n FROM notes',
      `COMMENT ON STATISTICS st IS 'statistics'`,
      'ALTER TABLE notes ADD CONSTRAINT ck CHECK (id IS NOT NULL)',
      `COMMENT ON CONSTRAINT ck ON notes IS 'constraint'`,
      'GRANT SELECT ON notes TO pg_monitor',
      'GRANT UPDATE (n) ON notes TO pg_monitor',
      'ALTER TABLE notes ALTER n SET STATISTICS 700',
      'ALTER TABLE notes SET (fillfactor = 70)',
      `ALTER TABLE notes ADD COLUMN body text`,
      'ALTER TABLE notes SET (toast.autovacuum_enabled = false)',
      'CREATE VIEW v WITH (security_invoker = true) AS SELECT account_id, id FROM notes',
      `COMMENT ON VIEW v IS 'view'`,
      'GRANT SELECT ON v TO pg_monitor',
      'CREATE RULE nothing AS ON DELETE TO v DO INSTEAD NOTHING',
      'CREATE MATERIALIZED VIEW m AS SELECT * FROM notes',
      'CREATE UNIQUE INDEX m_id ON m (account_id, id)',
    ]);
    const told = async () =>
      [
        await sql`SELECT obj_description('notes'::regclass, 'pg_class') AS t, col_description('notes'::regclass,
          3) AS c, obj_description('by_n'::regclass, 'pg_class') AS i,
            obj_description('v'::regclass, 'pg_class') AS v, (SELECT obj_description(oid, 'pg_statistic_ext')
              FROM pg_statistic_ext WHERE stxrelid = 'notes'::regclass) AS s,
            (SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conrelid = 'notes'::regclass
              AND conname = 'ck') AS k`,
        await sql`SELECT relname, relacl::text, array_remove(reloptions, NULL) AS options, (SELECT count(*)::int
          FROM pg_index WHERE indrelid = c.oid) AS indexes,
        (SELECT count(*)::int FROM pg_rewrite WHERE ev_class = c.oid) AS rules FROM pg_class c
          WHERE relname IN ('notes', 'v', 'm', 'by_n') ORDER BY 1`,
        await sql`SELECT attname, attacl::text, attstattarget FROM pg_attribute WHERE attrelid = 'notes'::regclass
          AND attnum > 0 ORDER BY 1`,
        await sql`SELECT count(*)::int AS rows FROM m`,
        await sql`SELECT x.reloptions FROM pg_class c JOIN pg_class x ON x.oid = c.reltoastrelid
          WHERE c.oid = 'notes'::regclass`,
      ].map((rows) => rows.map((it) => ({ ...it })));
    const before = await told();
    await migrate();
    const steps = await leftBy(database, history, history.left);
    const [step] = steps.filter((it) => it.what === 'notes: by account_id, beside accounts, while it is written to');
    expect(step?.sql).toHaveLength(3);
    // All but the last statement ran: the next plan goes on there.
    const silent = { start() {}, tick() {}, end() {} };
    const stopped = steps.slice(0, steps.indexOf(step!)).concat({ ...step!, sql: step!.sql.slice(0, 2) });
    await applySteps(database, stopped, silent);
    expect(await told()).not.toEqual(before);
    expect((await finish(database, history, history.left))[0]).toBe(
      'notes: what Citus left behind of it written again, such as comments',
    );
    expect(await told()).toEqual(before);
    expect([await place(), (await sql`SELECT to_regclass('drizzle.tenant_again') AS t`)[0]!['t']]).toEqual(['h', null]);
  });

  it('lets writes wait for a table that the concurrent way would harm, and says why', async () => {
    const { history, migrate } = await begin(true);
    await run([
      'ALTER TABLE notes ADD COLUMN no bigint GENERATED BY DEFAULT AS IDENTITY',
      'CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM notes; END',
      'CREATE RULE own AS ON DELETE TO notes DO INSTEAD NOTHING',
      'CREATE VIEW v AS SELECT id FROM notes',
      'ALTER VIEW v ALTER id SET DEFAULT gen_random_uuid()',
    ]);
    await migrate();
    const done = await finish(database, history, history.left);
    expect(done.find((it) => it.startsWith('notes: by'))).toBe(
      'notes: by account_id, beside accounts; writes to it wait, since its identity column no would count ' +
        'from the beginning again, and the function f() would read what it was before, and the default of ' +
        'the column id of the view v would be lost, or stop it, and the rule own would be lost',
    );
    // Harmed by the concurrent way: an id that is there, rows of before, and no rule.
    await sql`INSERT INTO notes (account_id, id) SELECT id, gen_random_uuid() FROM accounts LIMIT 1`;
    expect([...(await sql`SELECT f()::int AS f, (SELECT count(DISTINCT no)::int FROM notes) AS ids`)]).toEqual([
      { f: 3, ids: 3 },
    ]);
    expect((await sql`SELECT FROM pg_rewrite WHERE rulename = 'own'`).length).toBe(1);
  });

  it('looks at a check before the rows are copied', async () => {
    const { history, migrate } = await begin(true);
    await sql.unsafe('ALTER TABLE accounts ADD CONSTRAINT ck CHECK (id IS NULL) NOT VALID');
    await migrate();
    await expect(finish(database, history, history.left)).rejects.toThrow(
      /^Correct the rows that break a constraint of accounts/,
    );
  });
});
