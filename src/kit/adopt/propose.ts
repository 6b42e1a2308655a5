/**
 * Which table is the tenants' own, which belong to tenants, and which are shared: read off the foreign keys, and off
 * names where there are none. What is not certain is a guess, which a person or a flag decides.
 */
import { TenantConfigError } from '../errors.js';
import type { Answers } from './answers.js';
import { singular, type AdoptedTable, type Model } from './model.js';
import { proposeUniques, type UniqueDecision } from './propose-uniques.js';

export type Kind = 'tenant' | 'reference' | 'plain';

export interface TableDecision {
  readonly table: AdoptedTable;
  readonly kind: Kind;
  readonly isRoot: boolean;
  /** The tenant column; one that the table does not have yet is added. */
  readonly column?: string;
  readonly everybody: boolean;
  /** Other columns that hold a tenant's id. */
  readonly refs: readonly string[];
  readonly why: string;
}

export interface Choice {
  /** What is written after "--". */
  readonly flag: string;
  readonly text: string;
  readonly answer: Answers;
}

/** Something that cannot be read off the schema. The first choice is what is proposed. */
export interface Guess {
  readonly about: string;
  readonly question: string;
  readonly choices: readonly Choice[];
}

export interface Proposal {
  readonly tenancy: string;
  readonly root: AdoptedTable;
  readonly idColumn: string;
  /** The tenant column's name where a table gets a new one. */
  readonly column: string;
  readonly tables: ReadonlyMap<string, TableDecision>;
  readonly uniques: readonly UniqueDecision[];
  /** What is still to be decided. */
  readonly guesses: readonly Guess[];
}

const tenants = [
  'organi[sz]ations?|orgs?|tenants?|accounts?|workspaces?|teams?',
  'compan(?:y|ies)|business(?:es)?|schools?|stores?|shops?',
];
const tenantNames = new RegExp(`(?:^|[._])(?:${tenants.join('|')})$`, 'i');
const peopleNames = /(?:^|[._])(?:users?|people|persons?|profiles?|members?|identities)$/i;
const secrets = new RegExp(
  [
    'passw|secret|token|hash|salt|otp|mfa|two_?factor|recovery|webhook|credential',
    '(?:api|private|access|signing)_?key|connection_?string|database_?url',
  ].join('|'),
  'i',
);

/**
 * @param model the tables
 * @param answers what is decided already
 * @param citus whether a tenant's row may only point at tables that every node has
 * @throws TenantConfigError when an answer names what is not there, or no table can be the root
 */
export function propose(model: Model, answers: Answers, citus: boolean): Proposal {
  checkNames(model, answers);
  const candidates = rankRoots(model);
  const root = answers.root === undefined ? candidates[0]?.table : find(model, answers.root);
  if (!root)
    throw new TenantConfigError(
      'Pass --root with the table whose rows are the tenants: no table has a key of one column that others point at.',
    );
  if (root.primaryKey.length !== 1)
    throw new TenantConfigError(
      `Pass --root with a table that has a primary key of one column: "${root.plain}" has ${root.primaryKey.length}.`,
    );
  const guesses: Guess[] = [];
  const [first, second] = candidates;
  if (answers.root === undefined && first && second && !(first.isNamed && second.score * 2 <= first.score)) {
    const choices = candidates.slice(0, 4).map(
      (it): Choice => ({
        flag: `root ${it.table.plain}`,
        text: `${it.table.plain}, at which ${it.points} tables point`,
        answer: { root: it.table.plain },
      }),
    );
    guesses.push({ about: root.plain, question: 'Whose rows are the tenants?', choices });
  }
  const tenancy = answers.tenancy ?? camel(singular(root.name));
  const idColumn = root.primaryKey[0]!;
  const tenantColumns = new Map([...model.values()].map((it) => [it.key, columnsOfTenant(it, root)]));
  const usual =
    answers.column ??
    mostUsual([...tenantColumns.values()].flatMap((it) => it.slice(0, 1))) ??
    `${singular(root.name)}_${idColumn}`;
  const tables = decideTables(model, root, tenantColumns, usual, answers, citus, guesses);
  const uniques = proposeUniques(tables, answers, citus, guesses);
  return { tenancy, root, idColumn, column: usual, tables, uniques, guesses: answers.yes ? [] : guesses };
}

