/**
 * Two roles for row-level security: the application's, whom the policies hold, and the administrator's, whom they do
 * not. Migrations run as the tables' owner, which is neither.
 */
import { ident, keyOf, literal, quoted, type TableName } from '../names.js';
import { doBlock } from '../quotes.js';
import type { Migrated } from '../changes.js';
import type { Entities } from '../snapshot.js';

export interface Roles {
  readonly application: string;
  readonly administrator?: string;
}

const said = ({ application, administrator }: Roles) =>
  [application, ...(administrator === undefined ? [] : [administrator])].map(ident).join(', ');

/** @returns what a migration adds for the roles: once who they are, and for each new table what they may do */
export function roleStatements({ before, after, prev, next }: Migrated): string[] {
  const { roles } = next;
  if (!roles) return [];
  const isNew = JSON.stringify(prev.roles) !== JSON.stringify(roles);
  const there = new Set([...after.moved.values()].flatMap((it) => (it ? [keyOf(it)] : [])));
  const fresh = (names: TableName[]) => (isNew ? names : names.filter((it) => !there.has(keyOf(it))));
  const tables = fresh(namesOf(after, 'tables'));
  const old = new Set(namesOf(before, 'views').map(keyOf));
  const views = namesOf(after, 'views').filter((it) => isNew || !old.has(keyOf(it)));
  const schemas = [...new Set([...namesOf(after, 'tables'), ...namesOf(after, 'views')].map((it) => it.schema))].sort();
  const known = new Set(
    isNew ? [] : [...namesOf(before, 'tables'), ...namesOf(before, 'views')].map((it) => it.schema),
  );
  return [
    ...(isNew ? [create(roles, next.citus)] : []),
    ...schemas.filter((it) => !known.has(it)).flatMap((it) => inSchema(it, roles)),
    ...grants(tables, views, roles),
  ];
}

const namesOf = (entities: Entities, type: 'tables' | 'views'): TableName[] =>
  entities
    .list(type)
    .filter((it) => type === 'tables' || typeof it.definition === 'string')
    .map((it) => ({ schema: it.schema, name: it.name }))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));

function inSchema(schema: string, roles: Roles): string[] {
  const [name, to] = [ident(schema), said(roles)];
  return [
    `GRANT USAGE ON SCHEMA ${name} TO ${to};`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${name} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${to};`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${name} GRANT USAGE, SELECT ON SEQUENCES TO ${to};`,
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${name} TO ${to};`,
  ];
}

const grants = (tables: readonly TableName[], views: readonly TableName[], roles: Roles): string[] => [
  ...(tables.length > 0
    ? [`GRANT SELECT, INSERT, UPDATE, DELETE ON ${tables.map(quoted).join(', ')} TO ${said(roles)};`]
    : []),
  ...(views.length > 0 ? [`GRANT SELECT ON ${views.map(quoted).join(', ')} TO ${said(roles)};`] : []),
];

/**
 * A role that is there stays as it is, with its password. What would undo the policies is refused. Citus connects to
 * its workers as the role of the statement, so that there each role has to be one that may log in.
 */
function create({ application, administrator }: Roles, onCitus: boolean): string {
  const make = (name: string, bypass: boolean) => {
    const [sql, found] = [
      `CREATE ROLE ${ident(name)} ${onCitus ? 'LOGIN' : 'NOLOGIN'}${bypass ? ' BYPASSRLS' : ''}`,
      `SELECT FROM pg_roles WHERE rolname = ${literal(name)}`,
    ];
    const wrong = bypass ? `NOT (rolbypassrls OR rolsuper)` : `(rolbypassrls OR rolsuper)`;
    const remedy = bypass ? `ALTER ROLE ${ident(name)} BYPASSRLS` : `ALTER ROLE ${ident(name)} NOSUPERUSER NOBYPASSRLS`;
    const why = bypass ? 'the policies hide every row from it' : 'the policies do not hold it back';
    return [
      `\tIF NOT EXISTS (${found}) THEN`,
      '\t\tBEGIN',
      `\t\t\t${sql};`,
      '\t\tEXCEPTION WHEN insufficient_privilege THEN',
      `\t\t\tRAISE EXCEPTION USING MESSAGE = ` +
        `${literal(
          `Have a role that may do it run ${sql}; and then the migration again: this one may not. ` +
            'Nothing was changed.',
        )};`,
      '\t\tEND;',
      `\tELSIF EXISTS (${found} AND ${wrong}) THEN`,
      `\t\tRAISE EXCEPTION USING MESSAGE = ` +
        `${literal(`Run ${remedy}; and then the migration again: ${why}. Nothing was changed.`)};`,
      '\tEND IF;',
    ];
  };
  return [
    '-- Roles that row-level security tells apart. To log in: ALTER ROLE ... ' +
      'LOGIN PASSWORD, or grant them to roles that do.',
    doBlock('roles', [
      'BEGIN',
      ...make(application, false),
      ...(administrator === undefined ? [] : make(administrator, true)),
      'END',
    ]),
  ].join('\n');
}
