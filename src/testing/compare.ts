/** What two runs of one program have in common, although each makes its own uuids at its own time. */

interface Likeness {
  /** The uuids that were there before: they stand for themselves. */
  readonly known: ReadonlySet<string>;
  /** When the runs began, in milliseconds: a later date is one of now. */
  readonly now: number;
  readonly ordered: boolean;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const timestamp = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/;

/** Every text in a value. */
export function valuesOf(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (typeof value === 'string') found.add(value);
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) valuesOf(inner, found);
  return found;
}

/** A value as it is compared: plain data, with a word in place of what is new. */
export function comparable(value: unknown, likeness: Likeness): unknown {
  if (value instanceof Date) return value.getTime() >= likeness.now - 1_000 ? '<now>' : value.toISOString();
  if (typeof value === 'bigint') return `${value}n`;
  if (value === undefined) return '<undefined>';
  if (typeof value === 'string') {
    if (uuid.test(value)) return likeness.known.has(value) ? value : '<new uuid>';
    if (timestamp.test(value)) return Date.parse(value) >= likeness.now - 1_000 ? '<now>' : value;
    return value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Map || value instanceof Set) return comparable([...value], likeness);
  if (Array.isArray(value)) {
    const list = value.map((it) => comparable(it, likeness));
    return likeness.ordered ? list : list.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
  }
  return Object.fromEntries(
    Object.entries(value)
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([key, it]) => [key, comparable(it, likeness)]),
  );
}