interface Candidate {
  readonly table: AdoptedTable;
  readonly points: number;
  readonly score: number;
  readonly isNamed: boolean;
}

function rankRoots(model: Model): Candidate[] {
  const held = [...model.values()].some((it) => it.held?.kind === 'tenant');
  return [...model.values()]
    .filter(
      (it) =>
        it.primaryKey.length === 1 && (!held || (it.held?.kind === 'tenant' && it.held.column === it.primaryKey[0])),
    )
    .map((table) => {
      const points = [...model.values()].filter((it) => it !== table && columnsOfTenant(it, table).length > 0).length;
      const isNamed = tenantNames.test(table.name);
      return { table, points, isNamed, score: points * (isNamed ? 3 : peopleNames.test(table.name) ? 0.4 : 1) };
    })
    .filter((it) => it.points > 0)
    .sort((a, b) => b.score - a.score || (a.table.key < b.table.key ? -1 : 1));
}

const simple = (name: string) => name.replaceAll(/[_-]/g, '').toLowerCase();
const camel = (name: string) => name.replaceAll(/[_-]+(\w)/g, (_, letter: string) => letter.toUpperCase());
const baseType = (type: string) => ({ serial: 'integer', bigserial: 'bigint', smallserial: 'smallint' })[type] ?? type;

/** The columns of a table that hold the root's id, the likeliest first: by a foreign key, or by the name alone. */
function columnsOfTenant(table: AdoptedTable, root: AdoptedTable): string[] {
  if (table === root) return [root.primaryKey[0]!];
  const id = root.columns.get(root.primaryKey[0]!)!;
  const named = simple(`${singular(root.name)}${id.name}`);
  const pointing = table.foreignKeys
    .filter((it) => it.to === root.key && it.columns.length === 1 && it.columnsTo[0] === id.name)
    .map((it) => it.columns[0]!);
  const byName = [...table.columns.values()]
    .filter((it) => simple(it.name) === named && baseType(it.type) === baseType(id.type))
    .map((it) => it.name);
  const columns = [...new Set([...pointing, ...byName])];
  const rank = (name: string) =>
    (table.held?.column === name ? 8 : 0) +
    (simple(name) === named ? 4 : 0) +
    (table.columns.get(name)!.notNull ? 2 : 0) +
    (table.primaryKey.includes(name) ? 1 : 0);
  return columns.sort((a, b) => rank(b) - rank(a));
}

function mostUsual(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const it of names) counts.set(it, (counts.get(it) ?? 0) + 1);
  // The root's own column is its key, which says nothing of the others.
  return [...counts].filter(([name]) => simple(name) !== 'id').sort((a, b) => b[1] - a[1])[0]?.[0];
}

function decideTables(
  model: Model,
  root: AdoptedTable,
  tenantColumns: ReadonlyMap<string, string[]>,
  usual: string,
  answers: Answers,
  citus: boolean,
  guesses: Guess[],
) {
  const decided = new Map<string, TableDecision>();
  const put = (table: AdoptedTable, it: Partial<TableDecision> & { kind: Kind; why: string }) =>
    decided.set(table.key, { table, isRoot: false, everybody: false, refs: [], ...it });
  const open = new Map<string, AdoptedTable>();
  for (const table of model.values()) {
    const { plain } = table;
    const columns = tenantColumns.get(table.key)!;
    const refs = (column: string | undefined) => columns.filter((it) => it !== column);
    const answered = answers.tenant?.[plain];
    if (table === root)
      put(table, { kind: 'tenant', isRoot: true, column: root.primaryKey[0]!, why: 'its rows are the tenants' });
    else if (answers.reference?.includes(plain)) put(table, { kind: 'reference', refs: columns, why: 'as answered' });
    else if (answers.plain?.includes(plain)) put(table, { kind: 'plain', why: 'as answered' });
    else if (answered !== undefined || answers.everybody?.includes(plain)) {
      const column = typeof answered === 'string' ? answered : (columns[0] ?? usual);
      put(table, {
        kind: 'tenant',
        column,
        refs: refs(column),
        everybody: answers.everybody?.includes(plain) ?? false,
        why: 'as answered',
      });
    } else if (table.held?.kind === 'tenant')
      put(table, {
        kind: 'tenant',
        column: table.held.column!,
        refs: refs(table.held.column!),
        why: 'Citus holds it so',
      });
    else if (table.held?.kind === 'reference')
      put(table, { kind: 'reference', refs: columns, why: 'Citus holds it so' });
    else if (columns.length > 0) byColumn(table, root, columns, model, citus, put, guesses);
    else open.set(table.key, table);
  }
  throughParents(open, decided, usual, put, guesses);
  for (const table of open.values()) shared(table, decided, citus, put, guesses);
  return decided;
}

