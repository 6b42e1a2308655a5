/** The playground's samples, made of the queries and the mistakes that the playground on a server shows. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Sample {
  readonly name: string;
  readonly title: string;
  readonly kind: 'query' | 'mistake';
  readonly code: string;
}

const home = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(home + file, 'utf8');

/** Files of the application, as the editor's compiler sees them: with PGlite for postgres.js. */
export function applicationFiles(): Record<string, string> {
  const database = read('database.ts')
    .replaceAll('drizzle-orm/postgres-js', 'drizzle-orm/pglite')
    .replaceAll('PostgresJsQueryResultHKT', 'PgliteQueryResultHKT')
    .replace("import type { Sql } from 'postgres'", "import type { PGlite as Sql } from '@electric-sql/pglite'");
  const files = {
    'schema.ts': read('schema.ts'),
    'relations.ts': read('relations.ts'),
    'queries.ts': read('queries.ts'),
    'database.ts': database,
  };
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, asInstalled(text)]));
}

const asInstalled = (text: string) =>
  text.replaceAll(/'(?:\.\.\/)+src\/index\.js'/g, "'drizzle-tenant'").replaceAll("'../", "'./");

export const samples = (): Sample[] => [...queries(), ...mistakes()];

function queries(): Sample[] {
  const text = asInstalled(read('queries.ts'));
  return [...text.matchAll(/^\/\*\* (.+)\. \*\/\nexport (?:async )?function (\w+)\([^]*?\n\}$/gm)].map(
    ([whole, title, name]) => {
      const body = whole.replace('\nexport ', '\nexport default ');
      return { name: name!, title: title!, kind: 'query', code: `${importsFor(text, body)}\n\n${body}\n` };
    },
  );
}

/** Those of the imports of a file that a piece of it uses. */
function importsFor(file: string, piece: string): string {
  const lines = [...file.matchAll(/^import (type )?\{ (.*) \} from (.*);$/gm)].flatMap(([, type = '', names, from]) => {
    const used = names!.split(', ').filter((it) => new RegExp(`\\b${it}\\b`).test(piece));
    return used.length === 0 ? [] : [`import ${type}{ ${used.join(', ')} } from ${from};`];
  });
  return lines.join('\n');
}

/** A mistake is the last paragraph of its file, an expression: here a program gives it. */
function mistakes(): Sample[] {
  const files = readdirSync(`${home}misuses`)
    .filter((it) => it.endsWith('.ts'))
    .sort();
  return files.map((file) => {
    const text = asInstalled(read(`misuses/${file}`))
      .replaceAll('drizzle-orm/postgres-js', 'drizzle-orm/pglite')
      .trimEnd();
    const [, title, rest] = /^\/\/ (.*)\n([^]*)$/.exec(text)!;
    const at = rest!.lastIndexOf('\n\n');
    const parameters: string[] = [];
    const before = rest!
      .slice(0, at)
      .replaceAll(/^declare const (tdb|db): (\w+);\n?/gm, (_, name, type) => (parameters.push(`${name}: ${type}`), ''))
      .replace(
        /^declare const request: .*$/m,
        "const request = { headers: { account: 'bbbbbbbb-0000-4000-8000-000000000002' } };",
      )
      .trim();
    if (parameters.some((it) => it.startsWith('db'))) parameters.unshift('_tdb: AccountDatabase');
    const imports =
      before.includes('{ AccountDatabase') || !parameters.join().includes('AccountDatabase')
        ? before
        : before.replace('import type { Database }', 'import type { AccountDatabase, Database }');
    const mistake = rest!.slice(at + 2);
    return {
      name: file.replace(/^\d+-|\.ts$/g, ''),
      title: title!,
      kind: 'mistake',
      code:
        `${imports}\n\n/** ${title}. */\nexport default (${parameters.join(', ')}) ` +
        `=>\n${mistake.replaceAll(/^/gm, '  ')}\n`,
    };
  });
}
