/**
 * The schema's files with what was decided: the tables' functions, the tenant columns, the keys that cannot stay as
 * they are.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { accessName, ident, literal, policyName } from '../names.js';
import { Edits } from './edits.js';
import { styleOf, withImports } from './imports.js';
import type { Declared } from './load-schema.js';
import type { Proposal } from './propose.js';
import { rewriteForeignKeys } from './rewrite-keys.js';
import { rewriteUniques } from './rewrite-uniques.js';
import { propertyOf, shown, type RewriteOptions, type Site } from './site.js';
import { Source, type Range } from './source.js';

export interface Rewritten {
  /** The new text of each file that changes, and of new ones. */
  readonly files: ReadonlyMap<string, string>;
  /** What a person has to write. */
  readonly byHand: readonly string[];
  readonly notes: readonly string[];
}

const core = 'drizzle-orm/pg-core';
const own = 'drizzle-tenant';

/**
 * @param files the schema's files, with their whole paths
 * @throws Error where a file is not readable as TypeScript
 */
export function rewrite(
  files: readonly string[],
  tables: ReadonlyMap<string, Declared>,
  proposal: Proposal,
  options: RewriteOptions,
): Rewritten {
  const sources = new Map(files.map((file) => [file, new Source(readFileSync(file, 'utf8'))]));
  const edits = new Map(files.map((file) => [file, new Edits(sources.get(file)!)]));
  const byHand: string[] = [];
  const notes: string[] = [];
  const names = new Set(
    [...sources.values()].flatMap((it) =>
      it.tokens
        .filter((token, i) => token.kind === 'word' && it.tokens[i - 1]?.text !== '.')
        .map((token) => token.text),
    ),
  );
  const tenancy = names.has(proposal.tenancy) ? `${proposal.tenancy}Tenancy` : proposal.tenancy;
  let rootFile = files[0]!;

  for (const decision of proposal.tables.values()) {
    const declared = tables.get(decision.table.key);
    if (!declared) continue;
    const file = [declared.file, ...files].find((it) => sources.get(it)?.declaration(declared.name_));
    if (decision.isRoot) rootFile = file ?? rootFile;
    const declaration = file && sources.get(file)!.declaration(declared.name_);
    if (!declaration) {
      if (decision.kind !== 'plain')
        byHand.push(
          `${decision.table.plain}: make "${declared.name_}" in ${shown(declared.file)} a ` +
            `${decision.kind}Table; it is declared in a way that is not read`,
        );
      continue;
    }
    const place = `${decision.table.plain}: `;
    rewriteTable({
      decision,
      declared,
      declaration,
      edits: edits.get(file)!,
      tenancy,
      proposal,
      options,
      byHand: (text) => byHand.push(place + text),
      note: (text) => notes.push(place + text),
    });
  }
  const tenantTables = new Set(
    [...proposal.tables.values()].flatMap((it) =>
      it.kind === 'tenant' ? (tables.get(it.table.key)?.name_ ?? []) : [],
    ),
  );
  const withRelations: string[] = [];
  for (const [file, source] of sources) rewriteOthers(file, source, edits.get(file)!, tenantTables, withRelations);
  if (withRelations.length > 0)
    byHand.push(`write one defineTenantRelations() in place of the relations() in ${withRelations.join(', ')}`);

  const root = proposal.root.columns.get(proposal.idColumn)!;
  const factory = factoryOf(root.type);
  const isOne = files.length === 1;
  const tenancyFile = isOne ? rootFile : freeName(dirname(rootFile));
  const statement = (semicolon: string, quote: string) =>
    `export const ${tenancy} = tenancy(${quote}${proposal.tenancy}${quote}, ${factory.text})${semicolon}`;
  const result = new Map<string, string>();
  for (const [file, it] of edits) {
    if (it.isEmpty) continue;
    const source = sources.get(file)!;
    const { quote, semicolon, extension } = styleOf(source);
    let after = '';
    const changed = it.apply();
    if (new RegExp(`\\b${tenancy}\\.(?:id|ref)\\(`).test(changed)) {
      if (isOne) {
        it.import(own, 'tenancy');
        it.import(core, factory.name);
        after = statement(semicolon, quote);
      } else {
        const path = relative(dirname(file), tenancyFile).replaceAll('\\', '/').replace(/\.ts$/, extension);
        it.import(path.startsWith('.') ? path : `./${path}`, tenancy);
      }
    }
    result.set(file, withImports(changed, it.imports, source, after));
  }
  if (!isOne) {
    const { quote, semicolon } = styleOf(sources.get(rootFile)!);
    const line = (list: string, module: string) => `import { ${list} } from ${quote}${module}${quote}${semicolon}\n`;
    result.set(
      tenancyFile,
      `${line(factory.name, core)}${line('tenancy', own)}\n/** A tenant is a row of ` +
        `${proposal.root.plain}. */\n${statement(semicolon, quote)}\n`,
    );
  }
  return { files: result, byHand, notes };
}

