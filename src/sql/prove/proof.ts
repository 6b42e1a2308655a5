/** One proof under way: what is given, and what the statement was found to rest on. */
import { ImmutableTenantError, UnscopedTableError } from '../../errors.js';
import { Entry, type Level, type Source } from './entry.js';
import type { Assigned, Given } from '../given.js';
import { otherTenancy } from '../other-tenancy.js';
import type { Node, Parse } from '../parser.js';
import { Refusal } from '../refusal.js';
import type { Declared } from '../tables.js';
import { keeps, typeNamed, typeOf } from './types.js';

/** More than any statement that a person wrote: what it takes to read a query is 200. */
const maxWork = 2_000_000;

export class Proof {
  /** The tenant and reference tables that the statement names. */
  readonly touched = new Set<Declared>();
  /** The statement's own parameters that stand where a row names its tenant. */
  readonly guards = new Set<number>();
  /** Those of them that stand where null would be no row of everybody, but an error, or nobody's. */
  readonly notNull = new Set<number>();
  /** Those of them that a row's tenant column is set to. */
  readonly assigned: Assigned[] = [];
  /** Whether tenant tables have to be confined, and whether their rows have to meet within one tenant. */
  readonly confines: boolean;
  readonly meets: boolean;
  /** The number of the tenant's parameter; 0 where there is none. */
  readonly #tenant: number;
  readonly #parameters: Node[] = [];
  /** Those that stand where nothing but the tenant stands. */
  readonly #carrying = new Set<Node>();
  #type: string | undefined;
  #work = 0;
  /**
   * How many conditions the walk is in. PostgreSQL looks at them in the order of their cost: on rows of others, too.
   */
  conditions = 0;

  constructor(
    readonly given: Given,
    readonly parse: Parse,
  ) {
    const { reach, filters, count } = given;
    this.confines = filters && (reach === 'one' || reach === 'several');
    this.meets = filters && (reach === 'several' || reach === 'all');
    this.#tenant = reach === 'one' || reach === 'several' ? count + 1 : 0;
  }

  get isOne(): boolean {
    return this.given.reach === 'one';
  }

  /** Whether the tenant's parameter stands in the text. */
  get usesTenant(): boolean {
    return this.#parameters.some((it) => it.number === this.#tenant);
  }

  table(schema: string | undefined, name: string, location: number | undefined): Declared {
    const { tables, reach, tenancy } = this.given;
    const declared = tables.find(schema, name, location);
    const of = declared.tenant;
    if (of && !this.touched.has(declared)) {
      if (reach === 'shared') {
        throw new UnscopedTableError(
          name,
          `Use db.forTenant(id) for "${name}": db.shared holds the reference tables only.`,
        );
      }
      for (const it of this.touched)
        if (it.tenant && it.tenant.tenancy !== of.tenancy) throw otherTenancy(name, of.tenancy, it.tenant.tenancy);
      if (tenancy !== undefined && of.tenancy !== tenancy) throw otherTenancy(name, of.tenancy, tenancy);
      this.#type ??= of.type;
    }
    this.touched.add(declared);
    return declared;
  }

  /** The table that a statement writes. A common table expression of its name does not hide it. */
  target(level: Level, { schemaname, relname, alias, location }: Node): Entry {
    const table = this.table(schemaname, relname, location);
    if (alias?.colnames)
      throw new Refusal(`"${relname}" is given other names for its columns`, 'Give the table an alias only', location);
    if (table.isView) throw new Refusal(`"${relname}" is a view`, 'Write the table itself', location);
    if (!table.tenant && this.given.reach !== 'shared') {
      const reason = 'a reference table is shared by all tenants, and a scoped handle only reads it';
      throw new UnscopedTableError(relname, `Write "${relname}" through db.shared: ${reason}.`);
    }
    return this.entry(level, { schemaname, relname, alias, location }, table);
  }

