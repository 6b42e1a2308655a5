/**
 * What the compiler does not see, because it came from outside, or because a cast hid it. Here all is `any`, as
 * it is to a caller in JavaScript. Each is refused at run time, before anything is sent to the server.
 */
import { eq, sql } from 'drizzle-orm';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import type { TenantId } from '../src/index.js';
import { countries, projects, tasks } from './schema.js';

export interface Hostile {
  readonly db: any;
  /** The database of one account, and that of another. */
  readonly tdb: any;
  readonly otherTdb: any;
  readonly ownId: TenantId<'account'>;
  readonly otherId: TenantId<'account'>;
}

const invoices = pgTable('invoices', { id: integer() });

/** An id that is SQL. */
export function sqlInAnId({ db }: Hostile) {
  return db.forTenant("' or '1'='1");
}

/** No id at all. */
export function noId({ db }: Hostile) {
  return db.forTenant(undefined);
}

/** An object that turns into an id. */
export function objectAsId({ db, ownId }: Hostile) {
  return db.forTenant({ toString: () => ownId });
}

/** A piece of SQL as the id. */
export function columnAsId({ db }: Hostile) {
  return db.forTenant(sql`account_id`);
}

/** A new row for another tenant. */
export function foreignRow({ tdb, otherId }: Hostile) {
  return tdb.insert(projects).values({ accountId: otherId, id: 4, name: 'X' });
}

/** A row moved to another tenant. */
export function movedRow({ tdb, otherId }: Hostile) {
  return tdb.update(projects).set({ accountId: otherId });
}

/** A country deleted by a tenant. */
export function referenceWrite({ tdb }: Hostile) {
  return tdb.delete(countries).where(eq(countries.code, 'CL'));
}

/** A table that nobody declared to be a tenant's. */
export function undeclaredTable({ tdb }: Hostile) {
  return tdb.select().from(invoices);
}

/** A function that runs text, in SQL by hand. */
export function tableByHand({ tdb }: Hostile) {
  return tdb.execute(sql`select query_to_xml('select * from tasks', true, true, '')`);
}

/** Text that ends the statement and begins another. */
export function secondStatement({ tdb }: Hostile) {
  return tdb.select().from(tasks).where(sql.raw('true; drop table tasks'));
}

/** Another tenant's subquery. */
export function foreignSubquery({ tdb, otherTdb }: Hostile) {
  return tdb.select().from(otherTdb.select().from(tasks).as('theirs'));
}
