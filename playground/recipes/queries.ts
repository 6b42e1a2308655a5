/** What the recipes serve: queries on the database of one account, none of which mentions the account. */
import { asc, eq, max } from 'drizzle-orm';
import type { TenantDatabase } from 'drizzle-tenant';
import { projects } from '../schema.js';

type AccountDatabase = TenantDatabase<'account'>;

export const listProjects = (tdb: AccountDatabase) =>
  tdb.select({ id: projects.id, name: projects.name }).from(projects).orderBy(asc(projects.id));

export async function findProject(tdb: AccountDatabase, id: number) {
  const [found] = await tdb.select({ id: projects.id, name: projects.name }).from(projects).where(eq(projects.id, id));
  return found;
}

export const createProject = (tdb: AccountDatabase, name: string) =>
  tdb.transaction(async (tx) => {
    const [last] = await tx.select({ id: max(projects.id) }).from(projects);
    const [created] = await tx
      .insert(projects)
      .values({ id: (last?.id ?? 0) + 1, name })
      .returning({ id: projects.id, name: projects.name });
    return created!;
  });
