import { integer, uuid } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { RawSqlNotScopedError, tenancy, tenantTable } from '../../../src/index.js';
import { proveScoped } from '../../../src/testing/index.js';
import { cases } from './cases/index.js';
import { refused } from './cases/one.js';
import { laterParse, proveText, refusalOf } from './prove-text.js';
import { proveCase } from './support.js';

const short = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}...` : text);
const titled = cases.map(
  (it) => [it.more.filters === false ? 'write-only' : it.more.reach, short(it.text), it] as const,
);

describe('accepts', () => {
  test.each(titled.filter(([, , it]) => !it.reason))(
    '%s: %s',
    (_, __, { text, count, more }) => void proveText(text, more.reach, count, more),
  );
});

describe('refuses', () => {
  test.each(titled.filter(([, , it]) => it.reason))('%s: %s', (_, __, { text, count, more, reason, later }) => {
    expect(refusalOf(() => proveText(text, more.reach, count, more, undefined, later && laterParse(...later)))).toMatch(
      reason!,
    );
  });
});

describe('proveScoped throws the typed errors', () => {
  test.each(refused.map(([text, reason, type]) => [short(text), text, reason, type ?? RawSqlNotScopedError] as const))(
    '%s',
    async (_, text, reason, type) => {
      const error = await proveCase(text).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(type);
      expect((error as Error).message).toMatch(reason);
      expect((error as Error).cause).toBeUndefined();
    },
  );
});

test('a remedy can be typed in, whatever a table and its columns are called', async () => {
  const quoted = tenancy('quoted', uuid);
  const tenant = quoted.parse(crypto.randomUUID());
  const tables = { odd: tenantTable('a"b', { tenant: quoted.id('c"d'), id: integer().primaryKey() }) };
  const remedy = (text: string) =>
    proveScoped(text, { tables, tenant, params: [] }).then(
      () => 'accepted',
      (error: Error) => error.message,
    );
  expect(await remedy('select id from "a""b"')).toMatch(/^Bind it with "a""b"\."c""d" = \$\{tenantId\}/);
  expect(await remedy('insert into "a""b" (id) values (1)')).toMatch(/^Name "c""d" in the columns of the INSERT/);
});
