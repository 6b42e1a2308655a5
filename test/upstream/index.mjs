/** Runs each program, and prints whether the fault that it shows is still there. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
for (const file of readdirSync(folder).filter(
  (it) => it.endsWith('.mjs') && !['index.mjs', 'within.mjs'].includes(it),
)) {
  const { stdout, stderr } = spawnSync(process.execPath, [folder + file], { encoding: 'utf8', timeout: 60_000 });
  console.log(`${file}: ${stdout.trim() || `did not end: ${stderr.trim().split('\n').at(-1)}`}`);
}
