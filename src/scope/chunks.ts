/** What kind of thing a piece of SQL is: told by Drizzle's renderer itself, so that nothing reads as other than it renders. */
import type { SQLWrapper } from 'drizzle-orm';

export { chunkKindOf, chunkKinds } from 'drizzle-orm/sql/sql';

export function isSQLWrapper(value: unknown): value is SQLWrapper {
  return typeof (value as SQLWrapper | null | undefined)?.getSQL === 'function';
}