function freeName(folder: string): string {
  const free = ['tenancy.ts', 'drizzle-tenancy.ts'].map((it) => join(folder, it)).find((it) => !existsSync(it));
  return free ?? join(folder, `tenancy-${Date.now()}.ts`);
}

/** Drizzle's column factory for the type of the root's key. */
function factoryOf(type: string): { readonly name: string; readonly text: string } {
  const [, base = type, length] = /^(\w+(?: \w+)*?)(?:\((\d+)\))?$/.exec(type) ?? [];
  if (base === 'bigint' || base === 'bigserial') return { name: 'bigint', text: `() => bigint({ mode: 'number' })` };
  if (base === 'integer' || base === 'serial') return { name: 'integer', text: 'integer' };
  if (base === 'varchar' || base === 'character varying')
    return { name: 'varchar', text: length ? `() => varchar({ length: ${length} })` : 'varchar' };
  if (base === 'smallserial') return { name: 'smallint', text: 'smallint' };
  return { name: base, text: base };
}

function rewriteTable(site: Site): void {
  const { decision, declaration, byHand } = site;
  const isOurs = site.options.pulled === true && decision.kind === 'tenant' && dropPolicies(site);
  if (decision.kind !== 'plain') renameCallee(site, isOurs);
  if (decision.kind !== 'plain' && !declaration.columns)
    byHand('declare its columns in an object, so that its tenant column and keys can be read');
  if (decision.kind === 'tenant') tenantColumn(site);
  if (decision.kind !== 'plain') for (const it of decision.refs) refColumn(site, it);
  rewriteForeignKeys(site);
  if (decision.kind === 'tenant') rewriteUniques(site);
}

/** The policies that a migration wrote are no part of the schema: the next migration would write them twice. */
function dropPolicies({ declaration, edits }: Site): boolean {
  const { source } = edits;
  const found = declaration.elements.filter((it) => {
    const chain = source.chain(it.value);
    const name =
      chain && source.textOf(chain.callee) === 'pgPolicy'
        ? source.stringsIn(chain.args)[0]?.text.slice(1, -1)
        : undefined;
    return name === policyName || name === accessName;
  });
  for (const it of found) edits.remove(it);
  return found.length > 0;
}

