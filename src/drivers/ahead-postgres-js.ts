/**
 * A statement on postgres.js with another one ahead of it, in one transaction without BEGIN and COMMIT: what is sent
 * before one Sync of the protocol is one transaction, and where the first fails, the server skips the rest.
 *
 * postgres.js sends one statement before each Sync. So the messages of the first are put before the values of the
 * second as they are written: the function that writes values gives its caller the writer of postgres.js. Whether it
 * came so is seen in each answer, which has a result for either.
 *
 * All of it is sent at once, on a connection that waits for nothing: a pooler may give the server to somebody else when
 * the answer to an earlier statement ends, though it has passed on a part of the next one.
 */
import { UnsupportedTenantOperationError } from '../errors.js';
import type { SettingStatement } from '../rls/settings.js';
import type { Query } from './postgres-js-query.js';

/** What writes the messages of postgres.js. */
interface Writer {
  i: number;
  end: (at?: number) => Uint8Array;
}

interface Statement {
  readonly string: unknown;
  readonly types: unknown;
  readonly name: unknown;
  columns?: unknown;
}

/** A connection, as a query knows it. */
type Backend = { readonly pid: number | null };

/** What postgres.js sets when it is about to write a query. */
interface Building {
  readonly state: Backend | null;
  readonly active: boolean;
  readonly options: { simple?: boolean };
  prepared: unknown;
  describeFirst: unknown;
  statement: Statement;
  [given]: unknown;
  [ahead]: SettingStatement;
  [isBehind]: boolean;
}

const given = Symbol('given');
const ahead = Symbol('ahead');
const isBehind = Symbol('is behind others');

const prototypes = new WeakMap<object, object>();

/**
 * @param query of postgres.js, by the extended protocol, which is to be prepared
 * @param statement comes ahead of it
 */
export function withAhead(query: Query, statement: SettingStatement): Query {
  const base = Object.getPrototypeOf(query);
  if (!prototypes.has(base)) prototypes.set(base, Object.create(base, building));
  return Object.setPrototypeOf(Object.assign(query, { [ahead]: statement }), prototypes.get(base)!);
}

/** Set each time that a query is about to be written on a connection, and asked for when all is known of how. */
const building: PropertyDescriptorMap & ThisType<Building> = {
  parameters: {
    get() {
      if (this[isBehind]) sendNothing(this);
      return this[given];
    },
    set(values: unknown[]) {
      this[isBehind] = !this.active;
      this[given] = values && !this[isBehind] ? withMessages(values, this) : values;
    },
  },
};

/** It comes again. */
function sendNothing(query: Building): void {
  query.options.simple = true;
  query.describeFirst = false;
  query.statement = { string: '', types: [], name: '' };
}

/** Whether a query came behind others on its connection, and was not sent. */
export const wasBehind = (query: object): boolean => (query as Building)[isBehind];

/** @returns the second of the two results @throws UnsupportedTenantOperationError where there are not two */
export function behind(results: any): any {
  // A list of results is a plain array, and a result is not.
  const isList = Array.isArray(results) && Object.getPrototypeOf(results) === Array.prototype;
  if (isList && results.length === 2 && results[0].command === 'SELECT') return results[1];
  throw unexpected();
}

let isAsExpected = typeof Buffer === 'function';

/** Whether statements can be put ahead: postgres.js has been as it is known to be. */
export const canBeAhead = (): boolean => isAsExpected;

function unexpected(): Error {
  isAsExpected = false;
  return new UnsupportedTenantOperationError(
    'Use postgres 3.4: this version sends statements in another way, so that row-level security was told of no tenant.',
  );
}

/**
 * Values that write the statement ahead when they are bound. Where the text is not prepared yet, it is parsed before.
 */
function withMessages(values: unknown[], query: Building): unknown[] {
  let isBound = false;
  let isParsed = false;
  (values as { forEach: unknown }).forEach = (write: (value: unknown, i: number) => Writer) => {
    if (isBound || (!query.prepared && !isParsed)) {
      isParsed = true;
      return each(values, write);
    }
    // Null is four bytes.
    const writer = write(null, 0);
    if (typeof writer?.end !== 'function') throw unexpected();
    writer.i -= 4;
    each(values, write);
    isBound = true;
    query.statement = new Kept(query.statement);
    const [at, { end }] = [writer.i, writer];
    // Only the end of this very message, before which two bytes come.
    writer.end = (from) => {
      writer.end = end;
      const message = end(from);
      return writer.i === 0 && message.length === at + 2 ? Buffer.concat([messagesOf(query), message]) : message;
    };
  };
  return values;
}

function each(values: readonly unknown[], write: (value: unknown, i: number) => unknown): void {
  for (let i = 0; i < values.length; i++) write(values[i], i);
}

/** A statement whose columns stay: the answer to the statement ahead says, later, that it has none. */
class Kept implements Statement {
  readonly string: unknown;
  readonly types: unknown;
  readonly name: unknown;

  constructor(readonly own: Statement) {
    ({ string: this.string, types: this.types, name: this.name } = own);
  }

  get columns() {
    return this.own.columns;
  }

  set columns(columns: unknown) {
    this.own.columns ??= columns;
  }
}

/** Under which names a server has parsed what comes ahead, as long as the connection is to that server. */
const parsed = new WeakMap<object, { readonly pid: number | null; readonly names: Map<string, string> }>();

/** Forgets what was parsed on the connection of a query: the server may have. */
export const forget = (query: object): void => {
  const { state } = query as Building;
  if (state) parsed.delete(state);
};

/** No other process may have a statement of the same name: behind a pooler they share connections. */
let prefix: string | undefined;
let count = 0;
const nextName = () => `${(prefix ??= `drizzle_tenant_${crypto.randomUUID().replaceAll('-', '')}`)}_a${++count}`;

/** Parse, where the server does not know it, Bind, Execute, and Describe, by which postgres.js begins a new result. */
function messagesOf({ state, [ahead]: { text, values } }: Building): Uint8Array {
  let known = parsed.get(state!);
  if (!known || known.pid !== state!.pid) parsed.set(state!, (known = { pid: state!.pid, names: new Map() }));
  let name = known.names.get(text);
  if (name !== undefined) return bind(name, values);
  known.names.set(text, (name = nextName()));
  return Buffer.concat([parse(name, text), bind(name, values)]);
}

function parse(name: string, text: string): Uint8Array {
  const length = Buffer.byteLength(name) + Buffer.byteLength(text) + 8;
  const message = Buffer.alloc(1 + length, 'P');
  let at = message.writeInt32BE(length, 1);
  at += message.write(`${name}\0${text}\0`, at);
  message.writeInt16BE(0, at);
  return message;
}

function bind(name: string, values: readonly string[]): Uint8Array {
  let length = name.length + 12;
  for (const value of values) length += 4 + Buffer.byteLength(value);
  const message = Buffer.allocUnsafe(1 + length + executeAndDescribe.length);
  message[0] = 66;
  let at = message.writeInt32BE(length, 1);
  at += message.write(`\0${name}\0\0\0`, at, 'latin1');
  at = message.writeInt16BE(values.length, at);
  for (const value of values) {
    const size = message.write(value, at + 4);
    message.writeInt32BE(size, at);
    at += 4 + size;
  }
  at = message.writeInt16BE(0, at);
  message.set(executeAndDescribe, at);
  return message;
}

const executeAndDescribe = Uint8Array.of(69, 0, 0, 0, 9, 0, 0, 0, 0, 0, 68, 0, 0, 0, 6, 80, 0);
