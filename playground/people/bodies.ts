/** What requests may say: JSON, of which each value is looked at before it is used. */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { normal } from './secrets.js';

type Check<T> = (value: string) => T | undefined;
const long =
  (least: number, most: number): Check<string> =>
  (value) =>
    value.length >= least && value.length <= most ? value : undefined;

export const text = {
  any: long(0, 1000),
  note: long(1, 10_000),
  name: (value: string) => long(1, 100)(value.trim()),
  /** Short ones are guessed; of longer ones, scrypt reads each character. */
  password: long(10, 200),
  email: (value: string) => (/^[^\s@]+@[^\s@]+$/.test(value.trim()) && value.length <= 254 ? normal(value) : undefined),
} satisfies Record<string, Check<string>>;

export const oneOf =
  <T extends string>(values: readonly T[]): Check<T> =>
  (value) =>
    values.find((it) => it === value);

/**
 * @returns the values that `checks` names, and no other
 * @throws HTTPException with 400 that names what is wrong
 */
export async function body<T extends Record<string, Check<string>>>(
  c: Context,
  checks: T,
): Promise<{ [K in keyof T]: NonNullable<ReturnType<T[K]>> }> {
  // No form of another site can send this type without asking first.
  if (!/^application\/json\b/.test(c.req.header('content-type') ?? ''))
    throw new HTTPException(415, { message: 'Send application/json' });
  const given: unknown = await c.req.json().catch(() => undefined);
  const entries = Object.entries(checks).map(([key, check]) => {
    const value =
      typeof given === 'object' && given !== null && Object.hasOwn(given, key)
        ? (given as Record<string, unknown>)[key]
        : undefined;
    const checked = typeof value === 'string' && !value.includes('\0') ? check(value) : undefined;
    if (checked === undefined) throw new HTTPException(400, { message: `${key}: not as it should be` });
    return [key, checked];
  });
  return Object.fromEntries(entries);
}
