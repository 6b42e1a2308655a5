/** Accounts and their members: opening one, invitations, roles, leaving, and the end. */
import { and, eq, gt } from 'drizzle-orm';
import type { TenantDatabase } from 'drizzle-tenant';
import type { Db } from './people.js';
import {
  account,
  accounts,
  invitations,
  members,
  userAccounts,
  users,
  type AccountId,
  type Role,
  type UserId,
} from './schema.js';
import { newSecret, normal, sha256 } from './secrets.js';

/** What `db` and a transaction of it have. */
type Tx = Pick<Db, 'forTenant' | 'shared'>;
type Account = TenantDatabase<'account'>;

/** An account whose last owner would go, and others would stay. */
export class LastOwner extends Error {}

export async function open(db: Db, name: string, owner: UserId): Promise<AccountId> {
  const id = account.parse(crypto.randomUUID());
  await db.transaction(async (tx) => {
    const copies = await copiesOf(tx, owner);
    if (!copies) throw new Error('This person is gone.');
    await tx.forTenant(id).insert(accounts).values({ name });
    await join(tx, id, owner, 'owner', copies);
  });
  return id;
}

/**
 * What accounts show of a person; undefined for one who is gone. Locked, so that nobody is deleted while joining:
 * before any account.
 */
async function copiesOf(tx: Tx, person: UserId) {
  const [own] = await tx.forTenant(person).select({ name: users.name, email: users.email }).from(users).for('share');
  return own;
}

async function join(
  tx: Tx,
  id: AccountId,
  person: UserId,
  role: Role,
  copies: { name: string; email: string },
): Promise<void> {
  await tx
    .forTenant(id)
    .insert(members)
    .values({ userId: person, role, ...copies })
    .onConflictDoNothing();
  await tx.forTenant(person).insert(userAccounts).values({ accountId: id }).onConflictDoNothing();
}

/** One question for each account: they may be on different nodes, and none sees another's rows. */
export async function accountsOf(db: Db, person: UserId) {
  const mine = await db.forTenant(person).select().from(userAccounts);
  const found = await Promise.all(
    mine.map(async ({ accountId }) => {
      const [row] = await db
        .forTenant(accountId)
        .select({ id: accounts.id, name: accounts.name, role: members.role })
        .from(accounts)
        .innerJoin(members, eq(members.userId, person));
      return row;
    }),
  );
  return found.filter((row) => row !== undefined).sort((a, b) => a.name.localeCompare(b.name));
}

/** The role of a person in an account that a request names; undefined for one who does not belong to it. */
export async function roleIn(db: Tx, id: AccountId, person: UserId): Promise<Role | undefined> {
  const [member] = await db
    .forTenant(id)
    .select({ role: members.role })
    .from(members)
    .where(eq(members.userId, person));
  return member?.role;
}

export const memberList = (tdb: Account) =>
  tdb
    .select({ id: members.userId, name: members.name, email: members.email, role: members.role })
    .from(members)
    .orderBy(members.name, members.userId);

/**
 * @returns what is sent to the address, and nowhere else: the token begins with the account, so that it is found
 * without a look-up
 */
export async function invite(tdb: Account, id: AccountId, email: string, role: Role): Promise<string> {
  const secret = newSecret();
  const expiresAt = new Date(Date.now() + 7 * 24 * 3600_000);
  await tdb.insert(invitations).values({ hash: sha256(secret), email: normal(email), role, expiresAt });
  return `${id}.${secret}`;
}

/** @returns the account; undefined for a token that is of no use to this person, for whatever reason */
export async function accept(db: Db, token: string, person: UserId): Promise<AccountId | undefined> {
  const [name, secret = ''] = token.split('.');
  const parsed = account['~standard'].validate(name);
  if (!('value' in parsed)) return undefined;
  const id = parsed.value;
  return db.transaction(async (tx) => {
    const copies = await copiesOf(tx, person);
    if (!copies || !(await lock(tx.forTenant(id)))) return undefined;
    const [used] = await tx
      .forTenant(id)
      .delete(invitations)
      .where(
        and(
          eq(invitations.hash, sha256(secret)),
          eq(invitations.email, copies.email),
          gt(invitations.expiresAt, new Date()),
        ),
      )
      .returning();
    if (!used) return undefined;
    await join(tx, id, person, used.role, copies);
    return id;
  });
}

/**
 * Who changes who belongs to an account takes turns here: of two owners who leave at once, one stays. Other work goes
 * on.
 *
 * @param strength 'update' where the account itself may go
 * @returns whether there is such an account
 */
export async function lock(tdb: Account, strength: 'no key update' | 'update' = 'no key update'): Promise<boolean> {
  return (await tdb.select({ id: accounts.id }).from(accounts).for(strength)).length > 0;
}

/**
 * @param tdb of a transaction that has locked the account
 * @throws LastOwner
 */
export async function keepAnOwner(tdb: Account, leaving: UserId): Promise<void> {
  const owners = await tdb.select({ userId: members.userId }).from(members).where(eq(members.role, 'owner'));
  if (owners.every(({ userId }) => userId === leaving)) throw new LastOwner();
}

/**
 * @returns whether the person was a member
 * @throws LastOwner
 */
export function setRole(tdb: Account, person: UserId, role: Role): Promise<boolean> {
  return tdb.transaction(async (tx) => {
    await lock(tx);
    if (role !== 'owner') await keepAnOwner(tx, person);
    return (
      (await tx.update(members).set({ role }).where(eq(members.userId, person)).returning({ id: members.userId }))
        .length > 0
    );
  });
}

/**
 * Who leaves, and who is made to.
 *
 * @returns whether the person was a member
 * @throws LastOwner
 */
export function leave(db: Db, id: AccountId, person: UserId): Promise<boolean> {
  return db.transaction(async (tx) => {
    await lock(tx.forTenant(id));
    await keepAnOwner(tx.forTenant(id), person);
    const gone = await tx
      .forTenant(id)
      .delete(members)
      .where(eq(members.userId, person))
      .returning({ id: members.userId });
    await tx.forTenant(person).delete(userAccounts).where(eq(userAccounts.accountId, id));
    return gone.length > 0;
  });
}

/** Everything that the account has goes with it. */
export const deleteAccount = (db: Db, id: AccountId): Promise<void> =>
  db.transaction(async (tx) => {
    if (await lock(tx.forTenant(id), 'update')) await close(tx, id);
  });

/** @param tx a transaction that has locked the account */
export async function close(tx: Tx, id: AccountId): Promise<void> {
  for (const { userId } of await tx
    .forTenant(id)
    .select({ userId: members.userId })
    .from(members)
    .orderBy(members.userId)) {
    await tx.forTenant(userId).delete(userAccounts).where(eq(userAccounts.accountId, id));
  }
  await tx.forTenant(id).delete(accounts);
}
