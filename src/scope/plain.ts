/**
 * Copies, at a glance, the expressions in which there is nothing to scope: columns, values and the operators between
 * them, which is what most conditions are. They need no reading token by token.
 */
import { Param, SQL, StringChunk } from 'drizzle-orm';
import { chunkKindOf, chunkKinds, withoutEncoding } from './chunks.js';
import { isCalledByName } from './sql-text.js';

interface Text {
  readonly depth: number;
  readonly lowest: number;
  readonly startsWord: boolean;
  readonly endsWord: boolean;
  /** What would make a call of a name before it. */
  readonly opens: boolean;
}

/** Operators, parentheses, and words that name neither a table nor a function. */
const plain = /^(?:[ ()=<>!%]|\b(?:and|or|not|is|null|in|between|like|ilike|asc|desc|true|false)\b)+$/;
const isWord = /\w/;
const texts = new Map<string, Text | undefined>();

function textOf(value: string): Text | undefined {
  if (texts.has(value)) return texts.get(value);
  let text: Text | undefined;
  if (plain.test(value)) {
    let depth = 0;
    let lowest = 0;
    for (const character of value) {
      if (character === '(') depth += 1;
      else if (character === ')') lowest = Math.min(lowest, (depth -= 1));
    }
    text = { depth, lowest, startsWord: isWord.test(value[0]!), endsWord: isWord.test(value.at(-1)!), opens: /^ *\(/.test(value) };
  }
  if (texts.size >= 2_000) texts.clear();
  texts.set(value, text);
  return text;
}

/**
 * @param expression what stands in a clause
 * @param isBuilt whether SQL was built by a handle: a query, which has to be taken in
 * @returns a copy, or undefined for what holds more than columns, values and plain operators in closed parentheses
 */
export function copyOfPlain(expression: unknown, isBuilt: (query: SQL) => boolean): unknown {
  let depth = 0;
  /** Whether what stands last is a word or a value, which the next one would run into. */
  let inWord = false;
  let inColumn = false;

  /** Returns undefined for what is not plain. */
  const copy = (chunk: unknown): unknown => {
    const kind = chunkKindOf(chunk);
    if (kind === chunkKinds.column) {
      // The name of a column's schema is dropped behind a derived table, which is not decided here.
      if (isCalledByName((chunk as { name: string }).name)) return undefined;
      inWord = false;
      inColumn = true;
      return chunk;
    }
    if (kind === chunkKinds.string) {
      const { value } = chunk as { value: unknown };
      const text = typeof value === 'string' && value !== '' ? textOf(value) : undefined;
      if (!text || depth + text.lowest < 0 || (inWord && text.startsWord) || (inColumn && text.opens)) return undefined;
      inColumn = false;
      depth += text.depth;
      inWord = text.endsWord;
      return new StringChunk(value as string);
    }
    if (kind === chunkKinds.param) {
      const { value, encoder, codec } = chunk as Param;
      const isSent = value === null || (encoder.mapToDriverValue as { isNoop?: boolean }).isNoop === true;
      if (inWord || !isSent || (typeof value === 'object' && value !== null)) return undefined;
      inWord = true;
      inColumn = false;
      return new Param(value, value === null ? encoder : withoutEncoding(encoder), codec);
    }
    if (kind !== chunkKinds.sql || isBuilt(chunk as SQL)) return undefined;
    const { queryChunks, decoder, shouldInlineParams } = chunk as any;
    if (shouldInlineParams) return undefined;
    const chunks: unknown[] = [];
    for (const inner of queryChunks) {
      if (inner === undefined) continue;
      const copied = copy(inner);
      if (copied === undefined) return undefined;
      chunks.push(copied);
    }
    const result = new SQL(chunks as any) as any;
    result.decoder = decoder;
    return result;
  };
  const result = copy(expression);
  return depth === 0 ? result : undefined;
}
