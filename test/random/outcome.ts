/** What a program did, in a form that is compared: results, errors, and what it left in the tables. */
/** What one step of a program gave. */
export interface Result {
  readonly value?: unknown;
  readonly error?: Record<string, unknown>;
  /** What had to be refused, and was not. */
  readonly unrefused?: true;
}

/**
 * How the rows of a step are compared: in any order, in theirs, or not at all, since the statement has to be refused.
 */
export type Expected = boolean | 'refused';

/** A value as it is compared: lists without their order unless the program orders them. */
function comparable(value: unknown, ordered: boolean): unknown {
  if (value === null || typeof value !== 'object')
    return typeof value === 'bigint' ? `${value}n` : value === undefined ? null : value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const list = value.map((it) => comparable(it, ordered));
    return ordered || list.length < 2
      ? list
      : list
          .map((it) => [JSON.stringify(it), it] as const)
          .sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))
          .map(([, it]) => it);
  }
  const { rows, fields, rowCount } = value as any; // What node-postgres returns, with the oids of its tables.
  if (Array.isArray(rows) && Array.isArray(fields)) return { rowCount, rows: comparable(rows, ordered) };
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, comparable(it, ordered)]));
}

/**
 * The steps of one program on one database: their results, in order.
 *
 * @returns `step`, which a program calls, and the results
 */
export function recorder() {
  const results: Result[] = [];
  const step = async (run: () => unknown, ordered: Expected = false): Promise<void> => {
    const at = results.push({}) - 1;
    try {
      results[at] = {
        value: comparable(await run(), ordered === true),
        ...(ordered === 'refused' && { unrefused: true }),
      };
    } catch (thrown) {
      const error = errorOf(thrown);
      results[at] = { error, ...(ordered === 'refused' && error.tag === undefined && { unrefused: true }) };
      // An error ends the transaction around it.
      throw new Failed(thrown);
    }
  };
  return { results, step };
}

/** Carries an error out of a transaction, past steps that would only repeat that it failed. */
export class Failed extends Error {
  constructor(readonly thrown: unknown) {
    super('a step failed');
  }
}

function errorOf(thrown: unknown): Record<string, unknown> {
  const error = (thrown instanceof Failed ? thrown.thrown : thrown) as any;
  if (thrown instanceof Failed) return { passed: true };
  if (error?._tag) return { tag: error._tag, message: error.message };
  const cause = error?.cause ?? error;
  if (typeof cause?.code === 'string' && /^[0-9A-Z]{5}$/.test(cause.code)) {
    // Of several rows that break rules, the first one is told of, and which that is the plan says.
    if (cause.code.startsWith('23')) return { code: '23' };
    return { code: cause.code, message: cause.message };
  }
  return { name: cause?.name, message: String(cause?.message ?? cause), code: cause?.code };
}

/** Whether a result shows that something was found, changed or refused. */
export function isTelling({ value, error }: Result): boolean {
  if (error) return true;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null)
    return 'rowCount' in value ? (value as any).rowCount > 0 : Object.keys(value).length > 0;
  return typeof value === 'number' ? value > 0 : value !== null;
}
