/** One proof under way: what is known from outside, and what the statement was found to rest on. */
import { Refusal } from '../refusal.js';
import type { Node } from '../parser.js';
import type { Declared, Tables } from '../tables.js';
import { typeIn, typeOf } from './types.js';

/** What a statement is proved against. */
export interface Given {
  readonly tables: Tables;
  /** The values of the tenant, as text; undefined for a statement over reference tables, which may write them. */
  readonly tenants: ReadonlySet<string> | undefined;
  /** The numbers of the parameters that carry such a value. */
  readonly carriers: ReadonlySet<number>;
  /** PostgreSQL's name of a type as it was declared. */
  readonly typeNamed: (type: string) => string | undefined;
}

export class Proof {
  /** The tenant and reference tables that the statement names. */
  readonly touched = new Set<Declared>();
  /** Whether the answer depends on a value that stands in the text. */
  literal = false;
  readonly #parameters = new Map<number, Node[]>();
  readonly #carrying = new Map<number, Set<Node>>();

  constructor(readonly given: Given) {}

  table(schema: string | undefined, name: string, location: number | undefined): Declared {
    const declared = this.given.tables.find(schema, name, location);
    if (declared.tenant && !this.given.tenants) {
      throw new Refusal(`"${name}" holds tenants' rows`, 'Use db.forTenant(id): db.shared holds the reference tables only', location);
    }
    this.touched.add(declared);
    return declared;
  }

  /** Notes that a parameter was met; `end` compares that with where it carried the tenant. */
  parameter(node: Node): void {
    const { number } = node;
    const seen = this.#parameters.get(number);
    if (seen) seen.push(node);
    else this.#parameters.set(number, [node]);
  }

  /**
   * Whether an expression is the tenant's value, compared with or stored in the tenant column of `table`: a
   * parameter or a literal, either bare or cast to a type that keeps every value of the column's.
   */
  isTenant(expression: Node, table: Declared): boolean {
    let value = expression;
    if (value?.TypeCast) {
      const declared = this.given.typeNamed(table.tenant!.type);
      if (!declared || !typeIn(typeOf(value.TypeCast.typeName), declared)) return false;
      value = value.TypeCast.arg;
    }
    if (value?.ParamRef) {
      const node = value.ParamRef;
      if (!this.given.carriers.has(node.number)) return false;
      const nodes = this.#carrying.get(node.number);
      if (nodes) nodes.add(node);
      else this.#carrying.set(node.number, new Set([node]));
      return true;
    }
    const text = value?.A_Const && literalOf(value.A_Const);
    if (text === undefined) return false;
    this.literal = true;
    return this.given.tenants!.has(text);
  }

  /**
   * A parameter has one type in the whole statement, that of its first use. Where it carries the tenant it must be
   * used for nothing else: as a float it would match neighbouring ids, as a name it would be cut off.
   */
  end(): void {
    for (const [number, carrying] of this.#carrying) {
      const other = this.#parameters.get(number)!.find((node) => !carrying.has(node));
      if (other) {
        throw new Refusal(
          `the parameter $${number} carries the tenant, and stands where it could be given another type`,
          'Pass the value again as a parameter of its own',
          other.location,
        );
      }
    }
  }
}

/** A literal that is a string or a whole number, as text. */
function literalOf(constant: Node): string | undefined {
  if (constant.sval) return constant.sval.sval ?? '';
  if (constant.ival) return String(constant.ival.ival ?? 0);
  if (constant.fval && /^-?\d+$/.test(constant.fval.fval)) return constant.fval.fval;
  return undefined;
}
