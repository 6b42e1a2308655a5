/**
 * The private parts of postgres.js that the repairs stand on. They are looked for when a client is given, and on the
 * first connection: a version that has renamed one is refused with its name, and not taken for one that has been
 * mended.
 */
import { UnsupportedTenantOperationError } from '../errors.js';

type Kinds = Readonly<Record<string, 'function' | 'any'>>;

const ofQuery: Kinds = {
  handler: 'function',
  canceller: 'function',
  resolve: 'function',
  reject: 'function',
  options: 'any',
  active: 'any',
  cancelled: 'any',
  state: 'any',
};
/** `reserved` and `onclose` are not there before they are set. */
const ofConnection: Kinds = { execute: 'function', terminate: 'function' };

const missing = (parts: Kinds, of: any): string[] =>
  Object.entries(parts).flatMap(([name, kind]) =>
    kind === 'function' ? (typeof of?.[name] === 'function' ? [] : [name]) : of && name in of ? [] : [name],
  );

function refusal(what: string, names: readonly string[]): UnsupportedTenantOperationError | undefined {
  if (names.length === 0) return undefined;
  return new UnsupportedTenantOperationError(
    `Install postgres 3.4, from 3.4.9 on, or connect with node-postgres: a ${what} of this version has no ` +
      `${names.join(', ')}, ` +
      "without which one query can be given another's answer when a connection is lost.",
  );
}

/**
 * @param client of postgres.js; nothing is sent
 * @returns why it cannot be used, or undefined
 */
export const refusalOfClient = (client: any): Error | undefined =>
  refusal('query', missing(ofQuery, client.unsafe('')));

const known = new WeakSet<object>();

/** @returns why a connection cannot be used, or undefined; each is looked at once */
export function refusalOfConnection(connection: object): Error | undefined {
  if (known.has(connection)) return undefined;
  const found = refusal('connection', missing(ofConnection, connection));
  if (!found) known.add(connection);
  return found;
}

let isTold = false;

/** Said once: what is not repaired may fail another's query, and shows nobody another's rows. */
export function warn(what: string): void {
  if (isTold) return;
  isTold = true;
  console.warn(`drizzle-tenant: ${what} in this version of postgres.js. Install postgres 3.4, from 3.4.9 on.`);
}
