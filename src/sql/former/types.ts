/** Types in casts: which may stand anywhere, and which keep a tenant's value as it is. */
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';

/** PostgreSQL's own name of a type, with its modifiers and dimensions. */
export function typeOf(typeName: Node): string {
  const { names, typmods, arrayBounds, setof, pct_type } = typeName;
  const path: string[] = names.map((it: Node) => it.String.sval ?? '');
  if (path[0] === 'pg_catalog') path.shift();
  if (setof || pct_type) return '?';
  const modifiers = typmods?.map((it: Node) => it.A_Const?.ival?.ival ?? '?').join(',');
  return JSON.stringify(path) + (modifiers === undefined ? '' : `(${modifiers})`) + '[]'.repeat(arrayBounds?.length ?? 0);
}

const families: readonly (readonly string[])[] = [
  ['int2', 'int4', 'int8'],
  ['uuid'],
  ['text', 'varchar'],
];

/** Whether a cast to `type` keeps every value of the declared type: it is the same, or a wider one of its kind. */
export function typeIn(type: string, declared: string): boolean {
  if (type === declared && !type.includes('?')) return true;
  const kind = declared.replace(/\(.*/, '');
  const family = families.find((it) => it.some((name) => kind === JSON.stringify([name])));
  return family?.some((name) => type === JSON.stringify([name])) ?? false;
}

/** Refuses a type that looks into the system catalogs, and what is no plain type. */
export function checkType(typeName: Node): void {
  const { names, setof, pct_type, location } = typeName;
  const path: string[] = names.map((it: Node) => it.String.sval ?? '');
  const name = path.at(-1)!;
  const isOfCatalog = path.length > 1 && (path[0] === 'information_schema' || /^pg_(?!catalog$)/.test(path[0]!));
  if (setof || pct_type || path.length > 2 || isOfCatalog || /^reg[a-z]+$/.test(name)) {
    throw new Refusal(`the type ${name} is not a plain one, or looks into the system catalogs`, 'Cast to a plain type', location);
  }
}
