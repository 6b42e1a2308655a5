/** `npm run playground:live`: builds the playground that needs no server into a folder, and serves it until Ctrl-C. */
import { fileURLToPath } from 'node:url';
import { buildLive } from './build.js';
import { serve } from './serve.js';

const [given, only] = process.argv.slice(2);
const out = given ?? fileURLToPath(new URL('../../docs/.vitepress/dist/playground', import.meta.url));
await buildLive(out);
if (only !== '--build') console.log(`The playground is at ${(await serve(out, 4321)).url}`);
