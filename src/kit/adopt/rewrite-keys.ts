/** Foreign keys that cannot stay as they are, and actions that would clear the tenant column. */
import type { ForeignKey } from './model.js';
import { propertyOf, type Site } from './site.js';
import type { Element, Range } from './source.js';

const clears = (action: string) => action === 'SET NULL' || action === 'SET DEFAULT';

export function rewriteForeignKeys(site: Site): void {
  for (const key of site.decision.table.foreignKeys) {
    const reason = mustGo(site, key);
    if (reason) {
      if (drop(site, key)) continue;
      site.byHand(`drop the foreign key (${key.columns.join(', ')}): ${reason}`);
      continue;
    }
    const { decision, options } = site;
    const to = site.proposal.tables.get(key.to);
    if (decision.kind !== 'tenant' || to?.kind !== 'tenant') continue;
    const isTenantColumn = key.columns.length === 1 && key.columns[0] === decision.column;
    const deletes =
      clears(key.onDelete) && (isTenantColumn || options.citus || key.onDelete === 'SET DEFAULT')
        ? 'restrict'
        : undefined;
    const updates = clears(key.onUpdate) || (key.onUpdate === 'CASCADE' && options.citus) ? 'no action' : undefined;
    if (
      (deletes && !setAction(site, key, 'onDelete', deletes)) ||
      (updates && !setAction(site, key, 'onUpdate', updates))
    ) {
      site.byHand(
        `change the actions of the foreign key (${key.columns.join(', ')}): ` +
          `${key.onDelete} and ${key.onUpdate} would change the tenant column`,
      );
    }
  }
}

/** Why a foreign key cannot be, in the new schema. */
export function mustGo(
  { decision, proposal, options }: Pick<Site, 'decision' | 'proposal' | 'options'>,
  key: ForeignKey,
): string | undefined {
  const to = proposal.tables.get(key.to);
  if (to?.kind !== 'tenant') return undefined;
  if (decision.kind === 'reference') return 'a table that all tenants share cannot point at the rows of one';
  if (decision.kind === 'plain') {
    if (options.citus) return 'a table on one node cannot point at one that is distributed';
    const isKept = proposal.uniques.some(
      (it) =>
        it.table.key === key.to &&
        it.keep === 'over-all' &&
        it.key.columns.length === key.columnsTo.length &&
        key.columnsTo.every((name) => it.key.columns.includes(name)),
    );
    return to.isRoot || isKept
      ? undefined
      : `"${to.table.plain}" has no key any more that does not begin with the tenant`;
  }
  if (to.isRoot && key.columns.length === 1 && key.columns[0] !== decision.column)
    return 'a row cannot point at another tenant';
  return undefined;
}

function inline(site: Site, key: ForeignKey) {
  const property = key.columns.length === 1 ? propertyOf(site, key.columns[0]!) : undefined;
  const chain = property && site.edits.source.chain(property.value);
  const call = chain?.calls.find((it) => it.name === 'references');
  return call && { call };
}

function inExtra({ edits: { source }, declaration, declared }: Site, key: ForeignKey) {
  const keys = key.columns.map((it) => declared.keys.get(it));
  const found = declaration.elements.filter((it) => {
    const chain = source.chain(it.value);
    if (!chain || source.textOf(chain.callee) !== 'foreignKey') return false;
    if (source.stringsIn(chain.args).some((token) => token.text.slice(1, -1) === key.name)) return true;
    const own = /columns:\s*\[([^\]]*)\]/.exec(source.textOf(chain.args))?.[1] ?? '';
    const named = [...own.matchAll(/[.\w$]*?(?:\.|\[['"])([\w$]+)/g)].map((match) => match[1]);
    return named.length === keys.length && keys.every((name) => named.includes(name));
  });
  const element =
    found.find((it) => source.textOf(it).includes(key.name)) ?? (found.length === 1 ? found[0] : undefined);
  return element && { element, chain: source.chain(element.value)! };
}

function drop(site: Site, key: ForeignKey): boolean {
  const here = inline(site, key);
  if (here) {
    site.edits.replace(here.call, '');
    return true;
  }
  const there = inExtra(site, key);
  if (there) site.edits.remove(there.element satisfies Element);
  return there !== undefined;
}

function setAction(site: Site, key: ForeignKey, when: 'onDelete' | 'onUpdate', action: string): boolean {
  const { edits } = site;
  const here = inline(site, key);
  if (here) {
    const { tokens } = edits.source;
    const at = tokens.findIndex(
      (it, i) =>
        it.text === when &&
        it.start > here.call.args.start &&
        it.end < here.call.args.end &&
        tokens[i + 1]?.text === ':',
    );
    const value = tokens[at + 2];
    if (at < 0 || value?.kind !== 'string') return false;
    edits.replace(value, value.text[0] + action + value.text[0]);
    return true;
  }
  const call = inExtra(site, key)?.chain.calls.find((it) => it.name === when);
  if (!call) return false;
  const range: Range = call.args;
  const quote = edits.source.text[range.start + 1] === '"' ? '"' : "'";
  edits.replace(range, `(${quote}${action}${quote})`);
  return true;
}
