/** Types of a tenant: which casts keep its value. */
import { bigint, integer, varchar } from 'drizzle-orm/pg-core';
import { tenancy, tenantTable } from '../../../../src/index.js';

const cut = tenancy('cut', () => varchar({ length: 5 }));
const big = tenancy('big', () => bigint({ mode: 'bigint' }));
tenantTable('ty_cuts', { cut: cut.id(), id: integer().primaryKey() });
tenantTable('ty_bigs', { big: big.id(), id: integer().primaryKey() });

const ofCut = (type: string) => `select * from ty_cuts where cut = $1::${type}`;
const ofBig = (type: string) => `select * from ty_bigs where big = $1::${type}`;

export const keeping: readonly string[] = [
  ...['varchar', 'text', 'varchar(5)', 'character varying(5)', 'pg_catalog.text'].map(ofCut),
  ...['bigint', 'int8', 'int', 'smallint'].map(ofBig),
  `insert into ty_bigs (big, id) values ($1::bigint, 1)`,
];

export const changing: readonly string[] = [
  ...[
    'varchar(1)',
    'char',
    'char(5)',
    '"char"',
    'bpchar',
    'name',
    'text[]',
    'my.text',
    'citext',
    'varchar(6)',
    'pg_catalog.varchar(3)',
  ].map(ofCut),
  ...['float8', 'real', 'numeric(3)', 'numeric', 'money', 'oid'].map(ofBig),
  `select * from ty_bigs where big = $1 + 0`,
  `insert into ty_bigs (big, id) values ($1::float8, 1)`,
];
