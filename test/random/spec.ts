/** What a schema drawn at random consists of, as plain data: the generator of programs reads it, and nothing else. */

/** What can be done with a column. A key's kind names its type, and two keys are compared within one kind only. */
export type Kind =
  | 'int'
  | 'text'
  | 'bool'
  | 'enum'
  | 'array'
  | 'json'
  | 'numeric'
  | 'time'
  | `key ${string}`
  | `tenant ${number}`;

export interface ColumnSpec {
  /** Its key in the table, and its name in the database. */
  readonly key: string;
  readonly name: string;
  readonly kind: Kind;
  /** The builder's text, without what follows from the rest of this. */
  readonly type: string;
  readonly notNull?: boolean;
  readonly unique?: boolean;
  /** Given by the database, or by the declaration. */
  readonly made?: 'generated' | 'identity' | 'default' | 'onUpdate';
  /** The table that it points at. */
  readonly to?: string;
}

export interface TableSpec {
  readonly name: string;
  readonly kind: 'root' | 'tenant' | 'link' | 'reference' | 'view' | 'materialized view';
  /** Which tenancy, by number; none for a reference table. */
  readonly tenancy?: number;
  readonly tenantKey?: string;
  readonly columns: readonly ColumnSpec[];
  /** The keys of the columns that tell a tenant's rows apart. */
  readonly key: readonly string[];
  /** Its name in SQL. */
  readonly sqlName: string;
  readonly inSchema: boolean;
  /** How it is declared. */
  readonly source: string;
}

/** A way from one table to another. */
export interface LinkSpec {
  readonly from: string;
  readonly fromKeys: readonly string[];
  readonly to: string;
  readonly toKeys: readonly string[];
}

export interface RelationSpec {
  readonly table: string;
  readonly name: string;
  readonly target: string;
  readonly many: boolean;
  readonly through: boolean;
  readonly source: string;
}

export interface TenancySpec {
  readonly name: string;
  readonly keyType: string;
  readonly declaration: string;
  /** The ids, as text of TypeScript and of SQL. The first ones are those under test. */
  readonly ids: readonly string[];
  readonly sqlIds: readonly string[];
}

export interface SchemaSpec {
  readonly index: number;
  readonly tenancies: readonly TenancySpec[];
  readonly tables: readonly TableSpec[];
  readonly links: readonly LinkSpec[];
  readonly relations: readonly RelationSpec[];
  /** The schema's module, as text that is TypeScript and JavaScript at once. */
  readonly source: string;
  /** What the source exports. */
  readonly names: readonly string[];
}

/** Numbers drawn one after the other from a seed. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** The words of all texts: programs draw from them too, so that comparisons hit. */
export const words = ['ash', 'birch', 'cedar', 'dogwood', 'elm', 'Fir', "o'ak"];
export const states = ['open', 'paused', 'closed'];

/** The `n`th key of a kind, as text of TypeScript. */
export function keyText(kind: Kind, n: number): string {
  switch (kind) {
    case 'key uuid':
      return `'00000000-0000-4000-8000-${String(n).padStart(12, '0')}'`;
    case 'key text':
      return `'k${n}'`;
    default:
      return String(n);
  }
}
