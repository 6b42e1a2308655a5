/** Errors as Citus passes them on from a worker: a message with the names of shards, and no fields for them. */
import { expect, it } from 'vitest';
import { dbErrorOf } from '../../src/effect/db-error.js';

const passedOn = (code: string, message: string) =>
  dbErrorOf(Object.assign(new Error(message), { code, detail: 'Key (id)=(secret)', routine: 'ReportResultError' }))
    .reason;

it.each([
  [
    '23505',
    'duplicate key value violates unique constraint "projects_pkey_102054"',
    { _tag: 'UniqueViolation', constraint: 'projects_pkey' },
  ],
  [
    '23503',
    'insert or update on table "tasks_102086" violates foreign key constraint "tasks_project_fkey_102086"',
    {
      _tag: 'ForeignKeyViolation',
      constraint: 'tasks_project_fkey',
      table: 'tasks',
      message: 'insert or update on table "tasks" violates foreign key constraint "tasks_project_fkey"',
    },
  ],
  [
    '23503',
    'update or delete on table "users_102118" violates foreign key constraint "a_fkey_102086" on table "tasks_102086"',
    { constraint: 'a_fkey', table: 'users' },
  ],
  [
    '23514',
    'new row for relation "projects_102054" violates check constraint "budget_2"',
    { _tag: 'CheckViolation', constraint: 'budget_2', table: 'projects' },
  ],
  [
    '23505',
    'duplicate key value violates unique constraint "name_1_102054"',
    { _tag: 'UniqueViolation', constraint: 'name_1' },
  ],
  [
    '23503',
    'insert or update on table "tasks_3_102086" violates foreign key constraint "tasks_2_102086"',
    { constraint: 'tasks_2', table: 'tasks_3' },
  ],
  [
    '23P01',
    'conflicting key value violates exclusion constraint "during_1_excl_102054"',
    { _tag: 'ExclusionViolation', constraint: 'during_1_excl' },
  ],
  [
    '23502',
    'null value in column "line_2" of relation "projects_102054" violates not-null constraint',
    { _tag: 'NotNullViolation', column: 'line_2', table: 'projects' },
  ],
])('%s: %s', (code, message, expected) => {
  const reason = passedOn(code, message);
  expect(reason).toMatchObject(expected);
  expect(JSON.stringify({ ...reason, message: reason.message })).not.toMatch(/secret|_10\d{4}/);
});
