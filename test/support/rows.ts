/** The rows of the isolation suite: tenants that share every id and name, and differ in what the rows say. */
import { account, workspace } from './schema.js';

export const a = account.parse('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa');
export const b = account.parse('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb');
export const c = account.parse('cccccccc-cccc-4ccc-8ccc-cccccccccccc');
export const w = workspace.parse('dddddddd-dddd-4ddd-8ddd-dddddddddddd');
export const v = workspace.parse('eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee');

/** Every table with rows of tenants, and its tenant column: parents first. */
export const tenantTables = [
  ['accounts', 'id'],
  ['users', 'accountId'],
  ['projects', 'accountId'],
  ['tasks', 'accountId'],
  ['project_users', 'accountId'],
  ['crm.notes', 'account_id'],
  ['x_labels', 'accountId'],
  ['workspaces', 'id'],
  ['boards', 'workspaceId'],
] as const;

export const referenceRows = `
insert into countries values (1, 'Chile', 'CL'), (2, 'Ghana', 'GH'), (3, 'Japan', 'JP');`;

/**
 * One tenant's rows. The ids and names are those of the other tenants; `own` goes into what differs. A tenant with
 * more has rows where the others have none: a project without tasks here has tasks there.
 */
export const rowsOf = (id: unknown, own: string, n: number) => `
insert into accounts values ('${id}', 'Account ${own}', ${n});
insert into users ("accountId", id, name, email, "managerId") values
  ('${id}', 1, 'ann', 'ann@${own}', null), ('${id}', 2, 'ben', 'ben@x', 1), ('${id}', 3, 'cy', null,
    ${n === 1 ? 1 : 2}),
  ('${id}', 4, 'dee', 'dee@${own}', 3);
insert into projects ("accountId", id, name, status, "ownerId", "countryId", budget, tags, meta, "createdAt") values
  ('${id}', 1, 'north', 'open', 1, 1, ${n}00, '{${own},x}', '{"level": ${n}, "label": "${own}"}',
    '2024-0${n}-01 00:00:00'),
  ('${id}', 2, 'south', '${n === 1 ? 'paused' : 'open'}', 2, ${n}, ${n}50.5, '{}', null, '2024-01-0${n} 00:00:00'),
  ('${id}', 3, 'east', 'closed', ${n === 1 ? 'null' : '3'}, null, null, '{y}', '{}', null)
  ${n === 1 ? '' : `, ('${id}', 5, 'only ${own}', 'open', 4, 3, 9, '{z}', null, null)`};
insert into tasks ("accountId", id, "projectId", "parentId", "assigneeId", title, done, points) values
  ('${id}', 1, 1, null, 1, 'plan', true, ${n}), ('${id}', 2, 1, 1, 2, 'Build ${own}', false, ${n * 3}),
  ('${id}', 3, 2, ${n === 1 ? 'null' : '2'}, ${n === 1 ? 'null' : '3'}, 'ship', ${n !== 1}, ${n === 1 ? 'null' : n}),
  ('${id}', 4, 2, 3, 1, 'rest', false, 1)
  ${n === 1 ? '' : `, ('${id}', 5, 3, null, 2, 'secret ${own}', false, 50), ('${id}', 6, 5, 5, 4, 'hidden', true, 60)`};
insert into project_users values
  ('${id}', 1, 1, 'lead'), ('${id}', 1, 2, '${own}'), ('${id}', 2, ${n === 1 ? 3 : 4}, 'member')
  ${n === 1 ? '' : `, ('${id}', 3, 1, 'lead'), ('${id}', 2, 1, 'lead')`};
insert into crm.notes (account_id, id, "taskId", body, "order", "from") values
  ('${id}', 1, 1, 'first ${own}', 2, '${own}'), ('${id}', 2, 1, 'second', 1, null), ('${id}', 3, 2, 'third ${own}',
    ${n}, 'x')
  ${n === 1 ? '' : `, ('${id}', 4, 3, 'fourth ${own}', 0, null)`};
insert into x_labels ("accountId", id, "taskId", name) values ('${id}', 1, 1, 'red'), ('${id}', 2,
  ${n === 1 ? 2 : 4}, '${own}')
  ${n === 1 ? '' : `, ('${id}', 3, 3, 'red')`};`;

const workspaceRows = (id: unknown, own: string) => `
insert into workspaces values ('${id}', 'Workspace ${own}');
insert into boards values ('${id}', 1, 'board ${own}'), ('${id}', 2, 'same');`;

const refresh = `
refresh materialized view project_sizes;`;

/** Three accounts and two workspaces. */
export const manyRows =
  referenceRows +
  rowsOf(b, 'b', 2) +
  rowsOf(a, 'a', 1) +
  rowsOf(c, 'c', 3) +
  workspaceRows(v, 'v') +
  workspaceRows(w, 'w') +
  refresh;
/** Account a, and nothing else but the reference tables. */
export const aloneRows = referenceRows + rowsOf(a, 'a', 1) + refresh;
