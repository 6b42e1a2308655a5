/**
 * Tells at a glance the expressions in which there is nothing to scope: columns, values and the operators between
 * them, which is what most conditions are. They need no reading token by token.
 */
import type { Param, SQL } from 'drizzle-orm';
import { chunkKindOf, chunkKinds } from './chunks.js';

interface Text {
  readonly depth: number;
  readonly lowest: number;
  readonly startsWord: boolean;
  readonly endsWord: boolean;
}

/** Operators, parentheses, and words that name neither a table nor a function. */
const plain = /^(?:[ (),.=<>!+*%]|\b(?:and|or|not|is|null|in|between|like|ilike|asc|desc|true|false)\b)*$/;
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
    text = { depth, lowest, startsWord: isWord.test(value[0] ?? ''), endsWord: isWord.test(value.at(-1) ?? '') };
  }
  if (texts.size >= 2_000) texts.clear();
  texts.set(value, text);
  return text;
}

/**
 * @param expression what stands in a clause
 * @param isBuilt whether SQL was built by a handle: a query, which has to be taken in
 * @returns whether it holds nothing but columns, values and plain operators, its parentheses closed
 */
export function isPlain(expression: unknown, isBuilt: (query: SQL) => boolean): boolean {
  let depth = 0;
  /** What the last chunk leaves behind: a word that would run into the next one. */
  let inWord = false;

  const read = (chunk: unknown): boolean => {
    switch (chunkKindOf(chunk)) {
      case chunkKinds.string: {
        const { value } = chunk as { value: string | string[] };
        if (value === '') return true;
        const text = typeof value === 'string' ? textOf(value) : undefined;
        if (!text || depth + text.lowest < 0 || (inWord && text.startsWord)) return false;
        depth += text.depth;
        inWord = text.endsWord;
        return true;
      }
      case chunkKinds.sql:
        return !isBuilt(chunk as SQL) && (chunk as SQL).queryChunks.every(read);
      case chunkKinds.column:
      case chunkKinds.name:
        inWord = false;
        return true;
      case chunkKinds.param:
        if (chunkKindOf((chunk as Param).value) === chunkKinds.sql) return read((chunk as Param).value);
        return operand();
      case chunkKinds.placeholder:
        return operand();
      case chunkKinds.other:
        if (chunk === undefined) return true;
        if (Array.isArray(chunk)) {
          inWord = false;
          return chunk.every(read) && ((inWord = false), true);
        }
        return typeof chunk !== 'function' && typeof (chunk as any)?.getSQL !== 'function' && operand();
      default:
        return false;
    }
  };
  const operand = () => {
    if (inWord) return false;
    inWord = true;
    return true;
  };
  return read(expression) && depth === 0;
}