function renameCallee({ decision, declaration, edits, byHand }: Site, isOurs: boolean): void {
  const { source } = edits;
  const text = source.textOf(declaration.callee);
  const name = decision.kind === 'tenant' ? 'tenantTable' : 'referenceTable';
  const imported = source.imports().find((it) => it.names.some((given) => given.local === text.split('.')[0]));
  const original = imported?.names.find((it) => it.local === text.split('.')[0])?.name;
  const [first, second, third] = text.split('.');
  const more = (third ?? (second === 'withRLS' ? second : undefined)) === 'withRLS' && !isOurs ? '.withRLS' : '';
  if (original === 'pgTable') {
    edits.replace(declaration.callee, name + more);
    edits.import(own, name);
  } else if (second === 'table' && (original === 'snakeCase' || original === 'camelCase')) {
    const casing = original === 'snakeCase' ? 'snake_case' : 'camelCase';
    const method = decision.kind === 'tenant' ? 'table' : name;
    edits.replace(declaration.callee, `tenantTableCreator((name) => name, '${casing}').${method}${more}`);
    edits.import(own, 'tenantTableCreator');
  } else if (second === 'table') {
    edits.replace(declaration.callee, `tenantSchema(${first}).${decision.kind === 'tenant' ? 'table' : name}${more}`);
    edits.import(own, 'tenantSchema');
  } else {
    const creator = source.declaration(text);
    if (creator && source.textOf(creator.callee) === 'pgTableCreator') {
      const made = `tenant${text[0]!.toUpperCase()}${text.slice(1)}`;
      const at = creator.args.end + (source.text[creator.args.end] === ';' ? 1 : 0);
      const line =
        `\nexport const ${made} = ` +
        `tenantTableCreator(${source.text.slice(creator.args.start + 1, creator.args.end - 1)});`;
      if (!source.tokens.some((it) => it.text === made) && !edits.imports.get(own)?.has('tenantTableCreator'))
        edits.insert(at, line);
      edits.import(own, 'tenantTableCreator');
      edits.replace(declaration.callee, decision.kind === 'tenant' ? made : `${made}.referenceTable`);
    } else byHand(`make it with tenantTableCreator() where "${text}" is made, as a ${name}`);
  }
}

const lostByDefault = [
  'notNull',
  'default',
  'defaultRandom',
  '$default',
  '$defaultFn',
  '$onUpdate',
  '$onUpdateFn',
  '$type',
];

/** `uuid("team_id")` becomes `team.id("team_id")`. What is called on it stays, but what a tenant column cannot have. */
function replaceBase(site: Site, column: string, method: 'id' | 'ref', drop: readonly string[], more = ''): boolean {
  const { edits, declared, tenancy } = site;
  const property = propertyOf(site, column);
  const chain = property && edits.source.chain(property.value);
  if (!chain) return false;
  const key = declared.keys.get(column)!;
  const [given] = edits.source.stringsIn(chain.args);
  const { quote } = styleOf(edits.source);
  const name =
    given && given.text.slice(1, -1) === column
      ? given.text
      : key === column
        ? more
          ? 'undefined'
          : ''
        : `${quote}${column}${quote}`;
  edits.replace({ start: chain.callee.start, end: chain.args.end }, `${tenancy}.${method}(${name}${more})`);
  for (const call of chain.calls) if (drop.includes(call.name)) edits.replace(call, '');
  return true;
}

