/** The imports of a changed file: what it needs now, and no more what it does not. */
import { Source } from './source.js';

/**
 * @param text the changed file
 * @param needed what it needs, by module
 * @param before the file as it was: what was unused there stays
 * @param quote the file's own quotation mark
 * @param semicolon its own end of a statement
 */
export function withImports(
  text: string,
  needed: ReadonlyMap<string, ReadonlySet<string>>,
  before: Source,
  after: string,
): string {
  const source = new Source(text);
  const { quote, semicolon } = styleOf(before);
  const known = new Set(
    source
      .imports()
      .filter((it) => !it.isType)
      .flatMap((it) => it.names.map((name) => name.local)),
  );
  const lines = [...needed].flatMap(([module, names]) => {
    const missing = [...names].filter((it) => !known.has(it)).sort();
    return missing.length === 0 ? [] : [`import { ${missing.join(', ')} } from ${quote}${module}${quote}${semicolon}`];
  });
  const at = source.endOfImports;
  const block = [...lines, ...(after ? ['', after] : [])].join('\n');
  const added =
    block === '' ? text : at === 0 ? `${block}\n\n${text}` : `${text.slice(0, at)}\n${block}${text.slice(at)}`;
  return withoutUnused(added, before);
}

export function styleOf(source: Source): {
  readonly quote: string;
  readonly semicolon: string;
  readonly extension: string;
} {
  const first = source.tokens.find((it) => it.kind === 'string');
  const relative = source
    .imports()
    .map((it) => it.module.text.slice(1, -1))
    .find((it) => it.startsWith('.'));
  return {
    quote: first?.text[0] ?? "'",
    semicolon: source.tokens.some((it) => it.text === ';') || source.tokens.length === 0 ? ';' : '',
    extension: /\.[cm]?[jt]s$/.exec(relative ?? '')?.[0] ?? '',
  };
}

/** Takes the names out of Drizzle's imports that the changes left without a use. */
function withoutUnused(text: string, before: Source): string {
  const source = new Source(text);
  const uses = (of: Source, name: string) =>
    of.tokens.filter((it, i) => it.text === name && it.kind === 'word' && of.tokens[i - 1]?.text !== '.').length;
  const removed: { start: number; end: number }[] = [];
  for (const it of source.imports()) {
    if (!it.module.text.slice(1, -1).startsWith('drizzle-')) continue;
    const gone = it.names.filter(({ local }) => uses(source, local) === 1 && uses(before, local) > 1);
    if (gone.length === 0) continue;
    if (gone.length === it.names.length) {
      const line = /^;?[ \t]*\n?/.exec(text.slice(it.module.end))!;
      removed.push({ start: text.lastIndexOf('import', it.braces.start), end: it.module.end + line[0].length });
    } else {
      for (const name of gone) {
        const tail = /^\s*,[ \t]*\n?[ \t]*/.exec(text.slice(name.end));
        const head = tail ? undefined : /,\s*$/.exec(text.slice(0, name.start));
        removed.push({ start: name.start - (head?.[0].length ?? 0), end: name.end + (tail?.[0].length ?? 0) });
      }
    }
  }
  for (const { start, end } of removed.sort((a, b) => b.start - a.start)) text = text.slice(0, start) + text.slice(end);
  return text;
}