type Put = (table: AdoptedTable, it: Partial<TableDecision> & { kind: Kind; why: string }) => void;

const asTenant = (table: AdoptedTable, column?: string): Choice => ({
  flag: `tenant ${table.plain}${column ? `=${column}` : ''}`,
  text: `it belongs to tenants${column ? `, by ${column}` : ''}`,
  answer: { tenant: { [table.plain]: column ?? true } },
});
const asReference = (table: AdoptedTable): Choice => ({
  flag: `reference ${table.plain}`,
  text: 'every tenant may read all of it',
  answer: { reference: [table.plain] },
});
const asPlain = (table: AdoptedTable): Choice => ({
  flag: `plain ${table.plain}`,
  text: 'no tenant sees it: the application reads it with Drizzle alone',
  answer: { plain: [table.plain] },
});
const asEverybody = (table: AdoptedTable): Choice => ({
  flag: `everybody ${table.plain}`,
  text: 'rows without a tenant are everybody’s to read',
  answer: { everybody: [table.plain] },
});

/** A table that has a tenant column. */
function byColumn(
  table: AdoptedTable,
  root: AdoptedTable,
  columns: readonly string[],
  model: Model,
  citus: boolean,
  put: Put,
  guesses: Guess[],
): void {
  const column = table.columns.get(columns[0]!)!;
  const isKey = table.foreignKeys.some((it) => it.to === root.key && it.columns.includes(column.name));
  const why = isKey ? `${column.name} points at ${root.plain}` : `${column.name} is named after ${root.plain}`;
  const links = linksOf(table, root, model);
  if (!column.notNull && links.length > 0) {
    // A person with a present team, and a table of memberships beside it.
    put(table, {
      kind: citus ? 'reference' : 'plain',
      refs: columns,
      why: `${links[0]!.plain} links its rows to several`,
    });
    const question =
      `${table.plain}.${column.name} names one ${singular(root.name)}, and ${links[0]!.plain} links a row to ` +
      `several. Whose are the rows?${citus ? ' On Citus every node has to have them.' : ''}`;
    guesses.push({
      about: table.plain,
      question,
      choices: [...(citus ? [] : [asPlain(table)]), asReference(table), asTenant(table, column.name)],
    });
    return;
  }
  put(table, { kind: 'tenant', column: column.name, refs: columns.slice(1), why });
  if (columns.length > 1 && simple(column.name) !== simple(`${singular(root.name)}${root.primaryKey[0]}`)) {
    guesses.push({
      about: table.plain,
      question: `Which column of ${table.plain} says whose a row is?`,
      choices: columns.map((it) => asTenant(table, it)),
    });
  } else if (!column.notNull && table.nulls?.has(column.name) !== false) {
    const found = table.nulls ? 'is NULL in some rows' : 'may be NULL';
    guesses.push({
      about: table.plain,
      question: `${table.plain}.${column.name} ${found}, and will be NOT NULL. What are rows without one?`,
      choices: [
        { ...asTenant(table, column.name), text: 'there are none, or they are corrected before' },
        asEverybody(table),
        asPlain(table),
      ],
    });
  } else if (!isKey && !column.notNull) {
    guesses.push({
      about: table.plain,
      question: `${table.plain}.${column.name} has no foreign key to ${root.plain}. Does it say whose a row is?`,
      choices: [asTenant(table, column.name), asReference(table), asPlain(table)],
    });
  }
}

/** The tables that link rows of this one to several tenants. */
const linksOf = (table: AdoptedTable, root: AdoptedTable, model: Model) =>
  [...model.values()].filter(
    (it) =>
      it !== table &&
      it !== root &&
      it.foreignKeys.some((fk) => fk.to === table.key) &&
      columnsOfTenant(it, root).some((name) => it.columns.get(name)!.notNull || it.primaryKey.includes(name)) &&
      /member|users?_(?:on|in|to|of)|_users?|user_/i.test(it.name),
  );

