/** Tables in SQL. By hand, Drizzle writes the alias of one alone, also where the table belongs. */
import { Column, is, SQL, sql, StringChunk, Subquery, Table } from 'drizzle-orm';
import { namesOf } from '../schema/classify.js';

const source = /\b(?:from|join|update|using|only|,)$/i;
/** Whether a table may follow a text. Blanks are cut off first: to look for them from each place on takes seconds. */
const endsBeforeTable = (text: string) => source.test(text.trimEnd().replace(/\($/, '').trimEnd());

/**
 * @param query a statement that names a table which is not declared
 * @returns the same, with the table before each alias that stands where rows come from; undefined where there is none
 */
export function withTables(query: SQL): SQL | undefined {
  let isFound = false;
  const spelled = (chunk: any, before: unknown): any => {
    if (is(chunk, SQL)) {
      const chunks = chunk.queryChunks.map((it, i) => spelled(it, chunk.queryChunks[i - 1]));
      return Object.assign(new SQL(chunks), { shouldInlineParams: (chunk as any).shouldInlineParams });
    }
    if (is(chunk, Subquery) && !chunk._.isWith)
      return sql`(${spelled(chunk._.sql, undefined)}) ${sql.identifier(chunk._.alias)}`;
    if (Array.isArray(chunk)) return chunk.map((it) => spelled(it, undefined));
    if (!is(chunk, Table) || !(chunk as any)[(Table as any).Symbol.IsAlias]) return chunk;
    if (!is(before, StringChunk) || !endsBeforeTable(String(before.value))) return chunk;
    isFound = true;
    const [schema, original, known] = namesOf(chunk);
    const prefix = schema === undefined ? undefined : sql`${sql.identifier(schema)}.`;
    return sql`${prefix}${sql.identifier(original)} ${sql.identifier(known)}`;
  };
  const result = spelled(query, undefined);
  return isFound ? result : undefined;
}

/** The tables that SQL is built from, by themselves or by their columns. */
export function* tablesIn(chunk: any): Generator<object> {
  if (is(chunk, SQL)) for (const it of chunk.queryChunks) yield* tablesIn(it);
  else if (is(chunk, Subquery)) yield* tablesIn(chunk._.sql);
  else if (Array.isArray(chunk)) for (const it of chunk) yield* tablesIn(it);
  else if (is(chunk, Table)) yield chunk;
  else if (is(chunk, Column)) yield (chunk as any).table;
}
