/** Building a statement: what a scoped handle costs against the same predicates written by hand. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { withTenancy } from '../../src/index.js';
import { relationsConfig } from '../../src/schema/relations.js';
import * as schema from '../support/schema.js';
import { queries } from './queries.js';
import { ratioOf, spreadOf, takeTurns } from './measure.js';

/** A client that sends nothing. */
const client: any = Object.assign(() => {}, { options: { parsers: {}, serializers: {} }, unsafe: async () => [] });
const id = schema.account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
const plain: any = drizzle({ client, relations: relationsConfig(schema.relations) as any });
const tdb: any = withTenancy(drizzle({ client }), { relations: schema.relations }).forTenant(id);

const only = process.argv[2];
const ratios: number[] = [];
for (const { name, scoped, byHand } of queries) {
  if (only && name !== only) continue;
  const times = takeTurns({ scoped: () => scoped(tdb, schema).toSQL(), byHand: () => byHand(plain, schema, id).toSQL() });
  const ratio = ratioOf(times.scoped, times.byHand);
  ratios.push(ratio.median);
  console.log(`${name.padEnd(28)} ${(spreadOf(times.scoped).median / 1e3).toFixed(2).padStart(7)} us  ${(spreadOf(times.byHand).median / 1e3).toFixed(2).padStart(7)} us  ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)}-${ratio.high.toFixed(2)})`);
}
console.log('median', spreadOf(ratios).median.toFixed(3), 'max', Math.max(...ratios).toFixed(2));
