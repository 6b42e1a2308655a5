/** Every case: a text, whose rows it may touch, and what is said of it. */
import type { Given } from '../../../../src/sql/given.js';
import { a } from '../../../support/rows.js';
import { numbered } from '../support.js';
import * as everybody from './everybody.js';
import * as expressions from './expressions.js';
import * as meeting from './meeting.js';
import * as one from './one.js';
import * as parameters from './parameters.js';
import * as several from './several.js';
import * as types from './types.js';

export interface Case {
  readonly text: string;
  readonly count: number;
  readonly more: Partial<Given> & { readonly reach: Given['reach'] };
  /** What a later grammar might say in place of what the parser says: a piece of the tree, as JSON. */
  readonly later?: readonly [from: string, to: string];
  /** Words of the reason; undefined for one that is accepted. */
  readonly reason?: RegExp | undefined;
}

const countOf = (text: string) => Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((it) => Number(it[1])));

/** With the tenant's values as `proveScoped` knows them. */
function known(text: string, reason?: RegExp): Case {
  const { sql, params } = numbered(text);
  const parameters = new Set(params.flatMap((it, i) => (it === a ? [i + 1] : [])));
  return {
    text: sql,
    count: params.length,
    more: { reach: 'one', known: { values: new Set([String(a)]), parameters, arrays: new Set() } },
    reason,
  };
}

const of = (reach: Given['reach'], text: string, count: number, reason?: RegExp): Case => ({
  text,
  count,
  more: { reach },
  reason,
});
const any = /./;

const bound = 'select p.name from projects p where p."accountId" = $1';
const later: readonly (readonly [text: string, from: string, to: string, reason?: RegExp])[] = [
  [`${bound} and exists (select 1)`, 'EXISTS_SUBLINK', 'MULTIEXPR_SUBLINK'],
  [
    `${bound} and exists (select 1)`,
    '{"SelectStmt":{"targetList":[{"ResTarget":{"val":{"A_Const":{"ival":{"ival":1}',
    '{"OtherStmt":{"targetList":[{"ResTarget":{"val":{"A_Const":{"ival":{"ival":1}',
  ],
  [`${bound} and p.id = 1`, '"A_Const":{"ival":{"ival":1}', '"A_Other":{"ival":{"ival":1}'],
  [`${bound} and p.id = 1`, '"A_Const":{"ival":{"ival":1}', '"A_Const":{"other":true,"ival":{"ival":1}'],
  [`${bound} and p.id between 1 and 2`, 'AEXPR_BETWEEN', 'AEXPR_OTHER'],
  [`${bound} limit 1`, '"limitOption":"LIMIT_OPTION_COUNT"', '"limitOption":"LIMIT_OPTION_COUNT","otherClause":true'],
  [`select 1 from countries c join countries d on true`, 'JOIN_INNER', 'JOIN_OTHER'],
  [`select 1 from countries c join countries d on true`, '"JoinExpr":{', '"JoinExpr":{"other":true,'],
  [`select 1 from countries`, '"RangeVar"', '"RangeOther"'],
  [`select 1 from countries`, '"RangeVar":{', '"RangeVar":{"other":true,'],
  [`select 1 from countries c`, '"alias":{', '"alias":{"other":true,'],
  [`select 1 from (select 1) c`, '"subquery":{"SelectStmt"', '"subquery":{"OtherStmt"'],
  [`select 1 from unnest(array[1]) c`, '"RangeFunction":{', '"RangeFunction":{"other":true,'],
  [`with c as (select 1) select 1`, '"ctequery":{"SelectStmt"', '"ctequery":{"OtherStmt"'],
  [`with c as (select 1) select 1`, '"CommonTableExpr":{', '"CommonTableExpr":{"other":true,'],
  [
    `with recursive c(x) as (select 1 union select x from c) cycle x set y using z select 1 from c`,
    '"cycle_clause":{',
    '"cycle_clause":{"other":true,',
  ],
  [
    `with recursive c(x) as (select 1 union select x from c) cycle x set y using z select 1 from c`,
    '"cycle_mark_value":{"A_Const"',
    '"cycle_mark_value":{"A_Expr"',
    /an expression marks a cycle/,
  ],
  [`select 1 union select 2`, '"op":"SETOP_UNION",', '"op":"SETOP_UNION","fromClause":[],'],
  [
    `delete from projects p where p."accountId" = $1`,
    '"aliasname":"p"',
    '"aliasname":"p","colnames":[{"String":{"sval":"accountId"}}]',
    /other names/,
  ],
  [`delete from projects p where p."accountId" = $1`, '"DeleteStmt":{', '"DeleteStmt":{"other":true,'],
  [
    `insert into projects ("accountId", id) values ($1, 1) on conflict do nothing`,
    '"onConflictClause":{',
    '"onConflictClause":{"other":true,',
  ],
  [`set local work_mem = '1MB'`, '"A_Const"', '"A_Expr"', /which rows are seen/],
];

export const cases: readonly Case[] = [
  ...one.accepted.map((it) => known(it)),
  ...one.refused.filter(([text]) => text.length < 10_000).map(([text, reason]) => known(text, reason)),
  ...[...meeting.ofEach, ...meeting.overAll].map((it) => of('all', it, countOf(it))),
  ...meeting.refusedAcross.map(([text, reason]) => of('all', text, countOf(text), reason)),
  ...several.accepted.map((it) => of('several', it, 0)),
  ...several.refused.map(([text, reason]) => of('several', text, 0, reason)),
  ...parameters.accepted.map(([text, count, more]): Case => ({ text, count, more: { reach: 'one', ...more } })),
  ...parameters.refused.map(
    ([text, count, more, reason]): Case => ({ text, count, more: { reach: 'one', ...more }, reason }),
  ),
  ...everybody.ofOne.map((it) => of('one', it, 0)),
  ...everybody.notOfOne.map(([text, reason]) => of('one', text, 0, reason)),
  ...everybody.ofSeveral.map((it) => of('several', it, 0)),
  ...everybody.notOfSeveral.map((it) =>
    of('several', it, 0, /of different tenants would meet|runs over the rows of every tenant/),
  ),
  ...everybody.ofAll.map((it) => of('all', it, 0)),
  ...everybody.counted.map((it) => of('all', it, 0)),
  ...everybody.notCounted.map((it) => of('all', it, 0, /of different tenants would meet/)),
  ...everybody.notOfAll.map((it) => of('all', it, 0, any)),
  ...[...expressions.settings, ...expressions.types, ...expressions.systemColumns].map((it) => of('one', it, 0)),
  ...[...expressions.notSettings, ...expressions.notSystemColumns].map((it) => of('one', it, 0, any)),
  ...types.keeping.map((it) => of('one', it, 0)),
  ...types.changing.map((it) => of('one', it, 0, /not bound|not this handle's tenant/)),
  ...later.map(
    ([text, from, to, reason = /is not understood|no query/]): Case => ({
      ...of('one', text, 0, reason),
      later: [from, to],
    }),
  ),
  ...expressions.notCastAtOnce.map((it) => of('one', it, 0, /Cast it to text at once/)),
  ...expressions.notTypes.map((it) => of('one', it, 0, /not a plain one|looks into/)),
];
