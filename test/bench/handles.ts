/** What a handle costs: `forTenant` with few and many tables, and the memory of a million of them. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { defineTenantRelations, tenancy, tenantTable, withTenancy } from '../../src/index.js';
import { ratioOf, report, show, spreadOf, takeTurns } from './measure.js';

/** A client that sends nothing. */
const client: any = Object.assign(() => {}, { options: { parsers: {}, serializers: {} }, unsafe: async () => [] });
const account = tenancy('account', uuid);

function database(tables: number) {
  const schema = Object.fromEntries(
    Array.from({ length: tables }, (_, i) => [
      `t${i}`,
      tenantTable(`t${i}`, { accountId: account.id(), id: integer().primaryKey(), parentId: integer(), title: text() }),
    ]),
  );
  const relations = defineTenantRelations(
    schema,
    (r: any) =>
      Object.fromEntries(
        Array.from({ length: tables - 1 }, (_, i) => [
          `t${i + 1}`,
          { parent: r.one[`t${i}`]({ from: r[`t${i + 1}`].parentId, to: r[`t${i}`].id }) },
        ]),
      ) as any,
  );
  return withTenancy(drizzle({ client }), { relations });
}

const [one, twenty, many] = [1, 20, 200].map(database) as [any, any, any];
const ids = Array.from({ length: 1_000 }, (_, i) =>
  account.parse(`00000000-0000-4000-8000-${String(i).padStart(12, '0')}`),
);
let n = 0;
const next = () => ids[n++ % ids.length];

const times = takeTurns({
  one: () => one.forTenant(next()),
  twenty: () => twenty.forTenant(next()),
  many: () => many.forTenant(next()),
});
for (const [name, values] of Object.entries(times)) console.log(`forTenant, ${name}: ${show(spreadOf(values), 0)} ns`);
report('`forTenant`, 200 tables / 1 table', ratioOf(times.many, times.one), 'at most 1.2');
report('`forTenant`, 200 tables, ns', show(spreadOf(times.many), 0), 'under 1000');

const { gc } = globalThis as { gc?: () => void };
if (gc) {
  const heap = () => {
    gc();
    gc();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const make = (count: number) => {
    for (let i = 0; i < count; i++) many.forTenant(next());
  };
  make(10_000);
  const before = heap();
  make(1_000_000);
  report('a million handles: growth of the heap after collection', `${(heap() - before).toFixed(1)} MB`, 'flat');
}
