/**
 * The recipe of docs/before-the-tenant.md runs, on PostgreSQL and on Citus, under row-level security: one index look-up
 * each.
 */
import { and, eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { onEach, onPostgres } from './servers.js';
import { recipe } from './recipe.js';

process.env.LOOKUP_KEY = 'a key of the test';
const {
  account,
  accounts,
  apiKeys,
  lookups,
  webhooks,
  createApiKey,
  accountOfKey,
  accountBy,
  signUp,
  accountOfWebhook,
} = await recipe('before-the-tenant');

onEach({ accounts, apiKeys, lookups }, (server) => {
  test('the tenant is found by each way, and by nothing else', async () => {
    const { db } = server;
    const one = await signUp(db, 'One', { email: 'Ann@One.example', domain: 'one.example' });
    const two = await signUp(db, 'Two', { stripe: 'cus_2' });
    expect(await accountBy(db, 'email', ' ann@one.example')).toBe(one);
    expect(await accountBy(db, 'domain', 'one.example')).toBe(one);
    expect(await accountBy(db, 'stripe', 'cus_2')).toBe(two);
    expect(await accountBy(db, 'stripe', 'one.example')).toBeUndefined();
    await expect(signUp(db, 'Three', { email: 'ann@one.example' })).rejects.toThrow();
    expect(await db.acrossTenants({ reason: 'test' }).$count(accounts)).toBe(2);

    const key = await createApiKey(db.forTenant(one), one);
    expect(await accountOfKey(db, key)).toBe(one);
    expect(await accountOfKey(db, `${two}.${key.split('.')[1]}`)).toBeUndefined();
    expect(await accountOfKey(db, `${one}.x`)).toBeUndefined();
    await expect(accountOfKey(db, 'x')).rejects.toMatchObject({ _tag: 'InvalidTenantIdError' });
    expect(await accountOfKey(db, one)).toBeUndefined();
    await expect(accountOfKey(db, `${one}'--.x`)).rejects.toMatchObject({ _tag: 'InvalidTenantIdError' });
  });

  test('what a tenant reads of the others there tells nothing', async () => {
    const { db } = server;
    const rows = await db.forTenant(account.parse(crypto.randomUUID())).select().from(lookups);
    expect(JSON.stringify(rows)).not.toContain('one.example');
    await expect(
      (async () => db.forTenant(account.parse(crypto.randomUUID())).delete(lookups as any))(),
    ).rejects.toMatchObject({ _tag: 'UnscopedTableError' });
  });

  test('each is one index look-up', async () => {
    const { db, sql, planOf, name } = server;
    const id = account.parse(crypto.randomUUID());
    await sql.unsafe(`insert into accounts (id, name) values ('${id}', 'many')`);
    await sql.unsafe(
      `insert into lookups (kind, hash, account_id) select 'domain', 'h' || i, '${id}' from generate_series(1, 5000) i`,
    );
    await sql.unsafe(
      `insert into api_keys (account_id, id, hash) select '${id}', md5(i::text)::uuid, 'h' || i ` +
        'from generate_series(1, 5000) i',
    );
    await sql.unsafe('analyze lookups');
    await sql.unsafe('analyze api_keys');
    const plans = [
      await planOf(
        db.shared
          .select({ accountId: lookups.accountId })
          .from(lookups)
          .where(and(eq(lookups.kind, 'domain'), eq(lookups.hash, 'h1'))),
      ),
      await planOf(db.forTenant(id).select({ id: apiKeys.id }).from(apiKeys).where(eq(apiKeys.hash, 'h1'))),
    ];
    for (const plan of plans) {
      expect(plan).toMatch(/Index (?:Only )?Scan using/);
      expect(plan).not.toContain('Seq Scan');
      if (name === 'Citus') expect(plan).toContain('Task Count: 1');
    }
  });
});

onPostgres({ accounts, apiKeys, lookups, webhooks }, (server) => {
  test('a key that is unique over all tenants finds its tenant with one index look-up, and says why', async () => {
    const { db, sql, planOf } = server;
    const id = account.parse(crypto.randomUUID());
    await db.forTenant(id).insert(webhooks).values({ externalId: 'cus_1' });
    expect(await accountOfWebhook(db, 'cus_1')).toBe(id);
    expect(await accountOfWebhook(db, 'cus_2')).toBeUndefined();
    await sql.unsafe(
      'insert into webhooks (account_id, id, external_id) select md5((i % 50)::text)::uuid, ' +
        "md5(i::text)::uuid, 'x' || i from generate_series(1, 5000) i",
    );
    await sql.unsafe('analyze webhooks');
    const query = db
      .acrossTenants({ reason: 'the tenant of a webhook' })
      .select({ accountId: webhooks.accountId })
      .from(webhooks)
      .where(eq(webhooks.externalId, 'x1'));
    expect(query.toSQL().sql).toContain('/* the tenant of a webhook */');
    expect(await planOf(query)).toMatch(/Index Scan using webhooks_external_id/);
  });
});
