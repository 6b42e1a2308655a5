/** The place of the tenant, in a statement that is built for any of them. */
import { Placeholder } from 'drizzle-orm';

/** Its name: no placeholder that an application can make has it. */
export const tenantName = Symbol('drizzle-tenant:tenant') as unknown as string;

export const tenantSlot = Object.freeze(new Placeholder(tenantName));
