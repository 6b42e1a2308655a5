/** Unique keys that hold over all tenants: `unscoped`, in the third argument of the table. */
import type { UniqueDecision } from './propose-uniques.js';
import { propertyOf, type Site } from './site.js';
import { styleOf } from './imports.js';

const core = 'drizzle-orm/pg-core';

export function rewriteUniques(site: Site): void {
  const added: string[] = [];
  for (const it of site.proposal.uniques) {
    if (it.table.key !== site.decision.table.key || it.keep !== 'over-all') continue;
    if (wrap(site, it)) continue;
    const line = takeInline(site, it);
    if (line) added.push(line);
    else site.byHand(`write unscoped(...) around what keeps (${it.key.columns.join(', ')}) unique over all tenants`);
  }
  if (added.length > 0) addToExtra(site, added);
  if (site.options.pulled) wrapIndexes(site);
}

/** A key that stands in the third argument already. */
function wrap(site: Site, { key }: UniqueDecision): boolean {
  const { edits, declaration, declared } = site;
  const { source } = edits;
  const callees = { 'primary key': ['primaryKey'], unique: ['unique'], 'unique index': ['uniqueIndex'] }[key.kind];
  const keys = key.columns.map((it) => declared.keys.get(it));
  const found = declaration.elements.find((it) => {
    const chain = source.chain(it.value);
    if (!chain || !callees.includes(source.textOf(chain.callee))) return false;
    const on = chain.calls.find((call) => call.name === 'on' || call.name === 'onOnly')?.args ?? chain.args;
    const isNamed = source.stringsIn(chain.args).some((token) => token.text.slice(1, -1) === key.name);
    const named = [...source.textOf(on).matchAll(/[\w$]\.([\w$]+)/g)].map((match) => match[1]);
    return (
      isNamed || (keys.every((name) => name !== undefined && named.includes(name)) && named.length === keys.length)
    );
  });
  if (!found) return false;
  edits.insert(found.value.start, 'unscoped(');
  edits.insert(found.value.end, ')');
  edits.import('drizzle-tenant', 'unscoped');
  return true;
}

/** An inline key, which cannot be kept inline. */
function takeInline(site: Site, { key }: UniqueDecision): string | undefined {
  const { edits, declaration, declared } = site;
  const [column] = key.columns;
  const property = key.columns.length === 1 ? propertyOf(site, column!) : undefined;
  const chain = property && edits.source.chain(property.value);
  const call = chain?.calls.find((it) => it.name === (key.kind === 'primary key' ? 'primaryKey' : 'unique'));
  if (!call || (declaration.hasExtra && (!declaration.extra || declaration.parameter === undefined))) return undefined;
  const at = `${declaration.parameter ?? 't'}.${declared.keys.get(column!)}`;
  const { quote } = styleOf(edits.source);
  const isDistinct = !edits.source.textOf(call.args).includes('not distinct');
  edits.replace(call, '');
  edits.import('drizzle-tenant', 'unscoped');
  edits.import(core, key.kind === 'primary key' ? 'primaryKey' : 'unique');
  if (key.kind !== 'primary key')
    return `unscoped(unique(${quote}${key.name}${quote}).on(${at})${isDistinct ? '' : '.nullsNotDistinct()'})`;
  if (!chain!.calls.some((it) => it.name === 'notNull')) edits.insert(property!.value.end, '.notNull()');
  return `unscoped(primaryKey({ columns: [${at}] }))`;
}

function addToExtra({ edits, declaration }: Site, added: readonly string[]): void {
  const { text } = edits.source;
  if (!declaration.extra) {
    const end = declaration.columns!.end;
    edits.insert(end, `, (t) => [\n${added.map((it) => `  ${it},\n`).join('')}]`);
    return;
  }
  const isList = text[declaration.extra.start] === '[';
  const lines = added.map((it, i) => (isList ? it : `overAll${i + 1}: ${it}`));
  const isInline =
    declaration.elements[0] !== undefined &&
    !text.slice(declaration.extra.start, declaration.elements[0].start).includes('\n');
  edits.insert(
    declaration.extra.start + 1,
    isInline ? lines.map((it) => `${it}, `).join('') : lines.map((it) => `\n    ${it},`).join(''),
  );
}

/** Indexes of a database that has tenants already stay as they are. */
function wrapIndexes({ edits, decision, declaration, declared }: Site): void {
  const tenant = declared.keys.get(decision.column!);
  for (const it of declaration.elements) {
    const chain = edits.source.chain(it.value);
    if (!chain || edits.source.textOf(chain.callee) !== 'index' || decision.isRoot) continue;
    const using = chain.calls.find((call) => call.name === 'using');
    if (using && !/^\(\s*['"]btree['"]/.test(edits.source.textOf(using.args))) continue;
    if (new RegExp(`\\.${tenant}\\b`).test(edits.source.textOf(it))) continue;
    edits.insert(it.value.start, 'unscoped(');
    edits.insert(it.value.end, ')');
    edits.import('drizzle-tenant', 'unscoped');
  }
}
