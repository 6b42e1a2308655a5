/** What the compiler said, as a reader wants it. */

export interface Said {
  /** The whole message, a line for each step of its reasoning. */
  readonly message: readonly string[];
}

/** The step of a message that says what to do, or else the last one; what types are made of is left out. */
export function tellingWords(error: Said): string {
  const short = error.message.map(withoutDetails);
  const remedies = short.filter((it) => /"[A-Z][^"]* [^"]*"/.test(it));
  return remedies.sort((x, y) => x.length - y.length)[0] ?? short.at(-1)!;
}

/** What to do, out of a message of the library; undefined where the compiler speaks for itself. */
export function remedyOf(error: Said): string | undefined {
  const sentences = [...tellingWords(error).matchAll(/"([A-Z][^"]* [^"]*)"/g)].map((it) => it[1]!);
  // Where a handle stands for another, the compiler names the one that is due first.
  if (sentences.length > 0) return sentences[0]!.startsWith('Use ') ? sentences[0] : sentences.at(-1);
  const all = error.message.join('\n');
  const property = /Property '\[([a-z]+(?:[A-Z][a-z]+){2,})\]' is missing/.exec(all)?.[1];
  if (property)
    return property.replaceAll(/[A-Z]/g, (it) => ` ${it.toLowerCase()}`).replace(/^./, (it) => it.toUpperCase());
  const tenancy = /is not assignable to type 'TenantId<"(\w+)"/.exec(all)?.[1];
  return tenancy && `Get it from ${tenancy}.parse(value)`;
}

/** `Table<{ name: "x" }>` becomes `Table<…>`. A sentence within stays: it is for the reader. */
function withoutDetails(text: string): string {
  let result = '';
  for (let i = 0; i < text.length; i++) {
    const close = text[i] === '<' ? '>' : text[i] === '{' ? '}' : undefined;
    const isSentence = /^<"[A-Z]/.test(text.slice(i, i + 3));
    result += text[i];
    if (!close || isSentence) continue;
    let depth = 1;
    // The compiler cuts long types off, so that a bracket may never close: its closing quote ends it then.
    while (++i < text.length && !/^'([.: ]|$)/.test(text.slice(i, i + 2))) {
      if (/[<{]/.test(text[i]!)) depth++;
      else if (/[>}]/.test(text[i]!) && text[i - 1] !== '=' && --depth === 0) break;
    }
    result += depth === 0 ? `…${close}` : `…${close}'`;
  }
  return result;
}
