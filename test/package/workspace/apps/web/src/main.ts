import { account, connect, list, projects } from '@acme/database';
import { eq } from 'drizzle-orm';

const db = connect(process.env['URL']!);
const seen: string[] = [];
for (const id of ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']) {
  const tdb = db.forTenant(account.parse(id));
  const [row] = await tdb.select().from(projects).where(eq(projects.id, 1));
  seen.push(`${row?.name}, ${(await list(tdb)).length} of them`);
}
console.log(seen.join('; '));

// @ts-expect-error A query without a tenant does not compile here either.
export const unscoped = () => db.select().from(projects);

export const query = db.forTenant(account.parse('11111111-1111-4111-8111-111111111111')).select().from(projects);
