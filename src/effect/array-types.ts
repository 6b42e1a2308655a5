/**
 * The array types of a database, for postgres.js. It can ask for them itself when it connects, but leaves a rejected
 * promise that nobody handles, and that ends the process, where the connection is lost before the answer.
 */
import { makePgArray, parsePgArray } from 'drizzle-orm/pg-core';

const arrayTypes = 'select oid, typarray from pg_catalog.pg_type where typarray <> 0';
const box = 1020;

const each = (values: readonly unknown[], change: (value: any) => unknown): any[] =>
  values.map((value) => (Array.isArray(value) ? each(value, change) : change(value)));

/** @param client a client of postgres.js: all that share its options read and write arrays from then on */
export async function learnArrayTypes(client: any): Promise<void> {
  const { parsers, serializers, shared } = client.options;
  for (const [oid, array] of await client.unsafe(arrayTypes).values()) {
    if (parsers[array] && serializers[array]) continue;
    const delimiter = array === box ? ';' : ',';
    const parse = parsers[oid] ?? ((text: string) => text);
    const serialize = serializers[oid] ?? String;
    shared.typeArrayMap[oid] = array;
    parsers[array] = (text: string) => each(parsePgArray(text, delimiter), parse);
    serializers[array] = (value: unknown) =>
      Array.isArray(value)
        ? makePgArray(
            each(value, (it) => (it === null ? null : String(serialize(it)))),
            delimiter,
          )
        : value;
  }
}