/**
 * Tables without a tenant column that point at a tenant's rows: nearest first, those by a key that is always there
 * before others.
 */
function throughParents(
  open: Map<string, AdoptedTable>,
  decided: ReadonlyMap<string, TableDecision>,
  usual: string,
  put: Put,
  guesses: Guess[],
): void {
  const isTenant = (key: string) => decided.get(key)?.kind === 'tenant';
  for (const always of [true, false]) {
    for (let moved = true; moved; ) {
      moved = false;
      for (const table of open.values()) {
        const keys = table.foreignKeys.filter(
          (it) =>
            isTenant(it.to) &&
            it.to !== table.key &&
            (!always || it.columns.every((name) => table.columns.get(name)!.notNull)),
        );
        if (keys.length === 0) continue;
        open.delete(table.key);
        moved = true;
        const parents = [...new Set(keys.map((it) => decided.get(it.to)!.table.plain))];
        const column = table.columns.has(usual) ? `tenant_${usual}` : usual;
        put(table, { kind: 'tenant', column, why: `${keys[0]!.columns.join(', ')} points at ${parents[0]}` });
        if (!always)
          guesses.push({
            about: table.plain,
            question:
              `${table.plain} has no tenant column, ` +
              `and ${keys.map((it) => it.columns.join(', ')).join(' and ')}, by which it reaches a tenant, ` +
              'may be NULL. Whose are the rows?',
            choices: [asTenant(table), asReference(table), asPlain(table)],
          });
      }
    }
  }
}

/** A table that no tenant is found for. */
function shared(
  table: AdoptedTable,
  decided: ReadonlyMap<string, TableDecision>,
  citus: boolean,
  put: Put,
  guesses: Guess[],
): void {
  const readers = [...decided.values()]
    .filter((it) => it.kind === 'tenant' && it.table.foreignKeys.some((fk) => fk.to === table.key))
    .map((it) => it.table.plain);
  const private_ = [...table.columns.keys()].filter((it) => secrets.test(it));
  const isPeople = peopleNames.test(table.name);
  if (readers.length === 0 && (private_.length > 0 || table.foreignKeys.some((it) => peopleNames.test(it.to)))) {
    return put(table, {
      kind: 'plain',
      why:
        private_.length > 0
          ? `no tenant's row points at it, and it holds ${private_[0]}`
          : `no tenant's row points at it, and it is about people`,
    });
  }
  const isPrivate = private_.length > 0 || isPeople;
  if (readers.length > 0 && !isPrivate) return put(table, { kind: 'reference', why: `${readers[0]} points at it` });
  const reads =
    readers.length > 0
      ? `Rows of ${readers.slice(0, 3).join(', ')} point at ${table.plain}`
      : `Nothing points at ${table.plain}, and it points at no tenant`;
  const holds = private_.length > 0 ? `, which holds ${private_.join(', ')}` : isPeople ? ', which holds people' : '';
  const needed = citus && readers.length > 0;
  const choices = needed
    ? [asReference(table)]
    : isPrivate
      ? [asPlain(table), asReference(table)]
      : [asReference(table), asPlain(table)];
  put(table, {
    kind: choices[0]!.answer.plain ? 'plain' : 'reference',
    why: readers.length > 0 ? `${readers[0]} points at it` : 'it points at no tenant',
  });
  guesses.push({
    about: table.plain,
    question: `${reads}${holds}. Who may read it?${needed ? ' On Citus every node has to have it.' : ''}`,
    choices: [...choices, asTenant(table)],
  });
}

function find(model: Model, name: string): AdoptedTable {
  const found = [...model.values()].find((it) => it.plain === name || it.key === name);
  if (!found)
    throw new TenantConfigError(
      `Correct the table's name: there is no "${name}". ` +
        `The tables are ${[...model.values()].map((it) => it.plain).join(', ')}.`,
    );
  return found;
}

function checkNames(model: Model, answers: Answers): void {
  for (const name of [
    ...Object.keys(answers.tenant ?? {}),
    ...(answers.reference ?? []),
    ...(answers.plain ?? []),
    ...(answers.everybody ?? []),
  ])
    find(model, name);
}
