/** What the two roles of a migration may do, and may not: on PostgreSQL and, with its URL, on Citus. */
import { pgView, text, uuid } from 'drizzle-orm/pg-core';
import { sql as part } from 'drizzle-orm';
import type postgres from 'postgres';
import { expect } from 'vitest';
import { referenceTable, tenancy, tenantTable } from '../../src/schema/index.js';
import type { TenancyOptions } from '../../src/kit/index.js';
import { History } from './support.js';

const account = tenancy('account', uuid);
const schema = () => {
  const countries = referenceTable('countries', { id: text().primaryKey() });
  const accounts = tenantTable('accounts', {
    id: account.id().primaryKey(),
    country: text().references(() => countries.id),
  });
  const names = pgView('names', { accountId: account.id('account_id') })
    .with({ securityInvoker: true })
    .as(part.raw('select id as account_id from accounts'));
  return { countries, accounts, names };
};

export async function tryRoles(sql: postgres.Sql, citus: TenancyOptions['citus']): Promise<void> {
  const [application, administrator] = [`kit_app_${process.pid}`, `kit_admin_${process.pid}`];
  const tenancyOptions: TenancyOptions = { citus, rls: true, roles: { application, administrator } };
  const run = (statements: string[]) =>
    sql.begin(async (tx) => {
      for (const it of statements) await tx.unsafe(it);
    });
  const [a, b] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
  const as = (role: string, text: string) =>
    sql.begin(async (tx) => {
      await tx.unsafe(`SET LOCAL ROLE ${role}`);
      if (citus) await tx.unsafe(`SET LOCAL citus.propagate_set_commands = 'local'`);
      await tx.unsafe(`SET LOCAL app.tenant_id = '${a}'`);
      return tx.unsafe(text);
    });
  try {
    const history = new History();
    const first = await history.next({ schema: schema(), tenancy: tenancyOptions });
    // Who is there already, and would undo the policies.
    await sql.unsafe(`CREATE ROLE ${application} BYPASSRLS`);
    await expect(run(first)).rejects.toThrow(
      `Run ALTER ROLE "${application}" NOSUPERUSER NOBYPASSRLS; and then the migration again`,
    );
    await sql.unsafe(`ALTER ROLE ${application} NOBYPASSRLS LOGIN`);
    await run(first);
    const notes = tenantTable('notes', {
      accountId: account.id('account_id'),
      id: uuid().primaryKey().defaultRandom(),
    });
    const second = await history.next({ schema: { ...schema(), notes }, tenancy: tenancyOptions });
    expect(second.join('\n')).toContain(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON "notes" TO "${application}", "${administrator}";`,
    );
    expect(second.join('\n')).not.toContain('CREATE ROLE');
    await run(second);
    expect(await history.next({ schema: { ...schema(), notes }, tenancy: tenancyOptions })).not.toContainEqual(
      expect.stringContaining('GRANT'),
    );
    await sql.unsafe(`INSERT INTO accounts (id) VALUES ('${a}'), ('${b}')`);
    await as(application, `INSERT INTO notes (account_id) VALUES ('${a}')`);
    await expect(as(application, `INSERT INTO notes (account_id) VALUES ('${b}')`)).rejects.toThrow(
      'row-level security',
    );
    expect(await as(application, 'SELECT id FROM accounts')).toEqual([{ id: a }]);
    expect(await as(application, 'SELECT * FROM names')).toHaveLength(1);
    expect(await as(administrator, 'SELECT id FROM accounts')).toHaveLength(2);
    await as(administrator, `INSERT INTO notes (account_id) VALUES ('${b}')`);
    await expect(as(application, 'TRUNCATE notes')).rejects.toThrow('permission denied');
    await expect(as(application, 'ALTER TABLE notes DISABLE ROW LEVEL SECURITY')).rejects.toThrow('must be owner');
  } finally {
    for (const role of [application, administrator])
      await sql.unsafe(`DROP OWNED BY ${role}; DROP ROLE ${role}`).catch(() => {});
  }
}
