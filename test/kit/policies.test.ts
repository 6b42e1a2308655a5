/** Policies on plain PostgreSQL: ours is restrictive, so that one that is added by hand opens nothing. */
import type { PGlite } from '@electric-sql/pglite';
import { sql } from 'drizzle-orm';
import { boolean, integer, pgPolicy, uuid, type PgPolicy } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdsTenant } from '../../src/rls/policies.js';
import { tenancy, tenantTable } from '../../src/schema/index.js';
import { History } from './support.js';
import { createPglite } from '../support/pglite.js';

const account = tenancy('account', uuid);
const [a, b] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'] as const;
const schemaOf = (own: (t: any) => PgPolicy[] = () => []) => ({
  notes: tenantTable(
    'notes',
    { accountId: account.id('account_id'), id: integer().primaryKey(), open: boolean().notNull() },
    own,
  ),
});

describe('on PostgreSQL', { timeout: 60_000 }, () => {
  let db: PGlite;
  beforeAll(async () => {
    db = await createPglite();
    await db.exec('create role app');
  });
  afterAll(() => db.close());
  const migrate = async (history: History, schema: object) => {
    for (const statement of await history.next({ schema: schema as any, tenancy: { citus: false, rls: true } }))
      await db.exec(statement);
    await db.exec('grant select, insert, update, delete on notes to app');
  };
  const seen = async () => {
    await db.exec(`set role app; set app.tenant_id = '${a}'`);
    const { rows } = await db.query<any>('select account_id, id from notes order by 1, 2');
    await db.exec('reset role; reset app.tenant_id');
    return rows.map((it) => `${it.account_id.at(-1)}${it.id}`);
  };

  it('shows the tenant its rows, whatever is added', async () => {
    const history = new History();
    await migrate(history, schemaOf());
    await db.exec(
      `insert into notes values ('${a}', 1, true), ('${a}', 2, false), ('${b}', 1, true), ('${b}', 2, false)`,
    );
    expect(await seen()).toEqual(['a1', 'a2']);
    await db.exec('create policy hand on notes using (true) with check (true)');
    expect(await seen()).toEqual(['a1', 'a2']);
    await db.exec('drop policy hand on notes');
    await migrate(
      history,
      schemaOf((t) => [pgPolicy('own', { using: sql`${t.open}` })]),
    );
    expect(await seen()).toEqual(['a1']);
    await migrate(
      history,
      schemaOf((t) => [
        pgPolicy('own', { using: sql`${t.open}` }),
        pgPolicy('narrow', { as: 'restrictive', using: sql`${t.id} > 1` }),
      ]),
    );
    expect(await seen()).toEqual([]);
    await migrate(history, schemaOf());
    expect(await seen()).toEqual(['a1', 'a2']);
  });

  it('also where the policies were written by a version that knew one', async () => {
    const history = new History();
    const schema = schemaOf();
    await history.next({ schema, tenancy: { citus: false, rls: true } });
    const { tables } = history.state!;
    history.state = {
      ...history.state!,
      tables: {
        ...tables,
        'public.notes': { ...tables['public.notes']!, rls: { setting: 'app.tenant_id', as: 'PERMISSIVE' } },
      },
    };
    const statements = await history.next({ schema, tenancy: { citus: false, rls: true } });
    expect(statements.slice(1).map((it) => it.replace(/ USING .*/, ''))).toEqual([
      'DROP POLICY "tenant_isolation" ON "notes";',
      'CREATE POLICY "tenant_isolation" ON "notes" AS RESTRICTIVE',
      'CREATE POLICY "tenant_access" ON "notes"',
    ]);
  });
});

it.each(['true) or (true', "a = '", 'true -- x', 'true /* x', "a = E'\\'", '$$a$$ = open', ')('])(
  'refuses an expression that could end early: %s',
  async (expression) => {
    const schema = schemaOf(() => [pgPolicy('own', { using: sql.raw(expression) })]);
    await expect(new History().next({ schema, tenancy: { citus: {}, rls: true } })).rejects.toMatchObject({
      faults: [{ rule: 'definition', table: 'notes' }],
    });
  },
);

it.each(['tenant_isolation', 'tenant_access'])('refuses a policy that is called %s', async (name) => {
  const schema = schemaOf(() => [pgPolicy(name, { using: sql`true` })]);
  for (const citus of [{}, false] as const) {
    await expect(new History().next({ schema, tenancy: { citus, rls: true } })).rejects.toMatchObject({
      faults: [{ rule: 'definition', remedy: `Give the policy "${name}" another name` }],
    });
  }
});

it('writes the tenant condition into a policy that is linked to its table', async () => {
  const { notes } = schemaOf();
  const statements = await new History().next({
    schema: { notes, own: pgPolicy('own', { using: sql`true` }).link(notes as any) },
    tenancy: { citus: {}, rls: true },
  });
  expect(statements.filter((it) => it.includes('POLICY'))).toEqual([
    `CREATE POLICY "own" ON "notes" USING (("account_id" = nullif(current_setting('app.tenant_id', true), ` +
      "'')::uuid) AND (true));",
  ]);
});

describe('the tenant condition in what PostgreSQL prints', () => {
  const value = "(NULLIF(current_setting('app.tenant_id'::text, true), ''::text))";
  const tenant = { column: 'a', settings: ['app.tenant_id'], types: ['uuid', 'uuid'] };
  it.each([
    `(a = ${value}::uuid)`,
    `((a = ${value}::uuid) AND g)`,
    `(g AND ((h OR g) AND (a = ${value}::uuid)))`,
    `(${value}::uuid = a)`,
    `(a = (current_setting('app.tenant_id'::text))::uuid)`,
    `("a" = ${value}::uuid)`,
  ])('is in %s', (expression) => expect(holdsTenant(expression, tenant)).toBe(true));
  it.each([
    'true',
    `(b = ${value}::uuid)`,
    `("A" = ${value}::uuid)`,
    `((a = ${value}::uuid) OR g)`,
    `(((a = ${value}::uuid) AND g) OR g)`,
    `(NOT (a = ${value}::uuid))`,
    `(((a = ${value}::uuid) AND g) IS NOT FALSE)`,
    `COALESCE(((a = ${value}::uuid) AND g), true)`,
    `(a <> ${value}::uuid)`,
    `(a >= ${value}::uuid)`,
    `(a = COALESCE(${value}::uuid, a))`,
    `((a)::character varying(1) = ${value}::uuid)`,
    `(a = ${value}::character(1))`,
    `(a = (NULLIF(current_setting('app.other'::text, true), ''::text))::uuid)`,
    `(g AND (x = '(a = ${value.replaceAll("'", "''")}::uuid) AND '::text))`,
    `(EXISTS ( SELECT 1 FROM t WHERE (a = ${value}::uuid) AND g))`,
    `((ARRAY[((a = ${value}::uuid) AND g), true])[2])`,
  ])('is not in %s', (expression) => expect(holdsTenant(expression, tenant)).toBe(false));
});
