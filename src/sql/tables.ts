/** The tables that a statement may name, as plain data: what is declared of each, and which one a name means. */
import { otherCopies } from '../copies.js';
import { Refusal } from './refusal.js';

/** What is known of a table or view. `schema/declared.ts` makes it from a declaration. */
export interface Declared {
  /** The object that the application declared: known by identity. */
  readonly table: object;
  readonly schema: string | undefined;
  readonly name: string;
  /** The names of its columns in the database. */
  readonly columns: ReadonlySet<string>;
  /** The names of the primary key's columns besides the tenant column; empty for a view. */
  readonly primaryKey: readonly string[];
  readonly isView: boolean;
  /** The tenant column: its name, its type as SQL, whose tenants, and whether the database fills it in. Undefined for a reference table. */
  readonly tenant: { readonly column: string; readonly type: string; readonly tenancy: unknown; readonly hasDefault?: boolean } | undefined;
}

/** Finds tables by the names that stand in a statement. */
export class Tables {
  readonly #own = new Map<string, Declared[]>();
  readonly #others = new Map<string, Declared[]>();

  /**
   * @param own the tables of the handle: what they say of a name holds
   * @param others every other table of the process: a name that means two different ones is refused
   */
  constructor(own: Iterable<Declared>, others: Iterable<Declared> = []) {
    for (const table of own) add(this.#own, table);
    for (const table of others) add(this.#others, table);
  }

  /** What is declared of a name, if anything is. */
  known(schema: string | undefined, name: string): Declared | undefined {
    return [...(this.#own.get(name) ?? []), ...(this.#others.get(name) ?? [])].find((it) => it.schema === schema);
  }

  find(schema: string | undefined, name: string, location: number | undefined): Declared {
    const written = schema === undefined ? name : `${schema}.${name}`;
    if (schema === undefined ? name.startsWith('pg_') : schema === 'information_schema' || schema.startsWith('pg_')) {
      throw new Refusal(`"${written}" is of the system catalogs, which hold what concerns every tenant`, 'Leave the system catalogs out', location);
    }
    const own = this.#own.get(name) ?? [];
    const all = [...own, ...(this.#others.get(name) ?? [])];
    const found = (own.some((it) => it.schema === schema) ? own : all).filter((it) => it.schema === schema);
    if (found.length === 0) {
      const elsewhere = all[0];
      throw new Refusal(
        `the table "${written}" is not declared${otherCopies()}`,
        elsewhere
          ? `Name the table as it is declared, ${elsewhere.schema === undefined ? `"${name}" without a schema` : `"${elsewhere.schema}.${name}"`}`
          : 'Declare the table with tenantTable() or referenceTable(), or the view with its tenant column',
        location,
      );
    }
    if (schema === undefined && all.some((it) => it.schema !== undefined)) {
      throw new Refusal(`several schemas have a table "${name}", and which one the name means depends on search_path`, 'Interpolate the table', location);
    }
    if (found.some((it) => !isSame(it, found[0]!))) {
      throw new Refusal(`the table "${written}" is declared twice, and not alike`, 'Give the table to withTenancy() in its relations', location);
    }
    return found[0]!;
  }
}

function add(map: Map<string, Declared[]>, declared: Declared): void {
  const list = map.get(declared.name);
  if (list) list.push(declared);
  else map.set(declared.name, [declared]);
}

const isSame = (a: Declared, b: Declared) =>
  a === b ||
  (a.tenant?.column === b.tenant?.column &&
    a.tenant?.type === b.tenant?.type &&
    a.tenant?.tenancy === b.tenant?.tenancy &&
    a.columns.size === b.columns.size &&
    [...a.columns].every((it) => b.columns.has(it)));
