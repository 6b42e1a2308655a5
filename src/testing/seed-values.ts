/** The values that a seeder writes: each follows from a number, so that the same seed writes the same rows. */
import type { PgColumn } from 'drizzle-orm/pg-core';

/**
 * A generator of numbers from 0 to 1 that always gives the same ones: mulberry32, begun with a hash of what it is for.
 */
export function randomOf(...what: readonly unknown[]): () => number {
  let state = 0x811c9dc5;
  for (const character of JSON.stringify(what)) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a column can hold, where that is not much. */
export function choicesOf(column: any): readonly unknown[] | undefined {
  if (column.dimensions > 0) return undefined;
  return column.enumValues?.length > 0 ? column.enumValues : column.dataType === 'boolean' ? [false, true] : undefined;
}

/**
 * @param n which value: another number gives another value, as far as the type has them
 * @returns undefined for a type of which nothing is known
 */
export function valueOf(column: PgColumn, n: number): unknown {
  const { dimensions = 0 } = column as any;
  const value = elementOf(column, n);
  if (value === undefined) return undefined;
  let nested = value;
  for (let i = 0; i < dimensions; i++) nested = [nested];
  return nested;
}

const day = 86_400_000;
const start = Date.UTC(2024, 0, 1);

function elementOf(column: any, n: number): unknown {
  // What a type of the application's own takes is its own.
  if (column.dataType === 'custom') return undefined;
  const choices = choicesOf({ enumValues: column.enumValues, dataType: column.dataType });
  if (choices) return choices[n % choices.length];
  const type: string = column.getSQLType().replace(/\(.*/, '');
  const date = new Date(start + n * day);
  switch (type) {
    case 'smallint':
    case 'integer':
    case 'bigint':
    case 'numeric':
    case 'real':
    case 'double precision':
      return ofNumber(column.dataType, n + 1);
    case 'text':
    case 'varchar':
    case 'char':
      return textOf(column, n);
    case 'uuid':
      return uuidOf(n);
    case 'timestamp':
    case 'timestamp with time zone':
      return column.dataType === 'object date' ? date : date.toISOString();
    case 'date':
      return column.dataType === 'object date' ? date : date.toISOString().slice(0, 10);
    case 'time':
      return new Date((n * 61_000) % day).toISOString().slice(11, 19);
    case 'interval':
      return `${n + 1} minutes`;
    case 'json':
    case 'jsonb':
      return { n: n + 1 };
    case 'bytea':
      return Buffer.from(`${n + 1}`);
    case 'inet':
    case 'cidr':
      return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
    case 'vector':
    case 'halfvec':
      return Array.from({ length: column.length }, (_, i) => ((n + i) % 7) / 7);
    case 'point':
      return column.dataType === 'array point' ? [n, n + 1] : { x: n, y: n + 1 };
    default:
      return undefined;
  }
}

const ofNumber = (dataType: string, n: number) =>
  dataType.startsWith('bigint') ? BigInt(n) : dataType.startsWith('string') ? String(n) : n;

function textOf({ name, length }: any, n: number): string {
  const text = `${name} ${n + 1}`;
  return length === undefined || text.length <= length
    ? text
    : (n + 1).toString(36).padStart(length, '0').slice(-length);
}

function uuidOf(n: number): string {
  const random = randomOf('uuid', n);
  const digits = Array.from({ length: 8 }, () =>
    Math.floor(random() * 65_536)
      .toString(16)
      .padStart(4, '0'),
  );
  const [a, b, c, d, e, f, g, h] = digits as [string, string, string, string, string, string, string, string];
  return `${a}${b}-${c}-4${d.slice(1)}-8${e.slice(1)}-${f}${g}${h}`;
}
