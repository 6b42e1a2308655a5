/** The code of a recipe in docs/, as one module that a test can import. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = fileURLToPath(new URL('./recipes/', import.meta.url));

/** @param name the document's, without `.md` */
export async function recipe(name: string): Promise<Record<string, any>> {
  const blocks = [...readFileSync(`${root}docs/${name}.md`, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(
    (it) => it[1]!,
  );
  const code = blocks.join('\n').replaceAll("'drizzle-tenant'", "'../../../src/index.js'");
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${name}.ts`;
  writeFileSync(file, code);
  return import(/* @vite-ignore */ file);
}
