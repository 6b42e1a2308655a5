/**
 * Which values are a tenant's id. A handle compares ids as JavaScript values, and PostgreSQL compares them as the
 * column's type: both have to mean the same, so only types count of which equal values have one spelling.
 */
import { is } from 'drizzle-orm';
import { PgCustomColumn, type PgColumn } from 'drizzle-orm/pg-core';
import { TenantDefinitionError } from '../errors.js';

export type IdValue = string | number | bigint;
type Check = (value: unknown) => IdValue | { readonly reason: string };

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const integerRanges: Record<string, readonly [bigint, bigint]> = {
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int53: [BigInt(Number.MIN_SAFE_INTEGER), BigInt(Number.MAX_SAFE_INTEGER)],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};
/** PostgreSQL's integers, by all of their names. */
const integers: Record<string, keyof typeof integerRanges> = {
  smallint: 'int16',
  int2: 'int16',
  smallserial: 'int16',
  serial2: 'int16',
  integer: 'int32',
  int: 'int32',
  int4: 'int32',
  serial: 'int32',
  serial4: 'int32',
  bigint: 'int64',
  int8: 'int64',
  bigserial: 'int64',
  serial8: 'int64',
};
/** Why a type that seems to be a good key is none. */
const spellings: Record<string, string> = {
  numeric: '1 and 1.0 are equal, and not spelled alike',
  decimal: '1 and 1.0 are equal, and not spelled alike',
  char: 'blanks at its end do not count',
  character: 'blanks at its end do not count',
  bpchar: 'blanks at its end do not count',
  citext: 'it does not tell capital letters from small ones',
};

/**
 * @param name the tenancy's name, for errors
 * @param column a column of the type of its tenants' key
 * @returns a function that gives a value in the one spelling that PostgreSQL prints, or says why it is no id
 * @throws TenantDefinitionError for a type of which equal values have several spellings, or that cannot name a tenant
 */
export function checkFor(name: string, column: PgColumn): Check {
  const [type, constraint] = (column.dataType as string).split(' ') as [string, string | undefined];
  const sqlType = column.getSQLType();
  const base = sqlType
    .toLowerCase()
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/ ?\(.*$/, '');
  const isText = base === 'text' || base === 'varchar' || base === 'character varying';
  const isEnum = column.enumValues !== undefined && type === 'string' && constraint === 'enum';
  const range = integerRanges[integers[base] ?? ''];
  if (column.dimensions !== 0 || !(isText || isEnum || base === 'uuid' || range)) {
    const why =
      spellings[base] ??
      (type === 'object' || type === 'array' || type === 'boolean'
        ? undefined
        : 'equal values of it may be spelled in several ways');
    throw new TenantDefinitionError(
      '-',
      'id',
      `Use a uuid, text, integer or bigint column for the tenancy "${name}": ` +
        `a value of ${sqlType} cannot name a tenant${why ? `, since ${why}` : ''}`,
    );
  }
  const wrong = (value: unknown) => ({ reason: `expected ${sqlType}, got ${kindOf(value, type)}` });
  if (is(column, PgCustomColumn))
    return custom(
      column,
      isText ? textOf(column, sqlType) : base === 'uuid' ? uuidOf(wrong) : integerOf(range!, wrong),
      wrong,
    );
  if (base === 'uuid') return uuidOf(wrong);
  if (isText || isEnum) return textOf(column, sqlType);
  const own = integerRanges[constraint ?? ''] ?? range!;
  const check = integerOf(own, wrong);
  return (value) => (typeof value === type ? check(value) : wrong(value));
}

const uuidOf =
  (wrong: Wrong): Check =>
  (value) => {
    if (typeof value !== 'string') return wrong(value);
    if (uuid.test(value)) return value;
    return uuid.test(value.toLowerCase()) ? value.toLowerCase() : wrong(value);
  };

function textOf(column: PgColumn, sqlType: string): Check {
  const length = column.length ?? (Number(/\((\d+)\)/.exec(sqlType)?.[1] ?? Number.NaN) || undefined);
  return (value) => {
    if (typeof value !== 'string') return { reason: `expected ${sqlType}, got ${kindOf(value)}` };
    if (value === '') return { reason: 'it is empty' };
    if (value.includes('\0')) return { reason: 'it contains a NUL character, which PostgreSQL cannot store' };
    if (!value.isWellFormed()) return { reason: 'it is not well-formed Unicode' };
    if (length !== undefined && [...value].length > length) return { reason: `it is longer than ${sqlType}` };
    if (column.enumValues && !column.enumValues.includes(value)) return { reason: `it is not a value of ${sqlType}` };
    return value;
  };
}

function integerOf([least, most]: readonly [bigint, bigint], wrong: Wrong): Check {
  const inRange = (value: bigint) => value >= least && value <= most;
  return (value) => {
    if (typeof value === 'bigint') return inRange(value) ? value : wrong(value);
    if (typeof value === 'number')
      return Number.isSafeInteger(value) && !Object.is(value, -0) && inRange(BigInt(value)) ? value : wrong(value);
    return typeof value === 'string' && /^(0|-?[1-9]\d{0,19})$/.test(value) && inRange(BigInt(value))
      ? value
      : wrong(value);
  };
}

/**
 * A type of the application's own: an id is the value that it reads back of what it sent, so that one value has one
 * spelling.
 */
function custom(column: PgColumn, sent: Check, wrong: Wrong): Check {
  return (value) => {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return wrong(value);
    if (value === '') return { reason: 'it is empty' };
    try {
      const driver = sent(column.mapToDriverValue(value));
      if (typeof driver === 'object') return wrong(value);
      const read = column.mapFromDriverValue(driver as any) as unknown;
      const isValue =
        typeof read === 'string' || typeof read === 'bigint' || (typeof read === 'number' && Number.isFinite(read));
      return isValue && sent(column.mapToDriverValue(read)) === driver ? (read as IdValue) : wrong(value);
    } catch {
      return wrong(value);
    }
  };
}

type Wrong = (value: unknown) => { readonly reason: string };

function kindOf(value: unknown, type?: string): string {
  if (value === null) return 'null';
  if (value === '') return 'an empty string';
  const whole = type === 'number' ? 'a number out of its range' : 'a number';
  if (typeof value === 'number') return Number.isInteger(value) ? whole : Number.isNaN(value) ? 'NaN' : 'a fraction';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'undefined') return 'undefined';
  return (
    `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ` +
    `${typeof value}${type === 'string' && typeof value === type ? ' of another form' : ''}`
  );
}
