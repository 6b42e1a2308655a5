/** Prepared queries of Drizzle's, executed in fewer steps: they give what Drizzle's own `execute` gives. */
import { DrizzleQueryError, Param, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { PgAsyncPreparedQuery } from 'drizzle-orm/pg-core/async';
import { afterEach, expect, test, vi } from 'vitest';
import { executionOf } from '../../src/drivers/execution.js';
import { tasks } from '../support/schema.js';

interface Sent {
  readonly text: string;
  readonly params: unknown[];
}

/** A query on a client that sends nothing, as a session of Drizzle's prepares it. */
function prepare({
  answer = async () => [['7']],
  mapper = (rows: any) => rows.flat().map(Number),
  params = [sql.placeholder('a'), new Param(sql.placeholder('b'), tasks.done), 3] as unknown[],
  options = {} as object,
  cache = undefined as object | undefined,
}: {
  answer?: (sent: Sent) => Promise<unknown>;
  mapper?: ((rows: any) => unknown) | undefined;
  params?: unknown[];
  options?: object;
  cache?: object | undefined;
} = {}) {
  const sent: Sent[] = [];
  const unsafe = (text: string, given: unknown[]) => {
    const it = { text, params: given };
    sent.push(it);
    return { values: () => answer(it) };
  };
  const client: any = Object.assign(() => {}, { options: { parsers: {}, serializers: {} }, unsafe });
  const db: any = drizzle({ client, ...options });
  const query = { sql: 'select 1', params };
  return { prepared: db.session.prepareQuery(query, 'arrays', false, mapper, undefined, cache), sent };
}

/** What came of it: a value, or an error with its class, message and cause. */
const outcome = async (run: () => Promise<unknown>) => {
  let promise;
  try {
    promise = run();
  } catch (error) {
    return { thrown: error };
  }
  return promise.then(
    (value) => ({ value }),
    (error: any) => ({ class: error.constructor, message: error.message, params: error.params, cause: error.cause }),
  );
};

const cases: Record<string, [Parameters<typeof prepare>[0], Record<string, unknown> | undefined]> = {
  'rows and placeholders': [{}, { a: 1, b: true }],
  'no mapper': [{ mapper: undefined }, { a: 1, b: null }],
  'no parameters and no values': [{ params: [] }, undefined],
  'a value is missing': [{}, { a: 1 }],
  'no values at all': [{}, undefined],
  'the server refuses': [{ answer: () => Promise.reject(new Error('no')) }, { a: 1, b: true }],
  'and the parameters are shown': [
    { answer: () => Promise.reject(new Error('no')), options: { paramsInErrors: true } },
    { a: 1, b: true },
  ],
  'the mapper fails': [
    {
      mapper: () => {
        throw new TypeError('no such row');
      },
    },
    { a: 1, b: true },
  ],
  'the client throws': [
    {
      answer: () => {
        throw new TypeError('no such client');
      },
    },
    { a: 1, b: true },
  ],
  'the logger throws': [
    {
      options: {
        logger: {
          logQuery() {
            throw new RangeError('the disk is full');
          },
        },
      },
    },
    { a: 1, b: true },
  ],
};

test.for(Object.entries(cases))('as Drizzle executes it: %s', async ([, [made, values]]) => {
  const [own, quick] = [prepare(made), prepare(made)];
  const expected = await outcome(() => own.prepared.execute(values));
  expect(await outcome(() => executionOf(quick.prepared)(values))).toEqual(expected);
  expect(quick.sent).toEqual(own.sent);
  expect(expected).not.toHaveProperty('thrown');
});

test('a query that nobody watches takes one promise', async () => {
  const { prepared } = prepare();
  const answer = Promise.resolve([['1']]);
  const caught = vi.spyOn(answer, 'catch');
  prepared.executor = () => answer;
  expect(await executionOf(prepared)({ a: 1, b: true })).toEqual([1]);
  expect(caught).not.toHaveBeenCalled();
});

test('an answer in place of an error', async () => {
  const refusal = Object.assign(new Error('cached plan'), { code: '0A000' });
  const failed = vi.fn((error: any) => (error.code || error.cause?.code ? Promise.resolve('again') : undefined));
  const { prepared } = prepare({ answer: () => Promise.reject(refusal) });
  expect(await executionOf(prepared, failed)({ a: 1, b: true })).toBe('again');
  expect(failed).toHaveBeenCalledExactlyOnceWith(refusal, { a: 1, b: true });
  const other = prepare({ answer: () => Promise.reject(new Error('other')) });
  await expect(executionOf(other.prepared, failed)({ a: 1, b: true })).rejects.toThrow(DrizzleQueryError);
});

const { execute } = PgAsyncPreparedQuery.prototype;
afterEach(() => void (PgAsyncPreparedQuery.prototype.execute = execute));

test.each(['with an answer', 'without'])('what watches a query sees it: %s', async (how) => {
  const failed = how === 'without' ? undefined : () => Promise.resolve('again');
  const wrapped = vi.fn(execute);
  PgAsyncPreparedQuery.prototype.execute = wrapped as never;
  expect(await executionOf(prepare().prepared, failed)({ a: 1, b: true })).toEqual([7]);
  expect(wrapped).toHaveBeenCalledOnce();
  PgAsyncPreparedQuery.prototype.execute = execute;

  const get = vi.fn(() => undefined);
  const store = { strategy: () => 'explicit', get, put: async () => {}, onMutate: async () => {} };
  const { prepared } = prepare({
    options: { cache: store },
    cache: { enabled: true, tag: 'a', autoInvalidate: false },
  });
  Object.assign(prepared, { queryMetadata: { type: 'select', tables: () => ['tasks'] } });
  expect(await executionOf(prepared, failed)({ a: 1, b: true })).toEqual([7]);
  expect(get).toHaveBeenCalledOnce();
});
