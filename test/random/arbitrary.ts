/** Draws programs: fast-check's arbitraries over `ast.ts`, small first, so that they shrink to what matters. */
import * as fc from 'fast-check';
import type {
  Bool,
  Cell,
  Conflict,
  Cte,
  Field,
  Filter,
  Find,
  Group,
  Join,
  Num,
  Program,
  Raw,
  Returning,
  Select,
  Source,
  Statement,
  Step,
  Text,
  Write,
} from './ast.js';

const depth = fc.createDepthIdentifier();
/** Relational queries nest by themselves. */
const relationDepth = fc.createDepthIdentifier();
/** A number to choose by. */
const n = fc.noBias(fc.nat({ max: 59 }));
const small = fc.nat({ max: 6 });
/** One time of `times`. */
const option = <T>(arbitrary: fc.Arbitrary<T>, times: number, of = depth): fc.Arbitrary<T | null> =>
  fc.oneof(
    { maxDepth: 6, depthIdentifier: of, withCrossShrink: true },
    { weight: Math.round(10 * (times - 1)), arbitrary: fc.constant(null) },
    { weight: 10, arbitrary },
  );
const order = fc.record({ n, style: fc.nat({ max: 4 }) });
const list = <T>(arbitrary: fc.Arbitrary<T>, maxLength: number, minLength = 0) =>
  fc.array(arbitrary, { minLength, maxLength, depthIdentifier: depth });
const likely = (probability: number) => fc.nat({ max: 99 }).map((it) => it >= 100 - probability * 100);

const tenths = (weight: number) => Math.round(weight * 10);
type Choice<T> = readonly [weight: number, arbitrary: fc.Arbitrary<T>];
/** One of several; the first ones where it is deep already, or shrinks. */
const one = <T>(simple: readonly Choice<T>[], nested: readonly Choice<T>[], of = depth): fc.Arbitrary<T> =>
  fc.oneof(
    { maxDepth: 7, depthIdentifier: of, depthSize: 'medium', withCrossShrink: true },
    {
      weight: tenths(simple.reduce((sum, [weight]) => sum + weight, 0)),
      arbitrary: fc.oneof(...simple.map(([weight, arbitrary]) => ({ weight: tenths(weight), arbitrary }))),
    },
    ...nested.map(([weight, arbitrary]) => ({ weight: tenths(weight), arbitrary })),
  ) as fc.Arbitrary<T>;
const k = <T>(kind: string, rest: Record<string, fc.Arbitrary<unknown>> = {}): fc.Arbitrary<T> =>
  fc.record({ k: fc.constant(kind), ...rest }) as unknown as fc.Arbitrary<T>;

interface Sorts {
  num: Num;
  text: Text;
  bool: Bool;
  source: Source;
  join: Join;
  field: Field;
  cte: Cte;
  select: Select;
  filter: Filter;
  find: Find;
}

