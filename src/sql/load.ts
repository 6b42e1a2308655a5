/** Loads PostgreSQL's own parser, once for the process, in the background: queries wait for it. */
import { RawSqlNotScopedError } from '../errors.js';
import { bundled, installed, WASM, type Instance, type PgQuery } from './pg-query.js';

/** @throws ParseError */
export type Parse = (text: string) => { readonly version?: number; readonly stmts?: readonly any[] };

/** What PostgreSQL says of a text that it cannot parse. */
export class ParseError extends Error {
  /** @param position in characters of the text; undefined where there is none */
  constructor(
    message: string,
    readonly position: number | undefined,
  ) {
    super(message);
  }
}

let loading: Promise<Parse> | undefined;
let loaded: Parse | undefined;

/** @returns the parser; undefined until it is loaded */
export const parser = (): Parse | undefined => loaded;

/**
 * @returns the parser
 * @throws RawSqlNotScopedError where it cannot be loaded, with what to do; the next call tries again
 */
export function loadParser(): Promise<Parse> {
  return (loading ??= load().catch((cause: unknown) => {
    loading = undefined;
    throw cause;
  }));
}

async function load(): Promise<Parse> {
  try {
    return (loaded = (await started(installed())) ?? (await parserOf(await bundled())));
  } catch (cause) {
    const remedy = remedies.find(([pattern]) => pattern.test(String(cause)))?.[1] ?? reinstall;
    throw Object.assign(
      new RawSqlNotScopedError(
        "every statement is proved by PostgreSQL's parser before it is sent, and libpg-query cannot be " +
          `loaded: ${cause}`,
        '',
        remedy,
      ),
      { cause },
    );
  }
}

/** A bundle may find another version than its own, which some other package brought. */
const started = (found: PgQuery | undefined): Promise<Parse | undefined> | undefined =>
  found && parserOf(found).catch(() => undefined);

const reinstall = 'Install drizzle-tenant with its dependencies, and deploy every chunk that the bundler writes';
const remedies: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /code generation disallowed by embedder/i,
    'Bundle for workerd with the condition "workerd" (Wrangler sets it; in esbuild conditions: ' +
      "['workerd'], in Vite ssr.resolve.conditions), which imports the .wasm file as a module",
  ],
  [
    /edge runtime|dynamic code evaluation|eval.* not allowed/i,
    'Bundle for the edge runtime with the condition "edge-light", which imports the .wasm file as a module',
  ],
  [
    /content.security.policy|unsafe-eval/i,
    "Allow WebAssembly in the page's Content-Security-Policy: script-src 'self' 'wasm-unsafe-eval'",
  ],
  [
    /#pg-query/,
    'Let the bundler follow "imports" of drizzle-tenant\'s package.json (a resolver of 2021 or later ' +
      'does), or leave drizzle-tenant out of the bundle ("external")',
  ],
];

async function parserOf({ start, wasm }: PgQuery): Promise<Parse> {
  const instance = await start({
    instantiateWasm(imports, done) {
      done(new WASM.Instance(wasm, imports));
      return {};
    },
  });
  const parse: Parse = (text) => {
    try {
      return parsed(instance, text);
    } catch (error) {
      // After anything but an answer, as when the stack overflows, the instance is in no state that is known.
      if (!(error instanceof ParseError) && loaded === parse) restart();
      throw error;
    }
  };
  const version = Math.floor((parse('select 1').version ?? 0) / 10_000);
  if (version !== 18) throw new Error(`it is of PostgreSQL ${version}, and 18 is expected`);
  return parse;
}

function restart(): void {
  loaded = undefined;
  loading = undefined;
  // Whoever needs it hears what is wrong.
  loadParser().catch(() => {});
}

/**
 * What libpg-query gives: pointers to the tree as JSON, to what was printed, and to an error (message, function, file,
 * line, position).
 */
function parsed(instance: Instance, text: string) {
  const bytes = instance.lengthBytesUTF8(text) + 1;
  const pointer = instance._malloc(bytes);
  instance.stringToUTF8(text, pointer, bytes);
  const result = instance._wasm_parse_query_raw(pointer);
  const at = (start: number, field: number) => instance.getValue(start + 4 * field, 'i32');
  const error = at(result, 2);
  const message = error ? instance.UTF8ToString(at(error, 0)) : '';
  const position = error ? at(error, 4) : 0;
  const tree = error ? '' : instance.UTF8ToString(at(result, 0));
  instance._free(pointer);
  instance._wasm_free_parse_result(result);
  if (error) throw new ParseError(message, position > 0 ? position - 1 : undefined);
  return JSON.parse(tree);
}
