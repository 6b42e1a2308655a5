/** Types: which may stand in a cast, and which keep a tenant's value as it is. */
import { statementOf, type Node, type Parse } from '../parser.js';
import { Refusal } from '../refusal.js';

/** PostgreSQL's own name of a type, with its modifiers and dimensions. */
export function typeOf({ names, typmods, arrayBounds, setof, pct_type }: Node): string {
  const path: string[] = names.map((it: Node) => it.String.sval ?? '');
  if (path[0] === 'pg_catalog') path.shift();
  if (setof || pct_type) return '?';
  const modifiers = typmods?.map((it: Node) => it.A_Const?.ival?.ival ?? '?').join(',');
  return (
    JSON.stringify(path) + (modifiers === undefined ? '' : `(${modifiers})`) + '[]'.repeat(arrayBounds?.length ?? 0)
  );
}

const families: readonly (readonly string[])[] = [['int2', 'int4', 'int8'], ['uuid'], ['text', 'varchar']];

/** Whether a cast to `type` keeps every value of the declared type: it is the same, or a wider one of its kind. */
export function keeps(type: string, declared: string): boolean {
  if (type === declared && !type.includes('?')) return true;
  const kind = declared.replace(/\(.*/, '');
  const family = families.find((it) => it.some((name) => kind === JSON.stringify([name])));
  return family?.some((name) => type === JSON.stringify([name])) ?? false;
}

/** Counters of the server, places of rows, `reg...`: names in the catalogs. `regconfig`, of searches, tells nothing. */
const refused = new Set(
  (
    'xid xid8 cid tid pg_snapshot txid_snapshot regclass regcollation regdatabase regdictionary regnamespace regoper ' +
    'regoperator regproc regprocedure regrole regtype aclitem'
  ).split(' '),
);

/** Refuses a type that looks into the system catalogs, and what is no plain type. */
export function checkType({ names, setof, pct_type, location }: Node): void {
  const path: string[] = names.map((it: Node) => it.String.sval ?? '');
  const name = path.at(-1)!;
  const isOfCatalog = path.length > 1 && (path[0] === 'information_schema' || /^pg_(?!catalog$)/.test(path[0]!));
  // An array's type has a name of its own, `_xid`; and each row of a catalog is of a type, `pg_class`, whose columns
  // are of these.
  const element = name.replace(/^_/, '');
  // One that is written with another schema is the application's own.
  const isRefused =
    (refused.has(element) || /^pg_(?!lsn$)/.test(element)) && (path.length === 1 || path[0] === 'pg_catalog');
  if (setof || pct_type || path.length > 2 || isOfCatalog || isRefused) {
    throw new Refusal(
      `the type ${name} is not a plain one, or looks into the system catalogs`,
      'Cast to a plain type',
      location,
    );
  }
}

const known = new Map<string, string | undefined>();

/** PostgreSQL's own name of a declared type. */
export function typeNamed(parse: Parse, type: string): string | undefined {
  if (!known.has(type)) {
    let name: string | undefined;
    try {
      name = typeOf(
        statementOf(parse, `select null::${type}`).SelectStmt.targetList[0].ResTarget.val.TypeCast.typeName,
      );
    } catch {
      name = undefined;
    }
    known.set(type, name);
  }
  return known.get(type);
}