const sorts = fc.letrec<Sorts>((tie) => {
  const [num, text, bool, source, join, field, cte, select, filter, find] = (
    ['num', 'text', 'bool', 'source', 'join', 'field', 'cte', 'select', 'filter', 'find'] as const
  ).map((it) => tie(it)) as any[];
  const group: fc.Arbitrary<Group> = fc.record({
    key: likely(0.3),
    by: list(n, 2),
    aggregates: list(n, 3, 1),
    rollup: likely(0.1),
    having: option(fc.record({ op: n, than: num }), 2),
  }) as fc.Arbitrary<Group>;
  return {
    num: one<Num>(
      [
        [5, k('column', { n })],
        [3, k('int', { n: small })],
        [1, k('template', { table: n, form: n })],
      ],
      [
        [1, k('arithmetic', { op: n, a: num, b: num })],
        [0.6, k('case', { when: bool, a: num, b: num })],
        [0.6, k('coalesce', { a: num, n: small })],
        [0.6, k('length', { of: text })],
        [0.8, k('$count', { table: n, linked: likely(0.6), where: option(bool, 2) })],
        [1.2, k('aggregate', { fn: n, style: n, select })],
      ] as any,
    ),
    text: one<Text>(
      [
        [5, k('column', { n })],
        [3, k('word', { n })],
        [1, k('template', { table: n, form: n })],
      ],
      [
        [1, k('concat', { a: text, b: text })],
        [1, k('function', { fn: n, of: text })],
        [0.6, k('case', { when: bool, a: text, b: text })],
        [0.5, k('number', { of: num })],
        [0.8, k('scalar', { style: n, select })],
      ] as any,
    ),
    bool: one<Bool>(
      [
        [3, k('key', { n, value: small, op: n })],
        [1, k('constant', { n })],
        [1.5, k('column', { n })],
        [1.5, k('like', { n, pattern: n, op: n })],
        [1, k('null', { n, not: fc.boolean() })],
        [1.5, k('other', { n, op: n, value: n })],
        [0.6, k('tenant', { n, m: n, op: n })],
        [0.6, k('link')],
        [1, k('template', { table: n, form: n, not: fc.boolean() })],
      ],
      [
        [3, k('compare', { op: n, style: n, a: num, b: num })],
        [2, k('compareText', { op: n, style: n, a: text, b: text })],
        [1, k('between', { not: fc.boolean(), of: num, low: small, high: small })],
        [1, k('list', { not: fc.boolean(), of: num, values: list(small, 3, 1) })],
        [2, fc.record({ k: fc.constantFrom('and', 'or'), of: list(bool, 3, 1) })],
        [1.2, k('not', { of: bool })],
        [0.5, k('case', { when: bool, a: bool, b: bool })],
        [2.2, k('exists', { not: fc.boolean(), style: n, select })],
        [1.2, k('in', { not: fc.boolean(), style: n, of: num, select })],
        [0.7, k('quantified', { op: n, all: fc.boolean(), of: num, select })],
      ] as any,
    ),
    source: one<Source>(
      [
        [5, k('table', { table: n, alias: likely(0.25) })],
        [5, k('linked', { n, alias: likely(0.25) })],
        [2, k('cte', { n })],
        [1, k('values', { n })],
        [1.2, k('template', { table: n, join: n })],
      ],
      [[2.5, k('subquery', { select })]],
    ),
    join: fc.record({ type: n, lateral: likely(0.2), source, on: option(bool, 2) }) as fc.Arbitrary<Join>,
    field: one<Field>(
      [
        [5, k('column', { n })],
        [1.2, k('window', { fn: n, n, partition: n })],
      ],
      [
        [2, k('num', { of: num })],
        [1, k('text', { of: text })],
        [0.8, k('bool', { of: bool })],
      ] as any,
    ),
    cte: fc.record({ style: n, named: n, select }) as fc.Arbitrary<Cte>,
    select: fc.record({
      ctes: option(list(cte, 2, 1), 5).map((it) => it ?? []),
      from: source,
      joins: option(list(join, 3, 1), 1.7).map((it) => it ?? []),
      fields: option(list(field, 3, 1), 1.4).map((it) => it ?? []),
      correlated: likely(0.6),
      where: option(bool, 1.6),
      group: option(group, 6),
      distinct: fc.nat({ max: 11 }),
      order: option(list(order, 2, 1), 3).map((it) => it ?? []),
      limit: option(fc.nat({ max: 5 }), 4),
      offset: option(fc.nat({ max: 2 }), 7),
      lock: option(n, 8),
      set: option(fc.record({ op: n, style: n, right: select }), 7),
      dynamic: likely(0.1),
    }) as unknown as fc.Arbitrary<Select>,
    filter: one<Filter>(
      [[4, k('column', { n, op: n, value: n })]],
      [
        [1, fc.record({ k: fc.constantFrom('and', 'or'), of: fc.array(filter, { minLength: 1, maxLength: 2 }) })],
        [1, k('not', { of: filter })],
        [4, k('relation', { n, of: option(filter, 1.3, relationDepth), exists: likely(0.7) })],
        [1.2, k('raw', { of: bool })],
      ] as any,
      relationDepth,
    ),
    find: fc.record({
      table: n,
      columns: option(list(n, 3, 1), 3).map((it) => it ?? []),
      where: option(filter, 1.7, relationDepth),
      order: option(list(order, 2, 1), 3).map((it) => it ?? []),
      by: option(n, 6),
      limit: option(fc.nat({ max: 4 }), 4),
      offset: option(fc.nat({ max: 2 }), 7),
      extras: option(list(field, 2, 1), 4).map((it) => it ?? []),
      with: option(fc.array(fc.record({ n, find }), { minLength: 1, maxLength: 2 }), 1.6, relationDepth).map(
        (it) => it ?? [],
      ),
    }) as unknown as fc.Arbitrary<Find>,
  };
});

