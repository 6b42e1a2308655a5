/** Each statement gives what it gives as plain SQL over one tenant's rows, or is refused for a reason. */
import { describe, expect, test } from 'vitest';
import { statements } from './statements.js';
import { onServer, refusalOf } from './support.js';

const server = onServer();

/** What only tells of the machine, or is for the prover to refuse, and what is refused here. */
const refused = new Map<string, string>([
  [
    `insert into x_labels select * from x_labels`,
    'Name the columns of the INSERT, which are declared as ("id", "taskId", "name")',
  ],
  [`update tasks set "accountId" = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb'`, 'ImmutableTenantError'],
  [`explain select * from tasks`, 'Use db.acrossTenants({ reason })'],
  [`select id from tasks; delete from tasks`, 'Send one statement at a time'],
  [`copy tasks to stdout`, 'Read with select().stream() and write with insert()'],
  [`truncate tasks`, 'Use tdb.delete(table)'],
  [`lock table tasks`, "Lock rows, as in select().for('update')"],
  [`commit`, 'Use tdb.transaction(...)'],
  [`show timezone`, "Ask a connection outside of the handles: settings are no tenant's: SHOW is no query"],
  [`do $$begin end$$`, 'Write what it does as statements'],
  [`alter table tasks add x int`, 'Run it in a migration'],
  [
    `create index on tasks (title)`,
    'Run it in a migration, or through a connection outside of the handles: it is for every tenant: CREATE INDEX is no',
  ],
  [
    `vacuum tasks`,
    'Run it in a migration, or through a connection outside of the handles: it is for every tenant: VACUUM is no',
  ],
  [
    `analyze tasks`,
    'Run it in a migration, or through a connection outside of the handles: it is for every tenant: ANALYZE is no',
  ],
  [`select title from tasks where title like '%' escape '\\'`, "leave out escape '\\'"],
  [`declare c cursor for select 1`, 'select().stream()'],
  [`execute x`, 'Use db.prepare(tenancy, ...)'],
  [`notify x`, 'pg_notify(channel, payload)'],
  [`listen x`, 'Listen through a connection of its own'],
  [`call f()`, 'trusts, in a query'],
  [`discard all`, "Use the handle's own methods"],
  [`select * from pg_class`, 'Leave the system catalogs out'],
  [`select * from unknown_table`, 'UnscopedTableError: Declare "unknown_table"'],
  [`update countries set name = 'x'`, 'UnscopedTableError: Write "countries" through db.shared'],
  [`insert into countries values (9, 'x', 'X')`, 'UnscopedTableError: Write "countries" through db.shared'],
  [`select 1 into foo from tasks`, 'Put the rows into a CTE'],
  [`create table foo as select * from tasks`, 'WITH ... AS MATERIALIZED'],
]);
const forTheProver = [
  /^set role/,
  /ctid/,
  /xmin/,
  /query_to_xml/,
  /^insert into x_labels \("accountId", id, name\) values \('bbb/,
];

describe('statements by hand', () => {
  for (const text of statements) {
    const remedy = refused.get(text);
    if (remedy) test(`refused: ${text}`, () => expect(refusalOf(text)).toContain(remedy));
    else if (!forTheProver.some((it) => it.test(text))) test(text, async () => void (await server.same(text)));
  }
});