  /**
   * Counts what the proof takes, since it holds the event loop: for queries, for their entries, and for what is looked
   * for between each two of those. The second operand of a recursion is read again for each recursion around it.
   */
  work(units: number): void {
    this.#work += units;
    if (this.#work <= maxWork) return;
    throw new Refusal(
      'it has too many queries or sources of rows within one another',
      'Write a shorter statement, or several',
    );
  }

  /** The entry of a declared table. */
  entry(level: Level, { schemaname = 'public', relname, alias, location }: Node, table: Declared): Entry {
    // `public.tasks.id` means the nearest "tasks" without an alias, whether or not that is written with its schema.
    const entry = new Entry(level, alias?.aliasname ?? relname, table, alias ? undefined : schemaname, location);
    if (table.tenant && (this.confines || this.meets)) entry.holds = 'tenant';
    return entry;
  }

  /** Refuses to set the tenant of a row, but to the handle's own: a parameter, which becomes a guard. */
  isSettable(table: Declared, column: string, value: Node): void {
    if (column !== table.tenant?.column) return;
    if (!this.isOne || !value?.ParamRef || !this.isCell(value, false))
      throw new ImmutableTenantError(table.name, column);
    this.assigned.push({ number: value.ParamRef.number, table: table.name, column });
  }

  /** Notes a parameter; `end` asks what became of those that carry the tenant. */
  parameter(node: Node): void {
    const { number, location } = node;
    if (number > this.given.count && number !== this.#tenant) {
      throw new Refusal(
        `there is no parameter $${number}`,
        'Interpolate the value, so that it becomes a parameter',
        location,
      );
    }
    this.#parameters.push(node);
  }

  /** Whether an expression is the tenant's parameter, or what is known to be the tenant. */
  isTenant(expression: Node): boolean {
    const { known } = this.given;
    const [value, type] = uncast(expression);
    if (type && !this.#keeps(type)) return false;
    if (value?.ParamRef) {
      const { number } = value.ParamRef;
      if (!(this.isOne && number === this.#tenant) && !known?.parameters.has(number)) return false;
      this.#carrying.add(value.ParamRef);
      return true;
    }
    const text = known && value?.A_Const && literalOf(value.A_Const);
    return text !== undefined && known!.values.has(text);
  }

  /** Whether an expression is the array of the handle's tenants. */
  isTenants(expression: Node): boolean {
    const { reach, known } = this.given;
    const [value, type] = uncast(expression);
    if (!value?.ParamRef || (type && !(type.endsWith('[]') && this.#keeps(type.slice(0, -2))))) return false;
    const { number } = value.ParamRef;
    if (!(reach === 'several' && number === this.#tenant) && !known?.arrays.has(number)) return false;
    this.#carrying.add(value.ParamRef);
    return true;
  }

  /**
   * Whether what a row is given as its tenant is one of the handle's: a parameter of the statement's own becomes a
   * guard.
   *
   * @param orEverybody whether it may be null, which makes the row everybody's
   */
  isCell(source: Source, orEverybody: boolean): boolean {
    if (source === true || this.isTenant(source)) return true;
    const [value, type] = uncast(source);
    const number: number | undefined = value?.ParamRef?.number;
    if (!number || number > this.given.count || this.given.known || (type && !this.#keeps(type))) return false;
    this.guards.add(number);
    if (!orEverybody) this.notNull.add(number);
    this.#carrying.add(value.ParamRef);
    return true;
  }

  #keeps(type: string): boolean {
    const declared = this.#type === undefined ? undefined : typeNamed(this.parse, this.#type);
    return declared !== undefined && keeps(type, declared);
  }

  /**
   * A parameter has one type in the whole statement. One that carries the tenant stands nowhere else: as a float it
   * would match neighbouring ids, as a name it would be cut off.
   */
  end(): void {
    const carriers = new Set([...this.#carrying].map((it) => it.number));
    if (this.#tenant) carriers.add(this.#tenant);
    const other =
      carriers.size === 0
        ? undefined
        : this.#parameters.find((it) => carriers.has(it.number) && !this.#carrying.has(it));
    if (!other) return;
    throw new Refusal(
      `the parameter $${other.number} carries the tenant, and stands where it could be given another type`,
      'Pass the value again as a parameter of its own',
      other.location,
    );
  }
}

/** An expression without its cast, and the type of that. */
function uncast(expression: Node): [value: Node, type: string | undefined] {
  const cast = expression?.TypeCast;
  return cast ? [cast.arg, typeOf(cast.typeName)] : [expression, undefined];
}

/** A literal that is a string or a whole number, as text. */
function literalOf(constant: Node): string | undefined {
  if (constant.sval) return constant.sval.sval ?? '';
  if (constant.ival) return String(constant.ival.ival ?? 0);
  if (constant.fval && /^-?\d+$/.test(constant.fval.fval)) return constant.fval.fval;
  return undefined;
}
