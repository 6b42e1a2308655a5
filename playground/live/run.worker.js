/** PostgreSQL and the library, apart from the page: a program that never ends is stopped with its worker. */
import { PGlite } from '@electric-sql/pglite';
import ddl from 'virtual:ddl';
import { openEngine } from './engine.ts';
import { programOf } from './program.ts';

const compiled = async (name) => WebAssembly.compileStreaming(fetch(name));
const opened = (async () => {
  const [pgliteWasmModule, initdbWasmModule, fsBundle] = await Promise.all([
    compiled('pglite.wasm'),
    compiled('initdb.wasm'),
    fetch('pglite.data').then((it) => it.blob()),
  ]);
  const client = new PGlite({ pgliteWasmModule, initdbWasmModule, fsBundle });
  const engine = await openEngine(client, ddl);
  // What is written may come from a link: it finds no way out of here.
  for (const name of [
    'fetch',
    'XMLHttpRequest',
    'WebSocket',
    'EventSource',
    'indexedDB',
    'caches',
    'importScripts',
    'Worker',
    'BroadcastChannel',
    'navigator',
  ]) {
    Object.defineProperty(globalThis, name, { value: undefined, configurable: false });
  }
  return engine;
})();
opened.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error?.message ?? error) }),
);

onmessage = async ({ data: { id, program } }) => {
  try {
    const engine = await opened;
    postMessage({ id, sights: await engine.run(programOf(program)) });
  } catch (error) {
    postMessage({ id, failed: String(error?.message ?? error) });
  }
};
