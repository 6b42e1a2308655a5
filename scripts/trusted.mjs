/**
 * Which files have to be right for nothing of another tenant to be sent: the gate, and what it imports, but for
 * `confine`, whose result is read anew and proved. Prints each with its lines: all of them, and those that are neither
 * empty nor comment.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-5.9';

const src = fileURLToPath(new URL('../src/', import.meta.url));
/**
 * The gate; the session, which sends only what has passed; and the dialect, which puts the tenant behind the
 * parameters.
 */
const starts = ['scope/gate.ts', 'scope/session.ts', 'scope/dialect.ts'];
/** May be wrong without a leak: what comes out is proved, or only looked at. */
const isChecked = (file) =>
  file.startsWith('sql/confine/') ||
  file.startsWith('drivers/') ||
  file === 'copies.ts' ||
  file === 'errors.ts' ||
  file === 'scope/aliases.ts';

export function trusted() {
  const found = new Map();
  const visit = (file) => {
    if (found.has(file) || isChecked(file)) return;
    const text = readFileSync(join(src, file), 'utf8');
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, false);
    const scanner = ts.createScanner(ts.ScriptTarget.ESNext, true, ts.LanguageVariant.Standard, text);
    const code = new Set();
    for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan()) {
      for (let at = scanner.getTokenStart(); at < scanner.getTokenEnd(); at++)
        code.add(source.getLineAndCharacterOfPosition(at).line);
    }
    found.set(file, { lines: text.split('\n').length - 1, code: code.size });
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      const isType = new RegExp(`import type [^;]*from '${fileName.replaceAll('.', '\\.')}'`).test(text);
      if (fileName.startsWith('.') && !isType)
        visit(relative(src, join(src, dirname(file), fileName.replace(/\.js$/, '.ts'))));
    }
  };
  starts.forEach(visit);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const all = [...trusted()].sort(([a], [b]) => a.localeCompare(b));
  const sum = (of) => all.reduce((total, [, it]) => total + it[of], 0);
  for (const [file, { lines, code }] of all)
    console.log(`${String(lines).padStart(5)} ${String(code).padStart(5)}  ${file}`);
  console.log(
    `${String(sum('lines')).padStart(5)} ${String(sum('code')).padStart(5)}  in all: lines, and lines of code`,
  );
}
