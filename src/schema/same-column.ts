/**
 * Whether two tenancies of one name are one, declared again: a development server evaluates a changed module a second
 * time, and what was made with the first declaration lives on. Only what can be compared counts: when in doubt, they
 * are two.
 */
import { is, SQL, StringChunk } from 'drizzle-orm';
import { isPgEnum, PgCustomColumn, type PgColumn } from 'drizzle-orm/pg-core';

/** Whether two columns are of one type, are encoded alike, and have the same defaults. */
export function isSameColumn(a: PgColumn, b: PgColumn): boolean {
  // The functions of a type of the application's own cannot be compared.
  if (a.constructor !== b.constructor || is(a, PgCustomColumn)) return false;
  return a.getSQLType() === b.getSQLType() && isSame((a as any).config, (b as any).config);
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (isPgEnum(a) && isPgEnum(b))
    return a.enumName === b.enumName && a.schema === b.schema && isSame(a.enumValues, b.enumValues);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (is(a, SQL)) return is(b, SQL) && isSame(textsOf(a), textsOf(b) ?? {});
  const prototype = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b) || (prototype !== Object.prototype && prototype !== Array.prototype))
    return false;
  const keys = Reflect.ownKeys(a);
  return (
    keys.length === Reflect.ownKeys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame((a as any)[key], (b as any)[key]))
  );
}

/** The texts of SQL that is nothing but text; undefined for any other. */
function textsOf({ queryChunks }: SQL): string[] | undefined {
  return queryChunks.every((it): it is StringChunk => is(it, StringChunk))
    ? queryChunks.flatMap((it) => it.value)
    : undefined;
}
