/** Slots: what stands in a statement that is kept, in place of a value. */
import { Param, Placeholder, SQL, Subquery } from 'drizzle-orm';
import { chunkKindOf, chunkKinds, isSQLWrapper, withoutEncoding } from './chunks.js';
import { tenantSlot } from './tenant-slot.js';

/** The place of a value, by its number in the statement. */
export class Slot extends Placeholder {
  readonly #index: number;

  constructor(index: number) {
    super(`value ${index}`);
    this.#index = index;
    Object.freeze(this);
  }

  static indexOf(value: unknown): number | undefined {
    return typeof value === 'object' && value !== null && #index in value ? value.#index : undefined;
  }
}

/**
 * @param valueOf the value for a slot, encoded
 * @param tenant in place of the tenant's
 * @returns a copy of a kept statement with its values
 */
export function substitute(kept: SQL, valueOf: (index: number) => unknown, tenant: unknown): SQL {
  const copyOf = (chunk: unknown): unknown => {
    const slot = Slot.indexOf(chunk);
    if (slot !== undefined) return valueOf(slot);
    switch (chunkKindOf(chunk)) {
      case chunkKinds.sql: {
        const { queryChunks, decoder, shouldInlineParams } = chunk as any;
        return Object.assign(new SQL(queryChunks.map(copyOf)) as any, { decoder, shouldInlineParams });
      }
      case chunkKinds.param: {
        const { value, encoder, codec } = chunk as Param;
        const index = Slot.indexOf(value);
        if (index !== undefined) return new Param(valueOf(index), withoutEncoding(encoder), codec);
        return new Param(value === tenantSlot ? tenant : value, encoder, codec);
      }
      case chunkKinds.subquery: {
        const { sql, selectedFields, alias, isWith } = (chunk as Subquery)._;
        return isWith ? chunk : new Subquery(copyOf(sql) as SQL, selectedFields, alias, isWith);
      }
      case chunkKinds.valueRows: {
        const { cells, encoders } = chunk as any;
        return Object.assign(Object.create(Object.getPrototypeOf(chunk)), { cells: cells.map(copyOf), encoders });
      }
      case chunkKinds.other: {
        if (Array.isArray(chunk)) return chunk.map(copyOf);
        if (!isSQLWrapper(chunk)) return chunk;
        const isBare = (chunk as any).shouldOmitSQLParens?.() === true;
        const inner = copyOf(chunk.getSQL()) as SQL;
        return { shouldOmitSQLParens: () => isBare, getSQL: () => inner };
      }
      default:
        return chunk;
    }
  };
  return copyOf(kept) as SQL;
}
