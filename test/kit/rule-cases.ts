/** For each rule a schema that breaks it, what is said, and what Citus itself says when the rule is off. */
import { eq, sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  pgPolicy,
  pgSequence,
  pgTable,
  pgView,
  serial,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { referenceTable, tenancy, tenantTable, unscoped } from '../../src/schema/index.js';
import { defineTenantConfig, type RuleName, type TenancyOptions } from '../../src/kit/index.js';
import type { Schema } from './support.js';

export interface RuleCase {
  readonly rule: RuleName;
  readonly before?: () => Schema;
  readonly after: () => Schema;
  readonly tenancy?: TenancyOptions;
  /** Where it is another than after. */
  readonly tenancyBefore?: TenancyOptions;
  /** The fault's table and column. */
  readonly at: readonly [table: string, column: string];
  readonly remedy: string;
  /** What Citus says; undefined when it accepts it, to the application's harm. */
  readonly refused?: RegExp;
  /**
   * What Citus refuses afterwards, where it took the migration: statements, of which the last fails, on a worker
   * perhaps.
   */
  readonly harm?: { readonly sql: readonly string[]; readonly onWorker?: boolean; readonly error: RegExp };
}

const account = tenancy('account', uuid);
const workspace = tenancy('workspace', text);
const someId = '00000000-0000-4000-8000-00000000000a';
const accounts = () => tenantTable('accounts', { id: account.id().primaryKey() });

/** A table as tenantTable makes it, but for the constraints that a person took away from it. */
function without(table: any, what: 'pks' | 'tenant-in-unique'): any {
  const key = Symbol.for('drizzle:ExtraConfigBuilder');
  const build = table[key];
  table[key] = (self: any) => {
    const values = build(self) as any[];
    if (what === 'pks') return values.filter((it) => it.constructor.name !== 'PrimaryKeyBuilder');
    for (const it of values) if (it.columns?.length === 2) it.columns = it.columns.slice(1);
    return values;
  };
  return table;
}

/** A worker draws from a range of its own, which an integer cannot hold. */
const drawsInteger = {
  sql: [`INSERT INTO notes (account_id) VALUES ('${someId}')`],
  onWorker: true,
  error: /type int or smallint/,
};

export const ruleCases: readonly RuleCase[] = [
  {
    rule: 'primary-key',
    after: () => ({
      accounts: accounts(),
      notes: without(
        tenantTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey() }),
        'tenant-in-unique',
      ),
    }),
    at: ['notes', 'id'],
    remedy: 'Declare the table with tenantTable, or put "account_id" into its primary key',
    refused: /cannot create constraint/,
  },
  {
    rule: 'unique',
    after: () => ({
      accounts: accounts(),
      notes: without(
        tenantTable('notes', { accountId: account.id('account_id'), name: text().unique() }),
        'tenant-in-unique',
      ),
    }),
    at: ['notes', 'name'],
    remedy: 'Put "account_id" into the unique constraint "notes_name_unique"',
    refused: /cannot create constraint/,
  },
  {
    rule: 'foreign-key-tenant',
    after: () => {
      const roots = accounts();
      const notes = tenantTable('notes', { accountId: account.id('account_id'), ownerId: uuid('owner_id') });
      const build = Symbol.for('drizzle:PgInlineForeignKeys');
      (notes as any)[build] = (
        pgTable('notes', { ownerId: uuid('owner_id').references(() => (roots as any).id) }) as any
      )[build];
      return { roots, notes };
    },
    at: ['notes', 'owner_id'],
    remedy: 'Put "account_id" and "id" of "accounts" into the foreign key',
    refused: /foreign key/i,
  },
  {
    rule: 'foreign-key-place',
    after: () => {
      const roots = accounts();
      return {
        roots,
        tags: pgTable('tags', {
          id: integer().primaryKey(),
          accountId: uuid('account_id').references(() => (roots as any).id),
        }),
      };
    },
    at: ['tags', 'account_id'],
    remedy: 'Make "tags" a tenantTable, or drop the reference to "accounts"',
    // Citus accepts this, and then the key does not hold: a row that others point at can be deleted.
    harm: {
      sql: [
        `INSERT INTO accounts VALUES ('${someId}')`,
        `INSERT INTO tags VALUES (1, '${someId}')`,
        'DELETE FROM accounts',
        'SELECT 1 / count(*) FROM tags',
        'SELECT 1 / count(*) FROM accounts',
      ],
      error: /division by zero/,
    },
  },
  {
    rule: 'foreign-key-place',
    after: () => {
      const plans = pgTable('plans', { id: integer().primaryKey() });
      return {
        plans,
        accounts: tenantTable('accounts', {
          id: account.id().primaryKey(),
          plan: integer().references(() => plans.id),
        }),
      };
    },
    at: ['accounts', 'plan'],
    remedy: 'Make "plans" a referenceTable or a tenantTable',
    refused: /must be a distributed table or a reference table/,
  },
  {
    rule: 'foreign-key-action',
    after: () => {
      const roots = accounts();
      return {
        roots,
        notes: tenantTable('notes', {
          accountId: account.id('account_id').references(() => roots.id, { onUpdate: 'cascade' }),
        }),
      };
    },
    at: ['notes', 'account_id'],
    remedy: `Take onUpdate: 'cascade' off the reference to "accounts"`,
    refused: /foreign key/i,
  },
  {
    rule: 'foreign-key-action',
    after: () => {
      const plans = pgTable('plans', { id: integer().primaryKey() });
      return {
        accounts: accounts(),
        plans,
        offers: referenceTable('offers', {
          id: integer().primaryKey(),
          plan: integer().references(() => plans.id, { onDelete: 'cascade' }),
        }),
      };
    },
    at: ['offers', 'plan'],
    remedy: 'Make "plans" a referenceTable',
    refused: /foreign key/i,
  },
  {
    rule: 'sequence-type',
    after: () => ({
      accounts: accounts(),
      notes: tenantTable('notes', { accountId: account.id('account_id'), id: serial().primaryKey() }),
    }),
    at: ['notes', 'id'],
    remedy: 'Make it bigserial',
    harm: drawsInteger,
  },
  {
    rule: 'sequence-type',
    after: () => ({
      sq: pgSequence('sq'),
      accounts: accounts(),
      notes: tenantTable('notes', {
        accountId: account.id('account_id'),
        id: integer().primaryKey().default(sql`nextval('sq')`),
      }),
    }),
    at: ['notes', 'id'],
    remedy: 'Make it bigint',
    harm: drawsInteger,
  },
  {
    rule: 'sequence-type',
    after: () => ({
      sq: pgSequence('sq'),
      accounts: accounts(),
      codes: referenceTable('codes', { id: integer().primaryKey().default(sql`nextval('sq')`) }),
      notes: tenantTable('notes', {
        accountId: account.id('account_id'),
        id: bigint({ mode: 'number' }).primaryKey().default(sql`nextval('public.sq'::regclass)`),
      }),
    }),
    at: ['notes', 'id'],
    remedy: 'Make it integer, as "codes" (id) is, or give it a sequence of its own',
    refused: /already used for a different type/,
  },
  {
    rule: 'sequence-type',
    after: () => ({
      sq: pgSequence('sq'),
      other: pgSequence('other'),
      accounts: accounts(),
      codes: referenceTable('codes', {
        id: bigint({ mode: 'number' }).primaryKey().default(sql`nextval('sq') + nextval('other')`),
      }),
    }),
    at: ['codes', 'id'],
    remedy: 'Draw from one sequence',
    refused: /More than one sequence/,
  },
  {
    rule: 'foreign-key-action',
    after: () => {
      const codes = referenceTable('codes', { id: bigint({ mode: 'number' }).primaryKey() });
      return {
        codes,
        accounts: accounts(),
        notes: tenantTable('notes', {
          accountId: account.id('account_id'),
          id: uuid().primaryKey(),
          code: bigserial({ mode: 'number' }).references(() => codes.id, { onDelete: 'set default' }),
        }),
      };
    },
    at: ['notes', 'code'],
    remedy: `Take 'set default' off the reference to "codes"`,
    refused: /SET DEFAULT actions/,
  },
  {
    rule: 'policy-subquery',
    after: () => ({
      accounts: accounts(),
      notes: tenantTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey() }, () => [
        pgPolicy('p', { using: sql`exists (select 1 from accounts)` }),
      ]),
    }),
    at: ['notes', 'account_id'],
    remedy: 'Write the policy "p" without a subquery',
    refused: /./,
  },
  {
    rule: 'policy-restrictive',
    after: () => ({
      accounts: tenantTable('accounts', { id: account.id().primaryKey(), open: boolean() }, (t) => [
        pgPolicy('narrow', { as: 'restrictive', using: sql`${t.open}` }),
      ]),
    }),
    at: ['accounts', 'id'],
    remedy: 'Drop the policy "narrow", and write its condition into',
  },
  {
    rule: 'policy-restrictive',
    after: () => ({
      accounts: accounts(),
      countries: referenceTable('countries', { id: integer().primaryKey(), open: boolean() }, (t) => [
        pgPolicy('narrow', { as: 'restrictive', using: sql`${t.open}` }),
      ]),
    }),
    at: ['countries', '-'],
    remedy: 'Drop the policy "narrow", and write its condition into',
  },
  {
    rule: 'colocation-type',
    after: () => ({ accounts: accounts(), workspaces: tenantTable('workspaces', { id: workspace.id().primaryKey() }) }),
    tenancy: { citus: { tenancies: { workspace: { colocateWith: 'account' } } } },
    at: ['workspaces', 'id'],
    remedy: 'Take colocateWith off "workspace", or give both tenancies ids of one type',
    refused: /cannot colocate tables/,
  },
  {
    rule: 'replica-identity',
    after: () => ({ accounts: accounts(), notes: tenantTable('notes', { accountId: account.id('account_id') }) }),
    tenancy: { citus: {}, rules: { 'replica-identity': 'error' } },
    at: ['notes', 'account_id'],
    remedy: 'Give the table a primary key',
    harm: {
      sql: [
        `SELECT citus_move_shard_placement(shardid, nodename, nodeport, (SELECT nodename FROM pg_dist_node o
          WHERE o.nodeport <> p.nodeport AND o.groupid > 0 LIMIT 1),
          (SELECT o.nodeport FROM pg_dist_node o WHERE o.nodeport <> p.nodeport AND o.groupid > 0 LIMIT 1), 'auto')
            FROM pg_dist_shard_placement p
          WHERE shardid = (SELECT min(shardid) FROM pg_dist_shard WHERE logicalrelid = 'notes'::regclass)`,
      ],
      error: /REPLICA IDENTITY or PRIMARY KEY/,
    },
  },
  {
    rule: 'tenant-column-type',
    before: () => ({ accounts: accounts() }),
    after: () => ({ accounts: tenantTable('accounts', { id: tenancy('account', text).id().primaryKey() }) }),
    at: ['accounts', 'id'],
    remedy: 'Keep its type',
    refused: /partition column/,
  },
  {
    rule: 'add-sequence',
    before: () => ({ accounts: accounts() }),
    after: () => ({
      accounts: tenantTable('accounts', { id: account.id().primaryKey(), n: bigserial({ mode: 'number' }) }),
    }),
    at: ['accounts', 'n'],
    remedy: 'Add a uuid column',
    refused: /serial/,
  },
  {
    rule: 'citus-statement',
    before: () => ({
      accounts: accounts(),
      notes: tenantTable('notes', {
        accountId: account.id('account_id'),
        id: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().primaryKey(),
      }),
    }),
    after: () => ({
      accounts: accounts(),
      notes: tenantTable('notes', {
        accountId: account.id('account_id'),
        id: bigint({ mode: 'number' }).generatedByDefaultAsIdentity().primaryKey(),
      }),
    }),
    at: ['notes', 'id'],
    remedy: 'Keep the identity as it was declared first',
    refused: /unsupported/,
  },
  {
    rule: 'citus-statement',
    before: () => ({ accounts: tenantTable('accounts', { id: account.id().primaryKey(), n: serial() }) }),
    after: () => ({
      accounts: tenantTable('accounts', { id: account.id().primaryKey(), n: bigserial({ mode: 'number' }) }),
    }),
    tenancyBefore: { citus: {}, rules: { 'sequence-type': 'off' } },
    at: ['accounts', 'n'],
    remedy: 'Keep its type',
    refused: /from a sequence/,
  },
  {
    rule: 'citus-statement',
    before: () => ({ accounts: accounts() }),
    after: () => ({ accounts: tenantTable('accounts', { id: account.id().primaryKey().defaultRandom() }) }),
    at: ['accounts', 'id'],
    remedy: 'Give new rows their id by $defaultFn',
    refused: /partition column/,
  },
  {
    rule: 'citus-statement',
    before: () => ({ accounts: tenantTable('accounts', { id: account.id().primaryKey().defaultRandom() }) }),
    after: () => ({ accounts: accounts() }),
    at: ['accounts', 'id'],
    remedy: 'Keep the default of the tenant column',
    refused: /partition column/,
  },
  {
    rule: 'citus-statement',
    before: () => ({
      accounts: tenantTable('accounts', {
        id: account.id().primaryKey(),
        n: integer().generatedAlwaysAsIdentity({ maxValue: 1000 }),
      }),
    }),
    after: () => ({
      accounts: tenantTable('accounts', {
        id: account.id().primaryKey(),
        n: bigint({ mode: 'number' }).generatedAlwaysAsIdentity({ maxValue: 1000 }),
      }),
    }),
    tenancyBefore: { citus: { shardCount: 4 }, rules: { 'sequence-type': 'off' } },
    at: ['accounts', 'n'],
    remedy: 'Keep its type',
    refused: /identity column/,
  },
  {
    rule: 'grow',
    before: () => ({
      accounts: accounts(),
      notes: tenantTable('notes', {
        accountId: account.id('account_id'),
        id: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().primaryKey(),
      }),
    }),
    after: () => ({
      accounts: accounts(),
      notes: tenantTable('notes', {
        accountId: account.id('account_id'),
        id: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().primaryKey(),
      }),
    }),
    tenancyBefore: { citus: { shardCount: 2 } },
    at: ['notes', 'id'],
    remedy: 'Set tenancy.online to true, so that apply cuts the shards; or copy the rows',
    refused: /identity column/,
  },
  {
    rule: 'grow',
    before: () => ({
      accounts: accounts(),
      codes: referenceTable('codes', { id: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().primaryKey() }),
    }),
    after: () => ({
      accounts: accounts(),
      codes: pgTable('codes', { id: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().primaryKey() }),
    }),
    at: ['codes', 'id'],
    remedy: 'Keep the table as it is',
    refused: /identity column/,
  },
  {
    rule: 'setting-renamed',
    before: () => ({ accounts: accounts() }),
    after: () => ({ accounts: accounts(), pages: tenantTable('pages', { id: workspace.id().primaryKey() }) }),
    tenancy: { citus: false, rls: true, rules: { 'setting-renamed': 'error' } },
    at: ['accounts', 'id'],
    remedy: "Set tenancy.retiredSettings to ['app.tenant_id'] once no program of the version before runs",
  },
  {
    rule: 'setting-name',
    after: () => {
      const [a, b] = [tenancy('my shop', uuid), tenancy('my-shop', uuid)];
      return { x: tenantTable('x', { id: a.id().primaryKey() }), y: tenantTable('y', { id: b.id().primaryKey() }) };
    },
    tenancy: { citus: false, rls: true },
    at: ['y', 'id'],
    remedy: 'Rename the tenancy "my-shop" or "my shop"',
  },
  {
    rule: 'foreign-key-index',
    after: () => {
      defineTenantConfig({ dialect: 'postgresql', schema: '', tenancy: { citus: false, foreignKeyIndexes: false } });
      const notes = tenantTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey() });
      const links = tenantTable('links', {
        accountId: account.id('account_id'),
        id: uuid().primaryKey(),
        noteId: uuid('note_id').references(() => notes.id),
      });
      return { accounts: accounts(), notes, links };
    },
    tenancy: { citus: {}, foreignKeyIndexes: false, rules: { 'foreign-key-index': 'error' } },
    at: ['links', 'account_id, note_id'],
    remedy: 'Add index().on(t.account_id, t.note_id), or take foreignKeyIndexes: false out of the config',
  },
  {
    rule: 'everybody',
    after: () => ({
      accounts: accounts(),
      templates: tenantTable(
        'templates',
        { accountId: account.id('account_id', { everybody: true }), id: uuid() },
        (t) => [unique().on(t.id)],
      ),
    }),
    tenancy: { citus: {}, rules: { 'replica-identity': 'off' } },
    at: ['templates', 'account_id'],
    // Citus accepts the table, and then no row without a tenant.
    remedy: 'Keep the rows of everybody in a referenceTable beside it',
  },
  {
    rule: 'name-length',
    after: () => {
      const long = 'a_name_that_is_much_longer_than_what_postgresql_keeps_of_a_name_';
      return {
        accounts: accounts(),
        notes: tenantTable(
          'notes',
          { accountId: account.id('account_id'), id: uuid().primaryKey(), a: text(), b: text() },
          (t) => [index(long.slice(0, 63)).on(t.a), index(`${long}b`).on(t.b)],
        ),
      };
    },
    tenancy: { citus: {}, rules: { 'name-length': 'error' } },
    at: ['notes', 'account_id, b'],
    remedy: 'a name of at most 63 bytes',
  },
  {
    rule: 'name-quote',
    after: () => ({
      accounts: accounts(),
      notes: tenantTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey(), a: text() }, (t) => [
        index('by "a"').on(t.a),
      ]),
    }),
    at: ['notes', '-'],
    remedy: 'Take the double quote out of the name by "a"',
  },
  {
    rule: 'plain-table',
    after: () => ({
      accounts: accounts(),
      notes: pgTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey() }),
      others: pgTable('others', { accountId: account.ref('account_id'), id: uuid().primaryKey() }),
    }),
    at: ['notes', 'account_id'],
    remedy: 'Declare it with tenantTable(), or the column with account.ref()',
  },
  {
    rule: 'unique-meaning',
    before: () => ({ accounts: accounts(), tags: pgTable('tags', { id: uuid().primaryKey(), name: text().unique() }) }),
    after: () => ({
      accounts: accounts(),
      tags: tenantTable('tags', {
        accountId: account.id('account_id'),
        id: uuid().primaryKey(),
        name: text('name').unique('tags_name_key'),
      }),
    }),
    tenancy: { citus: false },
    at: ['tags', 'name'],
    remedy:
      'Keep it unique over all tenants with unscoped(unique().on(t.name)), or set tenancy.uniquePerTenant ' +
      "to ['tags(name)']",
  },
  {
    rule: 'view-tenant',
    after: () => {
      const notes = tenantTable('notes', {
        accountId: account.id('account_id'),
        id: uuid().primaryKey(),
        body: text(),
      });
      const links = tenantTable('links', {
        accountId: account.id('account_id'),
        id: uuid().primaryKey(),
        noteId: uuid('note_id'),
      });
      const [n, l] = [unscoped(notes), unscoped(links)];
      const linked = pgView('linked').as((qb) =>
        qb.select({ accountId: n.accountId, body: n.body, link: l.id }).from(n).innerJoin(l, eq(l.noteId, n.id)),
      );
      return { accounts: accounts(), notes, links, linked };
    },
    at: ['linked', 'account_id'],
    remedy: 'Join its tables on their tenant columns too',
  },
];
