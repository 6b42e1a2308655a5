/** People: sign-up, log-in, sessions, a new name, and the end. */
import { and, eq, gt, lt } from 'drizzle-orm';
import type { TenancyDatabase } from 'drizzle-tenant';
import { invitations, logins, members, relations, sessions, user, userAccounts, users, type UserId } from './schema.js';
import { close, keepAnOwner, lock } from './accounts.js';
import { newSecret, normal, sha256, type Keys } from './secrets.js';

export type Db = TenancyDatabase<typeof relations>;

const sessionDays = 30;
const days = (count: number) => new Date(Date.now() + count * 24 * 3600_000);

/** The person of an address, before anybody is known to ask. */
export async function idOf(db: Pick<Db, 'shared'>, keys: Keys, email: string): Promise<UserId | undefined> {
  const [found] = await db.shared
    .select({ userId: logins.userId })
    .from(logins)
    .where(eq(logins.hash, keys.loginOf(email)));
  return found?.userId;
}

/** @returns the person; undefined where somebody has the address: then nothing is written */
export async function signUp(
  db: Db,
  keys: Keys,
  person: { email: string; name: string; password: string },
): Promise<UserId | undefined> {
  const id = user.parse(crypto.randomUUID());
  const passwordHash = await keys.hashPassword(person.password);
  return db.transaction(async (tx) => {
    const taken = await tx.shared
      .insert(logins)
      .values({ hash: keys.loginOf(person.email), userId: id })
      .onConflictDoNothing()
      .returning();
    if (taken.length === 0) return undefined;
    await tx
      .forTenant(id)
      .insert(users)
      .values({ email: normal(person.email), name: person.name, passwordHash });
    return id;
  });
}

/** An unknown address takes as long as a wrong password, and says the same. */
export async function logIn(db: Db, keys: Keys, email: string, password: string): Promise<UserId | undefined> {
  const id = await idOf(db, keys, email);
  const [person] = id ? await db.forTenant(id).select({ hash: users.passwordHash }).from(users) : [];
  return (await keys.isPassword(password, person?.hash)) ? id : undefined;
}

/** @returns the value of the cookie: it begins with the person, so that the session is found without a look-up */
export async function openSession(db: Db, person: UserId): Promise<string> {
  const secret = newSecret();
  await db
    .forTenant(person)
    .insert(sessions)
    .values({ hash: sha256(secret), expiresAt: days(sessionDays) });
  return `${person}.${secret}`;
}

const sessionOf = (token: string | undefined) => {
  const [name, secret = ''] = token?.split('.') ?? [];
  const parsed = user['~standard'].validate(name);
  return 'value' in parsed ? { person: parsed.value, hash: sha256(secret) } : undefined;
};

export async function whoIs(db: Db, token: string | undefined) {
  const session = sessionOf(token);
  if (!session) return undefined;
  const [found] = await db
    .forTenant(session.person)
    .select({ id: users.id, email: users.email, name: users.name })
    .from(users)
    .innerJoin(sessions, eq(sessions.userId, users.id))
    .where(and(eq(sessions.hash, session.hash), gt(sessions.expiresAt, new Date())));
  return found;
}
export type Person = NonNullable<Awaited<ReturnType<typeof whoIs>>>;

export async function endSession(db: Db, token: string | undefined): Promise<void> {
  const session = sessionOf(token);
  if (session) await db.forTenant(session.person).delete(sessions).where(eq(sessions.hash, session.hash));
}

/** The other sessions end: whoever has an old cookie is out. */
export async function setPassword(db: Db, keys: Keys, person: UserId, old: string, password: string): Promise<boolean> {
  const [now] = await db.forTenant(person).select({ hash: users.passwordHash }).from(users);
  if (!(await keys.isPassword(old, now?.hash))) return false;
  const passwordHash = await keys.hashPassword(password);
  return db.forTenant(person).transaction(async (tx) => {
    // Of two changes at once, the second finds another hash than the one that it has compared.
    const changed = await tx
      .update(users)
      .set({ passwordHash })
      .where(eq(users.passwordHash, now!.hash))
      .returning({ id: users.id });
    if (changed.length > 0) await tx.delete(sessions);
    return changed.length > 0;
  });
}

/** The copies in the accounts follow. */
export async function rename(db: Db, person: UserId, name: string): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.forTenant(person).update(users).set({ name });
    const mine = await tx.forTenant(person).select().from(userAccounts).orderBy(userAccounts.accountId);
    for (const { accountId } of mine)
      await tx.forTenant(accountId).update(members).set({ name }).where(eq(members.userId, person));
  });
}

/**
 * An account that the person is alone in goes too.
 *
 * @throws LastOwner where others would be left without an owner: then all stays
 */
export async function deletePerson(db: Db, person: UserId): Promise<void> {
  await db.transaction(async (tx) => {
    const own = tx.forTenant(person);
    // Who would join an account now waits, and finds nobody.
    await own.select({ id: users.id }).from(users).for('update');
    for (const { accountId } of await own.select().from(userAccounts).orderBy(userAccounts.accountId)) {
      const tdb = tx.forTenant(accountId);
      if (!(await lock(tdb, 'update'))) continue;
      const everybody = await tdb.select({ userId: members.userId }).from(members).limit(2);
      if (everybody.length === 1 && everybody[0]!.userId === person) await close(tx, accountId);
      else {
        await keepAnOwner(tdb, person);
        await tdb.delete(members).where(eq(members.userId, person));
      }
    }
    await tx.shared.delete(logins).where(eq(logins.userId, person));
    await own.delete(users); // Sessions and the list of accounts go with it, by ON DELETE CASCADE.
  });
}

/** For a nightly job: what is too old, of everybody. */
export async function purge(db: Db): Promise<void> {
  const across = db.acrossTenants({ reason: 'expired sessions and invitations go' });
  await across.delete(sessions).where(lt(sessions.expiresAt, new Date()));
  await across.delete(invitations).where(lt(invitations.expiresAt, new Date()));
}
