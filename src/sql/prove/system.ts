/** The system columns of a row: they tell where it lies among everybody's rows, and after how many transactions of all. */
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';

const names = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid', 'oid']);

export const isSystemColumn = (name: string): boolean => names.has(name);

export function refuseSystemColumn(name: string, location: number | undefined): never {
  throw new Refusal(`the system column ${name} tells of other rows`, 'Leave the system columns out, and name a row by its primary key', location);
}

/** `xmax = 0`, which tells whether an upsert inserted the row or updated it: its own affair. No other number, which would be a transaction's. */
export function isOfUpsert({ kind, name, lexpr, rexpr }: Node): boolean {
  const path: Node[] | undefined = lexpr?.ColumnRef?.fields;
  const operator = name?.length === 1 ? name[0].String?.sval : undefined;
  const isZero = rexpr?.A_Const?.ival !== undefined && (rexpr.A_Const.ival.ival ?? 0) === 0;
  return kind === 'AEXPR_OP' && (operator === '=' || operator === '<>') && path?.at(-1)?.String?.sval === 'xmax' && isZero;
}