const { select, bool, num, text, source, field, cte, find, join } = sorts;
const cell: fc.Arbitrary<Cell> = fc.record({ k: fc.constantFrom(1, 1, 1, 0, 2, 3), n, num, text });
const returning: fc.Arbitrary<Returning> = fc.record({ fields: list(field, 3), some: fc.boolean() });
const conflict: fc.Arbitrary<Conflict> = fc.record({
  action: n,
  target: n,
  set: list(cell, 2, 1),
  where: option(bool, 3),
});

const insert: fc.Arbitrary<Write> = k('insert', {
  table: n,
  rows: list(fc.record({ key: n, tenant: likely(0.2), cells: list(cell, 4, 1) }), 3, 1),
  conflict: option(conflict, 3),
  returning: option(returning, 1.2),
});
const insertSelect: fc.Arbitrary<Write> = k('insert select', {
  table: n,
  shift: small,
  style: n,
  joins: list(join, 1),
  where: option(bool, 2),
  conflict: option(conflict, 4),
  returning: option(returning, 1.2),
});
const update: fc.Arbitrary<Write> = k('update', {
  table: n,
  alias: likely(0.1),
  sets: list(fc.record({ n, cell }), 3, 1),
  from: option(fc.record({ k: n, join: option(n, 2), joinType: n }), 2),
  where: option(bool, 1.2),
  returning: option(returning, 1.2),
});
const remove: fc.Arbitrary<Write> = k('delete', {
  table: n,
  where: option(bool, 1.2),
  returning: option(returning, 1.2),
});
const write = fc.oneof(
  { weight: 5, arbitrary: insert },
  { weight: 2, arbitrary: insertSelect },
  { weight: 5, arbitrary: update },
  { weight: 3, arbitrary: remove },
);
const raw: fc.Arbitrary<Raw> = fc.record({ form: n, table: n, link: n, column: n, value: small, byHand: fc.boolean() });

const statement: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 9, arbitrary: k<Statement>('select', { select }) },
  { weight: 1, arbitrary: k<Statement>('$count', { source, where: option(bool, 3) }) },
  { weight: 6, arbitrary: k<Statement>('find', { first: likely(0.2), find }) },
  { weight: 7, arbitrary: k<Statement>('write', { ctes: option(list(cte, 1, 1), 6).map((it) => it ?? []), write }) },
  { weight: 1, arbitrary: k<Statement>('writing CTE', { write, join: option(select, 2) }) },
  { weight: 3, arbitrary: k<Statement>('raw', { raw }) },
);

const simpleStep = k<Step>('statement', { statement });
const { step } = fc.letrec<{ step: Step }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 24, arbitrary: simpleStep },
    { weight: 4, arbitrary: k<Step>('prepared', { any: fc.boolean(), statement, values: list(small, 2, 1) }) },
    { weight: 1, arbitrary: k<Step>('shared', { n, value: n }) },
    { weight: 1, arbitrary: k<Step>('refresh', { n }) },
    { weight: 3, arbitrary: k<Step>('refused', { n, table: n, link: n, write }) },
    {
      weight: 4,
      arbitrary: k<Step>('transaction', {
        steps: fc.array(tie('step'), { minLength: 1, maxLength: 3 }),
        end: n,
        settings: n,
      }),
    },
  ),
}));

/** A program. */
export const program: fc.Arbitrary<Program> = fc.record({
  several: likely(0.12),
  steps: fc.array(step, { minLength: 1, maxLength: 2 }),
});
