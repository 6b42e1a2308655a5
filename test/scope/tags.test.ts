/** Under which key a result is kept whose tag the application chose. */
import { eq, sql } from 'drizzle-orm';
import { Cache } from 'drizzle-orm/cache/core';
import { text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pg-proxy';
import { expect, test } from 'vitest';
import { tenancy, tenantTable, withTenancy } from '../../src/index.js';

const shop = tenancy('shop', text);
const items = tenantTable('items', { shopId: shop.id(), name: text().primaryKey() });

class Kept extends Cache {
  readonly all = new Map<string, any[]>();
  strategy() {
    return 'explicit' as const;
  }
  async get(key: string) {
    return this.all.get(key);
  }
  async put(key: string, rows: any) {
    this.all.set(key, rows);
  }
  async onMutate({ tags }: { tags?: string | string[] }) {
    for (const it of [tags ?? []].flat()) this.all.delete(it);
  }
}

/** Answers with the tenant that it was asked for. */
const opened = () => {
  const cache = new Kept();
  const db = withTenancy(drizzle(async (_, params) => ({ rows: [[params.at(-1)]] }), { cache }));
  const of = (id: string) => db.forTenant(shop.parse(id));
  const read = (id: string, tag: string) => of(id).select({ shop: items.shopId }).from(items).$withCache({ tag });
  return { cache, db, of, read };
};

/** Ids that are text hold whatever a tag may hold. */
const alike = [
  ['acme', 'eu:list'],
  ['acme:eu', 'list'],
  ['acme:eu:list', ''],
  ['acme', '9 eu:list'],
  ['7 acme', 'list'],
  ['acme 4', 'list'],
] as const;

test('a tenant whose id begins with that of another, and goes on like its tag, has results of its own', async () => {
  const { db, read, cache } = opened();
  await db.ready;
  for (const [id, tag] of alike) expect(await read(id, tag)).toEqual([{ shop: id }]);
  for (const [id, tag] of alike) expect(await read(id, tag)).toEqual([{ shop: id }]);
  expect(cache.all.size).toBe(alike.length);
});

test('so it has where a statement was prepared for every tenant', async () => {
  const { db, cache } = opened();
  await db.ready;
  const prepared = (tag: string) =>
    db.prepare(shop, (tdb) =>
      tdb
        .select({ shop: items.shopId })
        .from(items)
        .where(eq(items.name, sql.placeholder('name')))
        .$withCache({ tag }),
    );
  for (const [id, tag] of alike) expect(await prepared(tag).run(shop.parse(id), { name: 'x' })).toEqual([{ shop: id }]);
  expect(cache.all.size).toBe(alike.length);
});

test('and forgets its own alone', async () => {
  const { db, of, read, cache } = opened();
  await db.ready;
  for (const [id, tag] of alike) await read(id, tag);
  await of('acme').$cache.invalidate({ tags: 'eu:list' });
  expect(cache.all.size).toBe(alike.length - 1);
});
