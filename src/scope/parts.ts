/** The parts of a statement, as Drizzle's builders hand them to the dialect. */
export type Config = Record<string, any>;

/** Each part is read once, and not again after it was checked. */
export const read = (config: Config): Config => Object.assign({}, config);

/**
 * As `read`. What Drizzle spreads into a new object for each statement is slow to read: each has a hidden class of its
 * own, and a part that is not there is looked for anew. Here all have one.
 */
export const partsOf = (config: Config): Config =>
  Object.assign(
    {
      withList: undefined, table: undefined, fields: undefined, distinct: undefined, setOperators: undefined, joins: undefined,
      where: undefined, having: undefined, orderBy: undefined, groupBy: undefined, limit: undefined, offset: undefined,
      lockingClause: undefined, comment: undefined, fieldsFlat: undefined, setFieldsFlat: undefined, set: undefined,
      from: undefined, returning: undefined, returningFields: undefined, values: undefined, select: undefined,
      columnList: undefined, overridingSystemValue_: undefined, onConflict: undefined, shape: undefined, mapper: undefined,
      useSelectionCastCodecs: undefined,
    },
    config,
  );