function tenantColumn(site: Site): void {
  const { decision, declared, declaration, edits, tenancy, byHand, note } = site;
  const column = decision.column!;
  const more = decision.everybody ? ', { everybody: true }' : '';
  if (!decision.table.columns.has(column)) {
    if (!declaration.columns) return;
    const key = camelKey(column, site);
    const { quote } = styleOf(edits.source);
    const name = key === column ? (more ? 'undefined' : '') : `${quote}${column}${quote}`;
    const first = declaration.properties[0];
    const indent = first ? /[ \t]*$/.exec(edits.source.text.slice(0, first.start))![0] : '  ';
    const isInline =
      first !== undefined && !edits.source.text.slice(declaration.columns.start, first.start).includes('\n');
    edits.insert(
      declaration.columns.start + 1,
      `${isInline ? ' ' : `\n${indent}`}${key}: ${tenancy}.id(${name}${more}),`,
    );
    return;
  }
  if (!decision.isRoot) {
    if (!replaceBase(site, column, 'id', lostByDefault, more))
      byHand(
        `write ${declared.keys.get(column) ?? column}: ${tenancy}.id(...): its column is declared in a way ` +
          'that is not read',
      );
    return;
  }
  const type = decision.table.columns.get(column)!.type;
  const isMade = declared.made.has(column);
  if (!replaceBase(site, column, 'id', ['notNull', '$default', '$defaultFn', '$type']))
    byHand(`write ${declared.keys.get(column) ?? column}: ${tenancy}.id(...).primaryKey()`);
  if (isMade) note(`the schema made the id of a new row; now it is the one that forTenant() is given`);
  if (/serial$/.test(type)) {
    const property = propertyOf(site, column);
    const { schema, name } = decision.table;
    const path = [...(schema === 'public' ? [] : [schema]), `${name}_${column}_seq`];
    // PostgreSQL reads the text as it reads a name in SQL.
    const sequence = literal(path.map((it) => (/^[a-z_][a-z0-9_]*$/.test(it) ? it : ident(it))).join('.'));
    const inTemplate = sequence.replaceAll(/[\\`]|\$\{/g, '\\$&');
    edits.insert(property!.value.end, `.default(sql\`nextval(${inTemplate}::regclass)\`)`);
    edits.import('drizzle-orm', 'sql');
    note(
      `${column} stays a column with its sequence, which a serial is: see that the sequence has the name ` +
        `"${name}_${column}_seq"`,
    );
  }
}

function refColumn(site: Site, column: string): void {
  if (!replaceBase(site, column, 'ref', ['$type', '$default', '$defaultFn', 'default', 'defaultRandom']))
    site.byHand(`write ${site.tenancy}.ref() for the column "${column}", which holds another tenant's id`);
}

/** The key that other tables have for such a column. */
function camelKey(column: string, { declared }: Site): string {
  const isSnake = [...declared.keys].some(([name, key]) => name === key && name.includes('_'));
  return isSnake ? column : column.replaceAll(/_+(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Relations and validators. */
function rewriteOthers(
  file: string,
  source: Source,
  edits: Edits,
  tenantTables: ReadonlySet<string>,
  withRelations: string[],
): void {
  const replaceWord = (from: string, to: string) => {
    source.tokens.forEach((it, i) => {
      if (it.text === from && it.kind === 'word' && source.tokens[i - 1]?.text !== '.' && !isImported(source, it))
        edits.replace(it, to);
    });
    edits.import(own, to);
  };
  for (const it of source.imports()) {
    const module = it.module.text.slice(1, -1);
    if (module === 'drizzle-orm' && it.names.some((name) => name.local === 'defineRelations'))
      replaceWord('defineRelations', 'defineTenantRelations');
    // A validator of a tenant table stays what it is, tenant column and all: code may pick that out of it.
    const made = /^drizzle-(?:orm\/)?(?:zod|valibot|arktype|typebox|effect-schema)$/.test(module)
      ? it.names.filter((name) => /^create(?:Insert|Select|Update)Schema$/.test(name.name))
      : [];
    source.tokens.forEach((token, i) => {
      const [open, table, next] = source.tokens.slice(i + 1, i + 4);
      if (
        !made.some((name) => name.local === token.text) ||
        open?.text !== '(' ||
        !tenantTables.has(table?.text ?? '') ||
        ![',', ')'].includes(next?.text ?? '')
      )
        return;
      edits.replace(table!, `unscoped(${table!.text})`);
      edits.import(own, 'unscoped');
    });
    const old = it.names.find((name) => name.name === 'relations' && /^drizzle-orm(?:\/_relations)?$/.test(module));
    const count = old
      ? source.tokens.filter(
          (token, i) =>
            token.text === old.local && source.tokens[i + 1]?.text === '(' && source.tokens[i - 1]?.text === '=',
        ).length
      : 0;
    if (count > 0) withRelations.push(`${shown(file)} (${count})`);
  }
}

const isImported = (source: Source, { start }: Range) =>
  source.imports().some((it) => it.braces.start < start && start < it.braces.end);
