/**
 * Drizzle's `jit` mappers, which make rows into objects by a function that is compiled for a selection. Drizzle
 * compiles one for each query that is built; here a selection that comes again is mapped by the function that it had
 * before.
 *
 * Two queries of the same text may select into different fields, or decode them in different ways. So nothing is looked
 * up by text: a mapper is made from the paths, decoders and codecs of a selection and from nothing else, and a
 * selection has it in common with another only where each of these is the same.
 */
import { makeJitQueryMapper, makeJitRqbMapper, noopDecoder } from 'drizzle-orm';

/** A field of a selection, as Drizzle hands it to its mappers. */
interface Field {
  readonly path?: readonly string[] | undefined;
  readonly key?: string | undefined;
  readonly field: any;
  readonly fieldType: string;
  readonly subqueryDecoder?: Decoder;
  readonly codec?: unknown;
  readonly arrayDimensions?: unknown;
  readonly isArray?: boolean | undefined;
  readonly selection?: readonly Field[] | undefined;
}

interface Decoder {
  readonly mapFromDriverValue: (value: unknown) => unknown;
}

/** What a mapper reads of a field. */
interface Kept extends Field {
  readonly decoder: Decoder;
  readonly map: Decoder['mapFromDriverValue'];
  readonly selection?: readonly Kept[] | undefined;
}

type Mapper = (rows: any[]) => unknown;

/** How one of Drizzle's mappers is made, besides the selection. */
type Options = Readonly<Record<string, unknown>>;

/** Statements whose selections begin alike share a list. */
const mostOfOneKey = 32;

/** A selection with how it is mapped. */
class Mappers {
  readonly #lists = new WeakMap<object, { fields: readonly Kept[]; options: Options; mapper: Mapper }[]>();

  /** @param make what Drizzle makes of a selection, and of the options */
  constructor(readonly make: (fields: readonly Kept[], options: Options) => Mapper) {}

  of(fields: readonly Field[], options: Options): Mapper {
    const [first] = fields;
    if (!first) return this.make([], options);
    const decoder = decoderOf(first);
    const key = isBare(decoder) ? decoder.mapFromDriverValue : decoder;
    let list = this.#lists.get(key);
    if (!list) this.#lists.set(key, (list = []));
    for (const it of list) if (isSame(it.fields, fields) && isSameOptions(it.options, options)) return it.mapper;
    const kept = fields.map(keptOf);
    const mapper = this.make(kept, options);
    if (list.length === mostOfOneKey) list.shift();
    list.push({ fields: kept, options, mapper });
    return mapper;
  }
}

/** Nested fields have none, and SQL has the one that was chosen with mapWith(). */
function decoderOf({ field, fieldType, subqueryDecoder, path }: Field): Decoder {
  if (fieldType === 'Column') return field;
  if (fieldType === 'SQL') return field.decoder;
  if (fieldType === 'Nested') return noopDecoder;
  if (fieldType === 'Subquery') return path ? field._.sql.decoder : (subqueryDecoder ?? noopDecoder);
  return fieldType === 'SQL.Aliased' || path ? field.sql.decoder : field.getSQL().decoder;
}

/** Without the SQL that a field may be, whose parameters are the query's own. */
function keptOf(given: Field): Kept {
  const { path, key, field, fieldType, codec, arrayDimensions, isArray, selection } = given;
  const decoder = decoderOf(given);
  const isColumn = fieldType === 'Column';
  return {
    path,
    key,
    fieldType: isColumn ? fieldType : 'SQL',
    field: isColumn ? field : { decoder },
    decoder,
    map: decoder.mapFromDriverValue,
    codec,
    arrayDimensions,
    isArray,
    selection: selection?.map(keptOf),
  };
}

function isSame(kept: readonly Kept[], fields: readonly Field[]): boolean {
  if (kept.length !== fields.length) return false;
  for (let i = 0; i < fields.length; i++) if (!isSameField(kept[i]!, fields[i]!)) return false;
  return true;
}

function isSameField(kept: Kept, field: Field): boolean {
  const decoder = decoderOf(field);
  const isColumn = field.fieldType === 'Column';
  return (
    kept.map === decoder.mapFromDriverValue &&
    (kept.decoder === decoder || (isBare(decoder) && isBare(kept.decoder))) &&
    (kept.fieldType === 'Column') === isColumn &&
    kept.codec === field.codec &&
    kept.arrayDimensions === field.arrayDimensions &&
    kept.key === field.key &&
    isSamePath(kept.path, field.path) &&
    kept.isArray === field.isArray &&
    (kept.selection && field.selection ? isSame(kept.selection, field.selection) : kept.selection === field.selection)
  );
}

function isSamePath(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (!a || !b) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** `mapWith(Number)` wraps the function anew each time, in what holds nothing else. */
const isBare = (decoder: Decoder) =>
  Object.getPrototypeOf(decoder) === Object.prototype && Object.keys(decoder).length === 1;

function isSameOptions(a: Options, b: Options): boolean {
  for (const name in b) if (!(name in a)) return false;
  for (const name in a) {
    const [one, other] = [a[name], b[name]];
    if (one !== other && !(Array.isArray(one) && Array.isArray(other) && isSamePath(one, other))) return false;
  }
  return true;
}

/**
 * @param dialect the application's
 * @returns the same, where it compiles no mappers; otherwise one that compiles them once for each selection
 */
export function withKeptMappers<T extends object>(dialect: T): T {
  const { rows, relationalRows } = (dialect as any).mapperGenerators ?? {};
  if (rows !== makeJitQueryMapper || relationalRows !== makeJitRqbMapper) return dialect;
  const plain = new Mappers((fields, { nullable }) => makeJitQueryMapper(fields as any, nullable as any));
  const relational = new Mappers((selection, options) => makeJitRqbMapper({ ...options, selection } as any));
  const value = {
    rows: (fields: readonly Field[], nullable: readonly string[] | undefined) => plain.of(fields, { nullable }),
    relationalRows: ({ selection, ...options }: Options & { readonly selection: readonly Field[] }) =>
      relational.of(selection, options),
  };
  return Object.create(dialect, { mapperGenerators: { value } });
}
