/** What a text is confined to, and proved against: plain data, the same for both. */
import type { Declared, Tables } from './tables.js';

/**
 * Whose rows a statement may touch:
 * - `one`: the rows where the tenant column is the tenant, which is the parameter behind the statement's own;
 * - `several`: where it is one of an array, which is that parameter;
 * - `all`: every tenant's rows, but rows of tenant tables meet within one tenant only;
 * - `shared`: reference tables only, which may be written.
 */
export type ReachKind = 'one' | 'several' | 'all' | 'shared';

export interface Given {
  readonly reach: ReachKind;
  /**
   * False in write-only mode: what is read is not filtered, and rows that are written are given their tenant all the
   * same.
   */
  readonly filters: boolean;
  /**
   * The tenancy of the handle: the object, not its name. Undefined while no statement told it: the first tenant table
   * does.
   */
  readonly tenancy: unknown;
  readonly tables: Tables;
  /** The application's own functions that a statement may call, as they are written: `slugify`, `app.total`. */
  readonly functions: ReadonlySet<string>;
  /** The number of parameters that the statement was given. The tenant's is the one behind them. */
  readonly count: number;
  /** For `proveScoped`, where no gate appends the tenant: what else is known to be the tenant. */
  readonly known?: KnownTenants | undefined;
}

/** Values of the tenant that a text is proved with, when it was confined elsewhere. */
export interface KnownTenants {
  /** As literals in the text. */
  readonly values: ReadonlySet<string>;
  /** The numbers of the parameters that are such a value, and of those that are an array of them. */
  readonly parameters: ReadonlySet<number>;
  readonly arrays: ReadonlySet<number>;
}

/** A parameter that the tenant column of a row is set to. */
export interface Assigned {
  readonly number: number;
  readonly table: string;
  readonly column: string;
}

/** What was proved of a text. */
export interface Proved {
  /** The tenant and reference tables that the statement names. */
  readonly tables: readonly Declared[];
  /** The parameters of the statement's own that stand where a row names its tenant: each has to be the tenant. */
  readonly guards: readonly number[];
  /** Those of them that may be null, of a handle of all tenants: the row is everybody's then. */
  readonly orEverybody: readonly number[];
  /** Those of them that the tenant column of a row is set to: the tenant again, which changes nothing. */
  readonly assigned: readonly Assigned[];
  /** Whether the tenant's parameter stands in the text. */
  readonly usesTenant: boolean;
}
