/** PostgreSQL's own parser, as WebAssembly: the package `libpg-query`. Loaded once, in the background. */
import { RawSqlNotScopedError } from '../errors.js';
import { Refusal } from './refusal.js';

/** A node of PostgreSQL's raw parse tree, as JSON. Which of its fields are known is checked where they are read. */
export type Node = any;
export type Parse = (text: string) => { readonly version?: number; readonly stmts?: readonly Node[] };

let loading: Promise<Parse> | undefined;
let loaded: Parse | undefined;

/** @returns the parser, as soon as it is loaded */
export const parser = (): Parse | undefined => loaded;

/**
 * @returns the parser
 * @throws RawSqlNotScopedError when `libpg-query` cannot be loaded; the next call tries again
 */
export function loadParser(): Promise<Parse> {
  return (loading ??= load().catch((cause: unknown) => {
    loading = undefined;
    throw cause;
  }));
}

async function load(): Promise<Parse> {
  const install = 'Install PostgreSQL\'s parser with "npm install libpg-query@18"';
  try {
    // What Emscripten made: of this, an instance can be made anew.
    const module: any = await import('libpg-query/wasm/libpg-query.js' as string);
    return (loaded = parserOf(await (module.default ?? module)()));
  } catch (cause) {
    const error = new RawSqlNotScopedError('every statement is proved before it is sent, which needs the package libpg-query', '', install);
    throw Object.assign(error, { cause });
  }
}

/** What PostgreSQL says of a text that it cannot read. */
class SyntaxFault {
  constructor(
    readonly message: string,
    /** Where, in characters. */
    readonly position: number,
  ) {}
}

/**
 * A parser on one instance of the WebAssembly. Where an instance is broken off, by a stack that overflows, its memory is
 * left as it was then; after some dozens of times it reads nonsense. So it is given up, and another one is loaded.
 */
function parserOf(wasm: any): Parse {
  let isBroken = false;
  return (text) => {
    if (isBroken) throw new Error('The parser was broken off, and is loaded anew.');
    isBroken = true;
    const size = wasm.lengthBytesUTF8(text) + 1;
    const query = wasm._malloc(size);
    try {
      wasm.stringToUTF8(text, query, size);
      const result = wasm._wasm_parse_query_raw(query);
      const [tree, , fault] = [0, 4, 8].map((it) => wasm.getValue(result + it, 'i32'));
      const read: unknown = fault ? new SyntaxFault(wasm.UTF8ToString(wasm.getValue(fault, 'i32')), wasm.getValue(fault + 16, 'i32') - 1) : wasm.UTF8ToString(tree);
      wasm._wasm_free_parse_result(result);
      wasm._free(query);
      isBroken = false;
      if (typeof read === 'string') return JSON.parse(read);
      throw read;
    } finally {
      if (isBroken) {
        if (loaded !== undefined) loading = loaded = undefined;
        loadParser().catch(() => {});
      }
    }
  };
}

/** The longest text: the parser holds the event loop while it reads. */
const maxLength = 500_000;

/** The one statement of a text. */
export function statementOf(parse: Parse, text: string): Node {
  const split = 'Write one statement of plain text';
  if (text.length > maxLength) throw new Refusal('the text is longer than 500,000 characters', 'Write a shorter statement, or several');
  if (text.includes('\0')) throw new Refusal('a NUL ends the text', split);
  if (!text.isWellFormed()) throw new Refusal('the text is not well-formed Unicode', split);
  // Where a server has standard_conforming_strings off, such a string would end elsewhere than the parser sees.
  const quote = text.indexOf("\\'");
  if (quote >= 0) throw new Refusal('a backslash before a quote may end a string elsewhere than it seems', "Write a quote in a string as ''", bytesOf(text.slice(0, quote)));
  let parsed;
  try {
    parsed = parse(text);
  } catch (error) {
    const fault = error instanceof SyntaxFault ? error : undefined;
    const reason = fault ? `PostgreSQL's parser says: ${fault.message}` : "PostgreSQL's parser gave up on it";
    const position = fault && fault.position >= 0 ? bytesOf([...text].slice(0, fault.position).join('')) : undefined;
    throw new Refusal(reason, fault ? 'Write a statement that PostgreSQL can read' : 'Write a statement that is nested less deeply', position);
  }
  if (Math.floor((parsed.version ?? 0) / 10_000) !== 18) {
    throw new Refusal('this version of libpg-query is not known', 'Install libpg-query@18');
  }
  const statements = parsed.stmts ?? [];
  if (statements.length !== 1) {
    throw new Refusal(statements.length === 0 ? 'there is no statement' : 'a second statement begins', 'Send one statement at a time', statements[1]?.stmt_location);
  }
  return statements[0].stmt;
}

const bytesOf = (text: string) => new TextEncoder().encode(text).length;
