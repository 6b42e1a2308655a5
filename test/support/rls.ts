/** Row-level security for the test schema, as drizzle-tenant/kit writes it, and a role that it holds back. */
import { createPolicy, enable, ourPolicies } from '../../src/kit/generate/policies.js';
import { emptyState, type TableState } from '../../src/kit/state.js';
import { tenantSetting } from '../../src/rls/names.js';
import { tenantTables } from './rows.js';

/** A role without superuser, BYPASSRLS or tables of its own. */
export const role = 'drizzle_tenant_app';
const password = 'app';

/** The same database, logged in as that role. */
export const asRole = (url: string) => Object.assign(new URL(url), { username: role, password }).href;

export const createRole = `
do $$ begin
  create role ${role} login password '${password}';
exception when duplicate_object or unique_violation then null;
end $$`;

/** A role that policies do not hold back, and that the other is a member of. */
export const admin = 'drizzle_tenant_across';

/** Files of tests that run at once create it for one server. */
export const createAdmin = `
do $$ begin
  create role ${admin} bypassrls;
exception when duplicate_object or unique_violation then null;
end $$;
do $$ begin
  for attempt in 1..50 loop
    begin
      if not exists (select from pg_auth_members where roleid = '${admin}'::regrole
        and member = '${role}'::regrole) then grant ${admin} to ${role}; end if;
      exit;
    exception when internal_error or unique_violation then perform pg_sleep(0.05);
    end;
  end loop;
end $$`;

/** What a role needs to work with the tables of a schema. TRUNCATE would pass by the policies. */
export const grants = (...schemas: string[]) =>
  schemas.map(
    (it) =>
      `grant usage on schema ${it} to ${role}; grant select, insert, update, delete ` +
      `on all tables in schema ${it} to ${role}; grant all on all sequences in schema ${it} to ${role}`,
  );

/** The policies of one table. */
export const policiesOf = (table: string, column: string, type: string, tenancy: string, sole: boolean): string[] => {
  const [name, schema = 'public'] = table.split('.').reverse() as [string, string?];
  const state: TableState = {
    schema,
    name,
    kind: 'tenant',
    tenancy,
    column,
    type,
    rls: { setting: tenantSetting(tenancy, sole) },
  };
  // As Citus gets them, so that the same statements are right there.
  return [
    ...ourPolicies(state, [], { ...emptyState, citus: true }).map((it) => createPolicy(state, it)),
    ...enable(state),
  ].map((it) => it.replace(/;$/, ''));
};

/** All of it, for the schema of the isolation suite. */
export const rlsStatements = (): string[] => [
  createRole,
  ...tenantTables.flatMap(([table, column]) =>
    policiesOf(table, column, 'uuid', table === 'workspaces' || table === 'boards' ? 'workspace' : 'account', false),
  ),
  // A view reads as its owner, who is a superuser here.
  'alter view open_tasks set (security_invoker = true)',
  ...grants('public', 'crm'),
];
