/** A text that would hold the event loop for long is refused before it does. */
import { describe, expect, test } from 'vitest';
import { confine } from '../../../src/sql/confine/index.js';
import type { ReachKind } from '../../../src/sql/given.js';
import { loadParser } from '../../../src/sql/load.js';
import { statementOf } from '../../../src/sql/parser.js';
import * as schema from '../../support/schema.js';
import { refusalOf } from '../prove/prove-text.js';
import { tables } from './support.js';

const parse = await loadParser();
const list = (n: number, of: (i: number) => string, between = ', ') =>
  Array.from({ length: n }, (_, i) => of(i)).join(between);
const nested = (n: number, open: (i: number) => string, inner: string, close = ')') =>
  list(n, open, '') + inner + close.repeat(n);
const wide = `with c as (select ${list(1_600, (i) => `1 a${i}`)})`;
const recursions = (n: number): string =>
  n === 0
    ? 'select 1 as x'
    : `select x from r, (with recursive r(x) as (select 1 union ${recursions(n - 1)}) select x from r) q`;

/** Each took from a second to a minute. */
const texts: Record<string, string> = {
  'a wide query, named often': `${wide} select 1 from ${list(1_800, (i) => `c x${i}`)}`,
  'a star of many wide ones': `${wide} select * from ${list(1_000, (i) => `c x${i}`)}`,
  'many stars of a wide one': `${wide} select ${list(1_000, () => '(select 1 from (select * from c) x)')}`,
  'stars within one another': `${wide} ${nested(1_000, () => 'select * from (', 'select * from c', ') y')}`,
  'NATURAL of wide ones': `${wide} select 1 from c x ${list(60, (i) => `natural join c x${i}`, ' ')}`,
  'names among many sources':
    `select 1 from ${list(1_300, (i) => `generate_series(1, 2) x${i}`)} ` +
    `where ${list(7_000, () => 'x9.x9 is null', ' and ')}`,
  'bare names among many sources':
    `select 1 from tasks, ${list(1_300, (i) => `generate_series(1, 2) x${i}`)} ` +
    `where ${list(9_000, () => 'x9 = 1', ' and ')}`,
  'names of queries around':
    'select 1 from countries z ' +
    nested(
      200,
      (i) => ` where exists (select 1 from ${list(20, (j) => `countries y${i}_${j}`)}`,
      ` where ${list(9_000, () => 'z.id is null', ' and ')}`,
    ),
  'names in queries within one another':
    'select 1 from countries z ' +
    `${nested(300, (i) => ` where exists (select ${list(20, () => 'z.id')} from countries y${i}`, '')}`,
  'recursions within one another':
    `/* ${' '.repeat(2_000)} */ with recursive r(x) as (select 1 union ${recursions(25)}) ` + 'select x from r',
  'recursions in the WITH of one':
    `/* ${' '.repeat(2_000)} */ with recursive r(x) as (with recursive r(x) as (select 1 ` +
    `union ${recursions(25)}) select 1 union select x from r) select x from r`,
  'groups by names of many tables':
    `select 1 from ${list(90, (i) => `tasks t${i}`)} ` + `group by ${list(20_000, () => 'id')}`,
  'DISTINCT ON of many columns':
    `select distinct on (${list(20_000, () => '1600')}) ${list(1_600, (i) => `id a${i}`)} ` + 'from tasks',
  'many sources': `select 1 from ${list(2_500, (i) => `countries c${i}`)}`,
  'what is returned':
    `update tasks t0 set points = 1 from ${list(1_000, (i) => `countries c${i}`)} ` +
    `returning ${list(1_500, () => 'c9.id')}`,
};
/** What a generator of reports writes is far from it. */
const accepted: Record<string, string> = {
  'a report':
    `with ${list(40, (i) => `c${i} as (select ${list(60, (j) => `t.id as a${j}`)} from tasks t)`)} ` +
    `select ${list(400, (i) => `c${i % 40}.a${i % 60}`)} from ${list(40, (i) => `c${i}`)} ` +
    `where ${list(1_000, (i) => `c${i % 40}.a1 > ${i}`, ' or ')}`,
  'stars one after the other':
    `with c0 as (select * from tasks), ${list(200, (i) => `c${i + 1} as (select * from c${i})`)} ` +
    'select * from c200',
  'a long condition':
    'select * from tasks t join projects p on p.id = t."projectId" ' +
    `where ${list(5_000, (i) => `(t.id = ${i} and p.id = ${i})`, ' or ')}`,
  'a long list': `select * from tasks where id in (${list(20_000, (i) => `${i}`)})`,
  'many rows': `insert into x_labels (id, name) values ${list(5_000, (i) => `(${i}, 'x' || ${i})`)}`,
};

const confined = (text: string, reach: ReachKind) =>
  confine(statementOf(parse, text), text, {
    reach,
    filters: true,
    tenancy: schema.account,
    tables,
    functions: new Set(),
    count: 0,
  });

describe('refused', () => {
  for (const [name, text] of Object.entries(texts))
    test(name, () => {
      for (const reach of ['one', 'several', 'all'] as const)
        expect(refusalOf(() => confined(text, reach))).toMatch(/too many names, columns and sources of rows/);
    });
});

describe('accepted', () => {
  for (const [name, text] of Object.entries(accepted)) test(name, () => void confined(text, 'one'));
});
