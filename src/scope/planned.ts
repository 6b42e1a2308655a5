/** What is kept of a statement, and a statement that was made of it. */
import type { SQL } from 'drizzle-orm';
import { type Built, markBuilt } from './built.js';
import { chunkKindOf, chunkKinds } from './chunks.js';
import type { Scope } from './scope.js';
import { Slot, substitute } from './slots.js';
import { tenantSlot } from './tenant-slot.js';

/** A value where the text says `$n`: the tenant's, or one of the application's by its number. */
export interface Parameter {
  readonly isTenant: boolean;
  readonly index: number;
  readonly encode: ((value: unknown) => unknown) | undefined;
  /** How the driver wants it, once it is encoded. */
  readonly codec: ((value: unknown) => unknown) | undefined;
  /** What a relational query says by itself: the one row of findFirst, a relation's own filter. */
  readonly constant: unknown;
}

/** What is kept of a statement. */
export interface Plan {
  readonly sql: SQL;
  /** Of a tenant that is named when the statement is sent. */
  readonly scope: Scope;
  readonly expects: ReadonlySet<string>;
  readonly text: string;
  readonly parameters: readonly Parameter[];
  /** What a relational query selects, and the tables that it reads. */
  readonly selection: unknown;
  readonly usedTables: ReadonlySet<unknown>;
}

/** A statement by its plan and its values. Its SQL is made when somebody asks for it, as a part of another statement. */
export class PlannedSQL implements Built {
  #sql: SQL | undefined;
  readonly isOpen = true;

  constructor(
    readonly plan: Plan,
    readonly values: readonly unknown[],
    readonly scope: Scope,
  ) {}

  get expects(): ReadonlySet<string> {
    return this.plan.expects;
  }

  get sql(): SQL {
    return (this.#sql ??= substitute(this.plan.sql, (index) => this.values[index], this.#tenant));
  }

  /** Undefined where a type makes SQL of the tenant: the text is another. */
  get planned() {
    const { parameters, text } = this.plan;
    const params = new Array<unknown>(parameters.length);
    for (let i = 0; i < params.length; i++) {
      const { isTenant, index, encode, codec, constant } = parameters[i]!;
      const value = isTenant ? (encode ? encode(this.#tenant) : this.#tenant) : index < 0 ? constant : this.values[index];
      if (isTenant && chunkKindOf(value) === chunkKinds.sql) return undefined;
      params[i] = codec && value !== null ? codec(value) : value;
    }
    return { text, params };
  }

  get #tenant(): unknown {
    const { reach } = this.scope;
    return reach.kind === 'one' ? reach.id : undefined;
  }
}

/** A planned statement as a part of the next plan: its slots are counted from `first`. */
export const planPart = ({ plan }: PlannedSQL, first: number): SQL =>
  markBuilt(substitute(plan.sql, (index) => new Slot(first + index), tenantSlot), plan.scope, plan.expects);
