/**
 * People who belong to several accounts. There are two tenancies: an account has its members and its notes, a person
 * has a password and sessions. No handle of an account reads a person's rows, and none of a person an account's.
 */
import { index, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { defineTenantRelations, referenceTable, tenancy, tenantTable, type TenantId } from 'drizzle-tenant';

export const account = tenancy('account', uuid);
export const user = tenancy('user', uuid);
export type AccountId = TenantId<'account', string>;
export type UserId = TenantId<'user', string>;

const at = (name: string) => timestamp(name, { withTimezone: true }).notNull();
export const roles = ['owner', 'member'] as const;
export type Role = (typeof roles)[number];

export const users = tenantTable('users', {
  id: user.id().primaryKey(),
  email: text().notNull(),
  name: text().notNull(),
  passwordHash: text('password_hash').notNull(),
  createdAt: at('created_at').defaultNow(),
});
const userId = () => user.id('user_id').references(() => users.id, { onDelete: 'cascade' });

export const sessions = tenantTable('sessions', {
  userId: userId(),
  hash: text().primaryKey(),
  expiresAt: at('expires_at'),
});

/** Which accounts a person may belong to. Whether it is so, `members` says. */
export const userAccounts = tenantTable(
  'user_accounts',
  { userId: userId(), accountId: account.ref('account_id').notNull() },
  (t) => [primaryKey({ columns: [t.accountId] })],
);

/**
 * From a keyed hash of an e-mail address to the person: unique over all, on Citus too, and no address can be read in
 * it.
 */
export const logins = referenceTable('logins', {
  hash: text().primaryKey(),
  userId: user.ref('user_id').notNull().unique(),
});

export const accounts = tenantTable('accounts', { id: account.id().primaryKey(), name: text().notNull() });
const accountId = () => account.id('account_id').references(() => accounts.id, { onDelete: 'cascade' });

/** What an account shows of its people: `name` and `email` are copies, so that a list of members opens nobody's row. */
export const members = tenantTable(
  'members',
  {
    accountId: accountId(),
    userId: user.ref('user_id').notNull(),
    role: text({ enum: roles }).notNull(),
    name: text().notNull(),
    email: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.userId] })],
);

export const invitations = tenantTable('invitations', {
  accountId: accountId(),
  id: uuid().primaryKey().defaultRandom(),
  hash: text().notNull().unique(),
  email: text().notNull(),
  role: text({ enum: roles }).notNull(),
  expiresAt: at('expires_at'),
});

/** What the accounts are there for. A note stays when its author leaves. */
export const notes = tenantTable(
  'notes',
  {
    accountId: accountId(),
    id: uuid().primaryKey().defaultRandom(),
    authorId: user.ref('author_id').notNull(),
    text: text().notNull(),
    createdAt: at('created_at').defaultNow(),
  },
  (t) => [index().on(t.createdAt)],
);

export const tables = { users, sessions, userAccounts, logins, accounts, members, invitations, notes };

export const relations = defineTenantRelations(tables, (r) => ({
  notes: { author: r.one.members({ from: r.notes.authorId, to: r.members.userId }) },
}));
