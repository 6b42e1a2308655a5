/** Every rule: a schema that breaks it, its level, and that all faults come in one report. */
import { bigint, foreignKey, integer, pgTable, text, uuid, type ForeignKeyBuilder } from 'drizzle-orm/pg-core';
import { afterEach, describe, expect, it } from 'vitest';
import { defineTenantConfig, ruleNames, TenantRuleError, type Fault } from '../../src/kit/index.js';
import { referenceTable, tenancy, tenantTable } from '../../src/schema/index.js';
import { ruleCases } from './rule-cases.js';
import { citus, History, type Schema } from './support.js';

const faultsOf = async (history: History, schema: Schema, tenancy = citus): Promise<readonly Fault[]> =>
  history.next({ schema, tenancy }).then(
    () => [],
    (error) => {
      expect(error).toBeInstanceOf(TenantRuleError);
      return error.faults;
    },
  );

describe('rules', () => {
  // A case may have switched the indexes of foreign keys off, for the whole process.
  afterEach(() => void defineTenantConfig({ dialect: 'postgresql', schema: '', tenancy: { citus: false } }));

  for (const { rule, before, after, tenancy = citus, tenancyBefore = tenancy, at, remedy } of ruleCases) {
    it(`${rule}: ${remedy}`, async () => {
      const history = new History();
      if (before) await history.next({ schema: before(), tenancy: tenancyBefore });
      const faults = await faultsOf(history, after(), tenancy);
      expect(faults).toEqual([
        {
          rule,
          table: at[0],
          column: at[1],
          remedy: expect.stringContaining(remedy),
          reason: expect.any(String),
          level: 'error',
        },
      ]);
      const off = new History();
      if (before) await off.next({ schema: before(), tenancy: tenancyBefore });
      expect(await faultsOf(off, after(), { ...tenancy, rules: { ...tenancy.rules, [rule]: 'off' } })).toEqual([]);
    });
  }

  it('has a case for each', () => {
    expect([...new Set(ruleCases.map((it) => it.rule))].sort()).toEqual([...ruleNames].sort());
  });

  it('looks at what only matters on Citus only there', async () => {
    for (const { after, rule, before } of ruleCases) {
      if (
        before ||
        rule === 'setting-name' ||
        rule === 'setting-renamed' ||
        rule === 'view-tenant' ||
        rule === 'unique-meaning' ||
        rule === 'name-length' ||
        rule === 'name-quote' ||
        rule === 'plain-table' ||
        rule === 'foreign-key-index' ||
        rule === 'colocation-type'
      )
        continue;
      expect(await faultsOf(new History(), after(), { citus: false })).toEqual([]);
    }
  });

  it.each(['set null', 'set default'] as const)(
    'refuses %s of foreignKey() where it would clear the tenant column, on plain PostgreSQL too',
    async (action) => {
      const account = tenancy('account', uuid);
      const projects = tenantTable('projects', { accountId: account.id('account_id'), id: uuid().primaryKey() });
      const declare = (act: (key: ForeignKeyBuilder) => ForeignKeyBuilder) =>
        tenantTable('tasks', { accountId: account.id('account_id'), id: uuid().primaryKey(), p: uuid() }, (t) => [
          act(foreignKey({ columns: [t.p], foreignColumns: [projects.id] })),
        ]);
      // ON DELETE SET NULL can name the columns that it clears.
      for (const tasks of [
        ...(action === 'set null' ? [] : [declare((key) => key.onDelete(action))]),
        declare((key) => key.onUpdate(action)),
      ]) {
        await expect(new History().next({ schema: { projects, tasks }, tenancy: { citus: false } })).rejects.toThrow(
          `'${action}' would also clear the tenant column`,
        );
      }
      const tasks = declare((key) => key.onDelete('cascade').onUpdate('cascade'));
      expect(await faultsOf(new History(), { projects, tasks }, { citus: false })).toEqual([]);
    },
  );

  it('lets apply cut the shards of a table with an identity column, and warns where writes have to wait', async () => {
    const account = tenancy('account', uuid);
    const notes = tenantTable('notes', {
      accountId: account.id('account_id'),
      id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    });
    const codes = referenceTable('codes', { id: integer().primaryKey() });
    const at = (shardCount: number, online = true) => ({ citus: { shardCount }, online });
    const history = new History();
    await history.next({ schema: { notes, codes }, tenancy: at(2) });
    expect(await history.next({ schema: { notes, codes }, tenancy: at(4) })).toEqual([
      expect.stringMatching(/\n-- "npx drizzle-tenant apply" cuts the shards\.$/),
    ]);
    expect(history.warnings).toEqual([]);
    expect(await faultsOf(history, { notes, codes }, at(6))).toMatchObject([
      { rule: 'grow', remedy: expect.stringMatching(/^Keep shardCount at 4, or make it 8 with tenancy.online/) },
    ]);
    const plain = tenantTable('notes', { accountId: account.id('account_id'), id: uuid().primaryKey() });
    const other = new History();
    await other.next({ schema: { notes: plain, codes }, tenancy: at(4) });
    await other.next({ schema: { notes: plain }, tenancy: at(2) });
    expect(other.warnings).toMatchObject([
      { table: 'notes', level: 'warn', remedy: expect.stringMatching(/^Keep shardCount at 4, or make it 8, so that/) },
    ]);
    await other.next({
      schema: { notes: referenceTable('notes', { accountId: uuid('account_id'), id: uuid().primaryKey() }) },
      tenancy: at(2),
    });
    expect(other.warnings).toMatchObject([
      { table: 'notes', level: 'warn', reason: expect.stringContaining('goes from account_id to reference') },
    ]);
  });

  it('accepts what Citus accepts', async () => {
    const account = tenancy('account', uuid);
    const countries = referenceTable('countries', { id: integer().primaryKey(), next: integer() });
    const accounts = tenantTable('accounts', {
      id: account.id().primaryKey(),
      country: integer().references(() => countries.id, { onDelete: 'set null', onUpdate: 'cascade' }),
    });
    const notes = tenantTable('notes', {
      accountId: account.id('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
      id: uuid().primaryKey(),
      name: text().unique(),
    });
    const logs = pgTable('logs', { id: integer().primaryKey(), country: integer().references(() => countries.id) });
    expect(await faultsOf(new History(), { countries, accounts, notes, logs })).toEqual([]);
  });
});

describe('defineTenantConfig', () => {
  const config = (tenancy: any, more: object = {}) =>
    defineTenantConfig({ dialect: 'postgresql', schema: './schema.ts', tenancy, ...more } as any);
  it.each([
    [undefined, 'Give defineTenantConfig a "tenancy"'],
    [{}, 'Set tenancy.citus to false'],
    [{ citus: true }, 'Set tenancy.citus to false'],
    [{ citus: { shardCount: 0 } }, 'Set tenancy.citus.shardCount to a whole number'],
    [{ citus: { shardCount: '32' } }, 'Set tenancy.citus.shardCount to a whole number'],
    [{ citus: {}, rls: 'yes' }, 'Set tenancy.rls to true or false'],
    [{ citus: {}, mode: 'read-only' }, "Set tenancy.mode to 'write-only'"],
    [{ citus: {}, colour: 1 }, 'Take tenancy.colour out of the config'],
    [{ citus: {}, rules: { speed: 'off' } }, 'Take "speed" out of tenancy.rules'],
    [{ citus: {}, rules: { unique: 'maybe' } }, `Set tenancy.rules["unique"] to 'error', 'warn' or 'off'`],
    [{ citus: { tenancies: { a: { colocateWith: 'a' } } } }, 'to a tenancy that is not co-located itself'],
    [{ citus: { tenancies: { a: { colocateWith: 'b', shardCount: 2 } } } }, 'Leave shardCount out of'],
  ])('refuses %j', (tenancy, message) => {
    expect(() => config(tenancy)).toThrow(message);
  });

  it('refuses another dialect, and hides what drizzle-kit does not know', () => {
    expect(() => config({ citus: {} }, { dialect: 'mysql' })).toThrow("Set dialect to 'postgresql'");
    expect(config({ citus: false })).toEqual({ dialect: 'postgresql', schema: './schema.ts' });
    expect(config({ citus: {} }, { tablesFilter: 'app_*' })).toMatchObject({
      tablesFilter: ['app_*', '!citus_tables', '!citus_schemas'],
    });
  });

  it('names a tenancy that the schema does not have', async () => {
    const account = tenancy('account', uuid);
    const schema = { accounts: tenantTable('accounts', { id: account.id().primaryKey() }) };
    await expect(
      new History().next({ schema, tenancy: { citus: { tenancies: { shop: { shardCount: 2 } } } } }),
    ).rejects.toThrow('Take "shop" out of tenancy.citus.tenancies');
    await expect(
      new History().next({ schema, tenancy: { citus: { tenancies: { account: { colocateWith: 'shop' } } } } }),
    ).rejects.toThrow('there is no "shop"');
  });
});
