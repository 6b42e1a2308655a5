/**
 * The device of these tests: a statement runs as confined SQL over three tenants, and as it was written over a database
 * that holds one tenant's rows under ordinary keys. What it returns or raises must be equal, and so must be what it
 * leaves.
 */
import postgres from 'postgres';
import { afterAll, beforeAll, expect } from 'vitest';
import { allDeclared } from '../../../src/scope/declared.js';
import { confine } from '../../../src/sql/confine/index.js';
import type { Given } from '../../../src/sql/given.js';
import { loadParser, type Parse } from '../../../src/sql/load.js';
import { statementOf } from '../../../src/sql/parser.js';
import { Refusal } from '../../../src/sql/refusal.js';
import { Tables } from '../../../src/sql/tables.js';
import { dropDatabases, freshDatabase } from '../../support/databases.js';
import { a, b, c } from '../../support/rows.js';
import * as schema from '../../support/schema.js';
import { stateOf } from '../../support/state.js';

export const tables = new Tables(allDeclared(Object.values(schema) as object[]));
let parse: Parse;

/** Confines a text, for a handle of one account unless `more` says otherwise. */
export function confined(text: string, count = 0, more: Partial<Given> = {}): string {
  const given: Given = {
    reach: 'one',
    filters: true,
    tenancy: schema.account,
    tables,
    functions: new Set(),
    count,
    ...more,
  };
  return confine(statementOf(parse, text), text, given).text;
}

/** Why a text is refused. */
export function refusalOf(text: string, count = 0, more: Partial<Given> = {}): string {
  try {
    return `not refused: ${confined(text, count, more)}`;
  } catch (error) {
    if (error instanceof Refusal) return `${error.remedy}: ${error.reason}`;
    if ((error as any)._tag) return `${(error as any)._tag}: ${(error as Error).message}`;
    throw error;
  }
}

/** Keys as an application without tenants has them: each key and unique index without the tenant column. */
const ordinaryKeys = `
do $$
declare it record;
begin
  create temp table keys as select conrelid::regclass::text as t, conname as name, pg_get_constraintdef(oid) as def
    from pg_constraint where contype = 'f';
  for it in select * from keys loop execute format('alter table %s drop constraint %I', it.t, it.name); end loop;
  for it in select c.indrelid::regclass::text as t, c.indexrelid::regclass as name, pg_get_indexdef(c.indexrelid) as
    def, c.indisprimary
    from pg_index c join pg_class r on r.oid = c.indrelid join pg_namespace n on n.oid = r.relnamespace
    where c.indisunique and n.nspname in ('public', 'crm') and pg_get_indexdef(c.indexrelid) ~
      '\\(("accountId"|account_id), ' loop
    if it.indisprimary then
      execute format('alter table %s drop constraint %I', it.t, (select conname from pg_constraint
        where conindid = it.name));
      execute format('alter table %s add primary key %s', it.t, regexp_replace(substring(it.def
        from '\\(.*'), '^\\(("accountId"|account_id), ', '('));
      execute format('alter table %s add unique %s', it.t, substring(it.def from '\\(.*'));
    else
      execute regexp_replace(regexp_replace(it.def, 'INDEX [^ ]+ ON', 'INDEX ON'), '\\(("accountId"|account_id), ',
        '(');
    end if;
  end loop;
  for it in select * from keys loop execute format('alter table %s add constraint %I %s', it.t, it.name,
    it.def); end loop;
end $$`;

export interface Outcome {
  readonly result?: unknown;
  readonly error?: string;
  readonly own?: unknown;
  readonly others?: unknown;
}

/** Runs a statement in a transaction that is rolled back. */
async function outcomeOf(
  client: postgres.Sql,
  text: string,
  params: readonly unknown[],
  isOrdered: boolean,
): Promise<Outcome> {
  let outcome: Outcome = {};
  await client
    .begin(async (tx) => {
      try {
        const rows = await tx.savepoint((it) => it.unsafe(text, params as any[]).values());
        const list = [...rows].map((it) => JSON.stringify(it));
        outcome = { result: isOrdered ? list : list.sort() };
      } catch (error) {
        outcome = { error: (error as any).code ?? String(error) };
      }
      const { own, others } = await stateOf((it) => tx.unsafe(it) as any);
      outcome = { ...outcome, own, others };
      throw new Error('rollback');
    })
    .catch((error: Error) => {
      if (error.message !== 'rollback') throw error;
    });
  return outcome;
}

export function onServer() {
  let many: postgres.Sql;
  let alone: postgres.Sql;
  let before: Outcome;

  beforeAll(async () => {
    parse = await loadParser();
    const clients = await Promise.all(
      (['many', 'alone'] as const).map(async (it) =>
        postgres((await freshDatabase(it)).url, { max: 1, onnotice: () => {} }),
      ),
    );
    [many, alone] = clients as [postgres.Sql, postgres.Sql];
    await alone.unsafe(ordinaryKeys);
    before = await outcomeOf(many, 'select 1', [], false);
  });
  afterAll(async () => {
    await Promise.all([many?.end(), alone?.end()]);
    await dropDatabases();
  });

  return {
    get many() {
      return many;
    },

    /** Compares a statement over many tenants with the same over one alone. */
    async same(text: string, params: readonly unknown[] = []): Promise<Outcome> {
      const sent = confined(text, params.length);
      const values = sent.includes(`$${params.length + 1}`) ? [...params, a] : params;
      const isOrdered = /order by/i.test(text);
      const [ours, plain] = [
        await outcomeOf(many, sent, values, isOrdered),
        await outcomeOf(alone, text, params, isOrdered),
      ];
      expect({ ...ours, others: undefined }, sent).toEqual({ ...plain, others: undefined });
      expect(ours.others, sent).toEqual(before.others);
      return ours;
    },

    /** Compares a statement over several tenants, or all, with what each one's handle gives. */
    async union(text: string, reach: 'several' | 'all', params: readonly unknown[] = []): Promise<Outcome> {
      const ids = reach === 'all' ? [a, b, c] : [a, b];
      const valuesOf = (sent: string, tenant: unknown) =>
        sent.includes(`$${params.length + 1}`) ? [...params, tenant] : params;
      const sent = confined(text, params.length, { reach });
      const ours = await outcomeOf(many, sent, valuesOf(sent, ids), false);
      const each: Outcome[] = [];
      for (const id of ids) {
        const one = confined(text, params.length);
        each.push(await outcomeOf(many, one, valuesOf(one, id), false));
      }
      const error = each.find((it) => it.error)?.error;
      const result = each.flatMap((it) => (it.result ?? []) as string[]).sort();
      expect({ error: ours.error, result: ours.result }, sent).toEqual(
        error ? { error, result: undefined } : { error: undefined, result },
      );
      return ours;
    },
  };
}
