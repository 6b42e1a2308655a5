/** The tables that a statement may name, as plain data: what is declared of each, and which one a name means. */
import { otherCopies } from '../copies.js';
import { UnscopedTableError } from '../errors.js';
import { Refusal } from './refusal.js';

/** What is known of a table or view. `scope/declared.ts` makes it from a declaration. */
export interface Declared {
  /** The object that the application declared: known by identity. */
  readonly table: object;
  readonly schema: string | undefined;
  readonly name: string;
  /** The names of its columns in the database. */
  readonly columns: ReadonlySet<string>;
  /** The names of the primary key's columns besides the tenant column; empty for a view. */
  readonly primaryKey: readonly string[];
  /**
   * The columns of each unique key that holds over all tenants, an expression as its columns in parentheses: `(mail)`
   * for `lower(mail)`; empty for a view or a reference table. A row that is in
   * the way of such a key may be another tenant's: ON CONFLICT may skip it, and not update it.
   */
  readonly uniqueOverAll: readonly (readonly string[])[];
  readonly isView: boolean;
  /** Columns of `json`, which is text: any operator that reads one may find a fault in it. */
  readonly texts?: ReadonlySet<string>;
  /**
   * The tenant column: its name, its type as SQL, whose tenants, whether NULL in it means everybody's row, and whether
   * the database fills it in. Undefined for a reference table.
   */
  readonly tenant:
    | {
        readonly column: string;
        readonly type: string;
        readonly tenancy: unknown;
        readonly everybody?: boolean;
        readonly hasDefault?: boolean;
      }
    | undefined;
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
    return [...(this.#own.get(name) ?? []), ...(this.#others.get(name) ?? [])].find((it) => isIn(it, schema));
  }

  /** Whether the handle has a table of this name, and it is declared otherwise. */
  isRedeclared(declared: Declared): boolean {
    const own = (this.#own.get(declared.name) ?? []).find((it) => isIn(it, declared.schema));
    return own !== undefined && !isSame(own, declared);
  }

  /** Whether the handle has a table of this name that shows rows of everybody where this one shows a tenant's alone. */
  showsMore({ schema, name, tenant }: Declared): boolean {
    const own = (this.#own.get(name) ?? []).find((it) => isIn(it, schema));
    return (
      own !== undefined && tenant !== undefined && (!own.tenant || (own.tenant.everybody === true && !tenant.everybody))
    );
  }

  /**
   * A name without a schema is that of the table which is declared without one, or in "public".
   *
   * @throws Refusal for a name of the system catalogs; UnscopedTableError for one that is not declared, or twice
   */
  find(schema: string | undefined, name: string, location: number | undefined): Declared {
    const written = schema === undefined ? name : `${schema}.${name}`;
    if (schema === undefined ? name.startsWith('pg_') : schema === 'information_schema' || schema.startsWith('pg_')) {
      throw new Refusal(
        `"${written}" is of the system catalogs, which hold what concerns every tenant`,
        'Leave the system catalogs out',
        location,
      );
    }
    const own = (this.#own.get(name) ?? []).filter((it) => isIn(it, schema));
    const found = own.length > 0 ? own : (this.#others.get(name) ?? []).filter((it) => isIn(it, schema));
    if (found.length === 0) {
      const elsewhere = this.#own.get(name)?.[0] ?? this.#others.get(name)?.[0];
      throw new UnscopedTableError(
        written,
        elsewhere
          ? `Name the table as it is declared, "${elsewhere.schema ?? 'public'}.${name}": "${written}" is not declared.`
          : `Declare "${written}" with tenantTable() or referenceTable(), or give the view ` +
              `to withTenancy() in its relations or views: "${name}" is not declared, ` +
              `and a scoped handle touches no other table${otherCopies()}.`,
      );
    }
    if (found.some((it) => !isSame(it, found[0]!))) {
      throw new UnscopedTableError(
        written,
        `Declare "${written}" once, or give it to withTenancy() in its relations: ` +
          `the process declares it twice, and not alike${differenceOf(found)}. ` +
          'A development server that evaluates a changed module again does that: with the relations, ' +
          'the handle knows which one is meant.',
      );
    }
    return found[0]!;
  }
}

/** What two declarations of one name do not share. */
function differenceOf(declared: readonly Declared[]): string {
  const first = declared[0]!;
  const other = declared.find((it) => !isSame(it, first))!;
  const columns = [...first.columns, ...other.columns].filter((it) => !first.columns.has(it) || !other.columns.has(it));
  if (columns.length > 0) return ` (${columns.map((it) => `"${it}"`).join(', ')} is in one of them only)`;
  const tenancies = [first, other].map((it) => (it.tenant?.tenancy as { name?: string } | undefined)?.name);
  return first.tenant?.tenancy !== other.tenant?.tenancy && tenancies[0] === tenancies[1]
    ? `, since the tenancy "${tenancies[0]}" is declared twice`
    : '';
}

/**
 * Without a schema is in "public": whatever a search_path says, the table that is confined is the one that has the
 * tenant column.
 */
const isIn = (declared: Declared, schema: string | undefined) => (declared.schema ?? 'public') === (schema ?? 'public');

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
    (a.tenant?.everybody ?? false) === (b.tenant?.everybody ?? false) &&
    (a.tenant?.hasDefault ?? false) === (b.tenant?.hasDefault ?? false) &&
    a.isView === b.isView &&
    isSameSet(a.columns, b.columns) &&
    isSameSet(new Set(a.primaryKey), new Set(b.primaryKey)) &&
    isSameSet(keysOf(a), keysOf(b)));

const isSameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
  a.size === b.size && [...a].every((it) => b.has(it));

const keysOf = ({ uniqueOverAll }: Declared) =>
  new Set(uniqueOverAll.map((columns) => JSON.stringify([...columns].sort())));
