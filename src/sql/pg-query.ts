/**
 * Where PostgreSQL's own parser comes from. The package `libpg-query` is WebAssembly, and a JavaScript module that
 * starts it. Its own entry looks for the `.wasm` beside itself, where a bundler leaves nothing, so this finds both.
 */

/** What the started WebAssembly offers, of what is used here. */
export interface Instance {
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _wasm_parse_query_raw(text: number): number;
  _wasm_free_parse_result(result: number): void;
  getValue(pointer: number, type: string): number;
  lengthBytesUTF8(text: string): number;
  stringToUTF8(text: string, pointer: number, bytes: number): void;
  UTF8ToString(pointer: number): string;
}

export interface PgQuery {
  /** Starts what `instantiateWasm` makes. */
  readonly start: (options: {
    instantiateWasm: (imports: object, done: (instance: object) => void) => object;
  }) => Promise<Instance>;
  /** A compiled module. */
  readonly wasm: object;
}

/** What is used of WebAssembly: its types come with the DOM's. */
export const WASM = (globalThis as any).WebAssembly as {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => object;
  compile(bytes: ArrayBuffer): Promise<object>;
};

/**
 * Where there are files: the package as it is installed. It is read at once, which takes less time than it would to
 * wait for it.
 *
 * @returns undefined where there are no files, or the package is not found from here: in a bundle
 */
export function installed(): PgQuery | undefined {
  try {
    // A bundler does not see this, and so takes neither the package nor Node's modules into a browser.
    const { createRequire } = process.getBuiltinModule('node:module');
    const { readFileSync } = process.getBuiltinModule('node:fs');
    const require = createRequire(import.meta.url);
    const start = require('libpg-query/wasm/libpg-query.js');
    const wasm = new WASM.Module(readFileSync(require.resolve('libpg-query/wasm/libpg-query.wasm')));
    return { start, wasm };
  } catch {
    return undefined;
  }
}

/**
 * Everywhere else: a copy that the build makes, which a bundler takes along like any other module. In workerd and on
 * the edge, which compile nothing at run time, package.json's `imports` name one that imports the `.wasm` itself.
 */
export async function bundled(): Promise<PgQuery> {
  // @ts-ignore the build makes it
  const module: any = await import('#pg-query');
  const { start, wasm, gzip } = module.start ? module : module.default;
  return { start, wasm: wasm ?? (await WASM.compile(await unzipped(gzip))) };
}

async function unzipped(base64: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
