/** The recipe of docs/people.md runs, on PostgreSQL and on Citus, under row-level security. */
import { eq, sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { recipe } from './recipe.js';
import { onEach } from './servers.js';

process.env.LOOKUP_KEY = 'a key of the test';
const it = await recipe('people');
const { account, user, users, userAccounts, logins, accounts, members, invitations } = it;
const person = (name: string) => ({ name, email: `${name}@${name}.example`, passwordHash: `secret of ${name}` });

onEach({ users, userAccounts, logins, accounts, members, invitations }, (server) => {
  let [ann, ben, cy, one, two] = [] as any[];

  test('sign-up, log-in, and an account', async () => {
    const { db } = server;
    ann = await it.signUp(db, person('ann'));
    ben = await it.signUp(db, person('ben'));
    cy = await it.signUp(db, person('cy'));
    await expect(it.signUp(db, { ...person('ann'), email: ' ANN@ann.example' })).rejects.toThrow();
    expect(await it.personBy(db, 'Ann@ann.example')).toMatchObject({ id: ann, passwordHash: 'secret of ann' });
    expect(await it.personBy(db, 'x')).toBeUndefined();
    one = await it.openAccount(db, 'One', ann);
    two = await it.openAccount(db, 'Two', ben);
    expect(await it.myAccounts(db, ann)).toEqual([{ id: one, name: 'One' }]);
  });

  test('an invitation, once, for the one that it was sent to', async () => {
    const { db } = server;
    const token = await it.invite(db.forTenant(one), one, 'Ben@ben.example', 'member');
    const secret = token.split('.')[1];
    await expect(it.accept(db, token, cy)).rejects.toThrow('for another address');
    await expect(it.accept(db, `${two}.${secret}`, ben)).rejects.toThrow('not valid');
    await expect(it.accept(db, 'x', ben)).rejects.toMatchObject({ _tag: 'InvalidTenantIdError' });
    expect(await it.accept(db, token, ben)).toBe(one);
    await expect(it.accept(db, token, ben)).rejects.toThrow('not valid');
    await db
      .forTenant(one)
      .update(invitations)
      .set({ expiresAt: new Date(0) });
    const old = await it.invite(db.forTenant(one), one, 'cy@cy.example', 'owner');
    await db
      .forTenant(one)
      .update(invitations)
      .set({ expiresAt: new Date(0) });
    await expect(it.accept(db, old, cy)).rejects.toThrow('not valid');
  });

  test('switching the account: a person has the role that the account says', async () => {
    const { db } = server;
    expect((await it.myAccounts(db, ben)).map((row: any) => row.name).sort()).toEqual(['One', 'Two']);
    expect([await it.roleIn(db, one, ben), await it.roleIn(db, two, ben), await it.roleIn(db, two, ann)]).toEqual([
      'member',
      'owner',
      undefined,
    ]);
    // A person who writes an account into the own list belongs to it no more than before.
    await db.forTenant(cy).insert(userAccounts).values({ accountId: two });
    expect(await it.roleIn(db, two, cy)).toBeUndefined();
    await db.forTenant(cy).delete(userAccounts);
  });

  test('a member list, and nothing else of the people', async () => {
    const { db } = server;
    expect((await it.memberList(db.forTenant(one))).map((row: any) => row.name).sort()).toEqual(['ann', 'ben']);
    await it.rename(db, ben, 'Benjamin');
    expect((await it.memberList(db.forTenant(one))).map((row: any) => row.name).sort()).toEqual(['Benjamin', 'ann']);
    const refused = (run: () => PromiseLike<unknown>) =>
      expect((async () => run())()).rejects.toMatchObject({ _tag: 'UnscopedTableError' });
    // The compiler refuses these two; a handle that is told otherwise has the rows of a person of that id, who is
    // nobody.
    expect(await db.forTenant(one).select().from(users)).toEqual([]);
    expect(await db.forTenant(one).select().from(userAccounts)).toEqual([]);
    await refused(() =>
      db.forTenant(one).execute(sql`select m.name, u.password_hash from members m join users u on u.id = m.user_id`),
    );
    await refused(() => db.shared.select().from(users));
    expect(await db.forTenant(ann).select().from(users)).toMatchObject([{ name: 'ann' }]);
    expect(await db.forTenant(ann).select().from(users).where(eq(users.id, ben))).toEqual([]);
    expect(JSON.stringify(await db.forTenant(one).select().from(logins))).not.toContain('example');
    // An account's id is no person's, even where it is the same value.
    expect(await db.forTenant(user.parse(one)).select().from(users)).toEqual([]);
    expect(await db.forTenant(account.parse(ann)).select().from(members)).toEqual([]);
  });

  test('the last owner stays, also where two leave at once', async () => {
    const { db } = server;
    await expect(it.leave(db, one, ann)).rejects.toThrow('Make somebody else an owner first');
    await expect(it.changeRole(db, one, ann, 'member')).rejects.toThrow('Make somebody else an owner first');
    await it.changeRole(db, one, ben, 'owner');
    const left = await Promise.allSettled([it.leave(db, one, ann), it.leave(db, one, ben)]);
    expect(left.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const owners = await it.memberList(db.forTenant(one));
    expect(owners).toMatchObject([{ role: 'owner' }]);
    const [stayed, gone] = owners[0].id === ann ? [ann, ben] : [ben, ann];
    expect((await it.myAccounts(db, gone)).map((row: any) => row.id)).not.toContain(one);
    expect((await it.myAccounts(db, stayed)).map((row: any) => row.id)).toContain(one);
    await it.accept(
      db,
      await it.invite(
        db.forTenant(one),
        one,
        `${gone === ann ? 'ann' : 'ben'}@${gone === ann ? 'ann' : 'ben'}.example`,
        'member',
      ),
      gone,
    );
    await it.accept(db, await it.invite(db.forTenant(one), one, 'cy@cy.example', 'member'), cy);
    await expect(it.deletePerson(db, stayed)).rejects.toThrow('Make somebody else an owner first');
  });

  test('deleting a person, and an account', async () => {
    const { db } = server;
    await it.deletePerson(db, cy);
    expect(await it.personBy(db, 'cy@cy.example')).toBeUndefined();
    expect((await it.memberList(db.forTenant(one))).map((row: any) => row.id)).not.toContain(cy);
    await it.signUp(db, person('cy'));
    await it.deleteAccount(db, one);
    expect((await it.myAccounts(db, ann)).map((row: any) => row.id)).not.toContain(one);
    expect(await db.forTenant(one).$count(members)).toBe(0);
    // An account of one person alone goes with that person.
    await it.deletePerson(db, ben);
    expect(await db.forTenant(two).$count(accounts)).toBe(0);
  });
});
