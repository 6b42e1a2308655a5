/** TypeScript's language service, with the declarations of Drizzle and of the library. */
import ts from 'typescript-5.9';
import { createChecker } from './checker.ts';

const opened = fetch('types.json')
  .then((it) => it.json())
  .then((files) => {
    postMessage({ loaded: true });
    return createChecker(ts, (path) => files[path]);
  });

onmessage = async ({ data: { id, method, parameters } }) => {
  try {
    postMessage({ id, result: (await opened)[method](...parameters) });
  } catch (error) {
    postMessage({ id, failed: String(error?.message ?? error) });
  }
};
