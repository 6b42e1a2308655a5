/**
 * The recipe of docs/better-auth.md runs, on PostgreSQL and on Citus: Better Auth writes, the application reads its
 * tenants, each as a role of its own.
 */
import { eq } from 'drizzle-orm';
import { integer, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertRowLevelSecurity, defineTenantRelations, tenantTable, withTenancy } from '../../src/index.js';
import { createDatabase, type Database } from '../kit/database.js';
import { statementsOf } from '../schema/support.js';
import { asRole, createRole, grants, role } from '../support/rls.js';
import { recipe } from './recipe.js';

process.env.BETTER_AUTH_SECRET = 'a secret of the test, which is long enough';
process.env.BETTER_AUTH_URL = 'http://localhost:3000';
const it = await recipe('better-auth');
const { org, user, session, account, verification, slugs, authOf, authOnCitus } = it;
const authRole = 'drizzle_tenant_better_auth';
const citusUrl = process.env.CITUS_URL;

describe('on PostgreSQL', () => run(it, false));
describe.skipIf(citusUrl === undefined)('on Citus (skipped without CITUS_URL)', { timeout: 60_000 }, () =>
  run(it.onCitus, true),
);

function run({ organization, member, invitation }: Record<string, any>, isCitus: boolean) {
  const projects = tenantTable('ba_projects', {
    organizationId: org.id('organization_id').references(() => organization.id, { onDelete: 'cascade' }),
    id: integer().primaryKey(),
    name: text().notNull(),
  });
  const schema = {
    user,
    session,
    account,
    verification,
    organization,
    member,
    invitation,
    projects,
    ...(isCitus && { slugs }),
  };
  const drop =
    'drop table if exists "user", session, account, verification, organization, member, invitation, ' +
    'ba_projects, slugs cascade';

  let database: Database | undefined;
  let auth: any;
  let db: any;
  const clients: postgres.Sql[] = [];
  const connect = (url: string) => (clients.push(postgres(url, { max: 2, onnotice: () => {} })), clients.at(-1)!);
  const tenantOf = (headers: Headers) => it.tenantOf(auth, db, headers, member);

  beforeAll(async () => {
    if (!isCitus) database = await createDatabase();
    const url = database?.url() ?? citusUrl!;
    const admin = connect(url);
    await admin.unsafe(drop);
    for (const statement of [
      createRole,
      `do $$ begin create role ${authRole} login bypassrls password 'app'; exception when duplicate_object ` +
        'or unique_violation then null; end $$',
    ])
      await admin.unsafe(statement);
    const statements = await statementsOf(schema, { citus: isCitus && { shardCount: 4 }, rls: true });
    await admin.begin(async (tx) => {
      for (const statement of statements) await tx.unsafe(statement);
    });
    for (const statement of grants('public')) await admin.unsafe(statement);
    await admin.unsafe(`revoke all on "user", session, account, verification from ${role}; revoke insert, update,
      delete on organization, member, invitation from ${role};
      grant select, insert, update, delete on "user", session, account, verification, organization, member,
        invitation to ${authRole}`);
    db = withTenancy(drizzle({ client: connect(asRole(url)) }), {
      relations: defineTenantRelations(
        isCitus
          ? { organization, member, invitation, projects, slugs }
          : { organization, member, invitation, projects },
      ),
      rls: true,
    });
    await assertRowLevelSecurity(db);
    const client = connect(Object.assign(new URL(url), { username: authRole, password: 'app' }).href);
    auth = isCitus ? authOnCitus(client, db) : authOf(client);
  }, 120_000);
  afterAll(async () => {
    if (isCitus) await clients[0]?.unsafe(drop);
    await Promise.all(clients.map((it) => it.end()));
    await database?.drop();
  });

  async function signUp(name: string) {
    const { headers, response } = await auth.api.signUpEmail({
      body: { name, email: `${name}@example.com`, password: `the password of ${name}` },
      returnHeaders: true,
    });
    const cookie = headers
      .getSetCookie()
      .map((one: string) => one.split(';')[0])
      .join('; ');
    return { id: response.user.id as string, headers: new Headers({ cookie }) };
  }

  let ann: Awaited<ReturnType<typeof signUp>>;
  let ben: typeof ann;
  let cy: typeof ann;
  let one: any;
  let two: any;

  test('sign-up, an organization, and its tenant', async () => {
    [ann, ben, cy] = [await signUp('ann'), await signUp('ben'), await signUp('cy')];
    await expect(signUp('ann')).rejects.toThrow();
    await auth.api.signInEmail({ body: { email: 'ann@example.com', password: 'the password of ann' } });
    expect(await tenantOf(ann.headers)).toBeUndefined();
    one = await auth.api.createOrganization({ body: { name: 'One', slug: 'one' }, headers: ann.headers });
    two = await auth.api.createOrganization({ body: { name: 'Two', slug: 'two' }, headers: cy.headers });
    await expect(
      auth.api.createOrganization({ body: { name: 'Three', slug: 'one' }, headers: cy.headers }),
    ).rejects.toThrow();
    await auth.api.setActiveOrganization({ body: { organizationId: one.id }, headers: ann.headers });
    await auth.api.setActiveOrganization({ body: { organizationId: two.id }, headers: cy.headers });
    const { tdb, role: as } = await tenantOf(ann.headers);
    expect(as).toBe('owner');
    await tdb.insert(projects).values({ id: 1, name: 'of one' });
    const other = await tenantOf(cy.headers);
    await other.tdb.insert(projects).values({ id: 1, name: 'of two' });
    expect(await tdb.select().from(projects)).toEqual([{ organizationId: one.id, id: 1, name: 'of one' }]);
    expect(await tdb.select({ name: organization.name }).from(organization)).toEqual([{ name: 'One' }]);
  });

  test('an invitation, and switching', async () => {
    const invited = await auth.api.createInvitation({
      body: { email: 'ben@example.com', role: 'member', organizationId: one.id },
      headers: ann.headers,
    });
    await expect(
      auth.api.acceptInvitation({ body: { invitationId: invited.id }, headers: cy.headers }),
    ).rejects.toThrow();
    await auth.api.acceptInvitation({ body: { invitationId: invited.id }, headers: ben.headers });
    await auth.api.setActiveOrganization({ body: { organizationId: one.id }, headers: ben.headers });
    expect(await tenantOf(ben.headers)).toMatchObject({ role: 'member' });
    await expect(
      auth.api.setActiveOrganization({ body: { organizationId: two.id }, headers: ben.headers }),
    ).rejects.toThrow();
    const list = await auth.api.listMembers({ query: { organizationId: one.id }, headers: ben.headers });
    expect(list.members.map((row: any) => row.user.name).sort()).toEqual(['ann', 'ben']);
    await expect(auth.api.listMembers({ query: { organizationId: two.id }, headers: ben.headers })).rejects.toThrow();
    expect((await auth.api.listOrganizations({ headers: ben.headers })).map((row: any) => row.name)).toEqual(['One']);
  });

  test('a tenant reads its own members, and nothing of the people', async () => {
    const { tdb } = await tenantOf(ann.headers);
    expect((await tdb.select().from(member)).map((row: any) => row.userId).sort()).toEqual([ann.id, ben.id].sort());
    expect(await tdb.select().from(member).where(eq(member.userId, cy.id))).toEqual([]);
    await expect((async () => tdb.select().from(account))()).rejects.toMatchObject({ _tag: 'UnscopedTableError' });
    await expect((async () => tdb.select().from(user))()).rejects.toMatchObject({ _tag: 'UnscopedTableError' });
    await expect((async () => tdb.update(member).set({ role: 'owner' }))()).rejects.toThrow();
  });

  test('who is removed has no tenant any more, whatever the session says', async () => {
    const activate = () => auth.api.setActiveOrganization({ body: { organizationId: one.id }, headers: ben.headers });
    await activate(); // the organization that is not his put it back to none
    await clients[0]!`delete from member where user_id = ${ben.id}`;
    expect((await auth.api.getSession({ headers: ben.headers })).session.activeOrganizationId).toBe(one.id);
    expect(await tenantOf(ben.headers)).toBeUndefined();
    const invited = await auth.api.createInvitation({
      body: { email: 'ben@example.com', role: 'member', organizationId: one.id },
      headers: ann.headers,
    });
    await auth.api.acceptInvitation({ body: { invitationId: invited.id }, headers: ben.headers });
    await activate();
    expect(await tenantOf(ben.headers)).toMatchObject({ role: 'member' });
    await auth.api.removeMember({
      body: { memberIdOrEmail: 'ben@example.com', organizationId: one.id },
      headers: ann.headers,
    });
    expect(await tenantOf(ben.headers)).toBeUndefined();
    await expect(
      auth.api.leaveOrganization({ body: { organizationId: one.id }, headers: ann.headers }),
    ).rejects.toThrow();
    await auth.api.deleteOrganization({ body: { organizationId: one.id }, headers: ann.headers });
    expect(await tenantOf(ann.headers)).toBeUndefined();
    expect(await db.forTenant(org.parse(one.id)).select().from(projects)).toEqual([]);
    expect(await db.forTenant(org.parse(two.id)).select().from(projects)).toHaveLength(1);
  });

  test.runIf(isCitus)('the slug of an organization: taken, changed and free again', async () => {
    const names = async () => (await db.shared.select().from(slugs)).map((row: any) => row.slug).sort();
    const make = (slug: string, headers = cy.headers) =>
      auth.api.createOrganization({ body: { name: slug, slug }, headers });
    expect(await names()).toEqual(['two']); // 'one' went with its organization
    const both = await Promise.allSettled([make('same'), make('same', ann.headers)]);
    expect(both.map((it) => it.status).sort()).toEqual(['fulfilled', 'rejected']);
    const change = (slug: string) =>
      auth.api.updateOrganization({ body: { organizationId: two.id, data: { slug } }, headers: cy.headers });
    await expect(change('same')).rejects.toThrow();
    await change('new');
    await change('new');
    await auth.api.updateOrganization({
      body: { organizationId: two.id, data: { name: 'Renamed' } },
      headers: cy.headers,
    });
    expect(await names()).toEqual(['new', 'same']);
  });
}
