/** Changes of one file: each replaces a range of the old text. */
import type { Range, Source } from './source.js';

export class Edits {
  private readonly edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  /** What the file needs, by the module that exports it. */
  readonly imports = new Map<string, Set<string>>();

  constructor(readonly source: Source) {}

  replace(range: Range, text: string): void {
    this.edits.push({ ...range, text });
  }

  insert(at: number, text: string): void {
    this.edits.push({ start: at, end: at, text });
  }

  /** Takes an element of a list or object out, with the comma behind it and the line that it leaves. */
  remove(range: Range): void {
    const { text } = this.source;
    const end = /^\s*,/.exec(text.slice(range.end));
    const start = /\n?[ \t]*$/.exec(text.slice(0, range.start))!;
    this.replace({ start: range.start - start[0].length, end: range.end + (end?.[0].length ?? 0) }, '');
  }

  import(module: string, ...names: string[]): void {
    const set = this.imports.get(module) ?? new Set();
    for (const it of names) set.add(it);
    this.imports.set(module, set);
  }

  get isEmpty(): boolean {
    return this.edits.length === 0;
  }

  /** The new text, before its imports. */
  apply(): string {
    let { text } = this.source;
    const ordered = this.edits
      .map((it, i) => ({ ...it, i }))
      .sort((a, b) => b.start - a.start || b.end - a.end || b.i - a.i);
    let last = Number.POSITIVE_INFINITY;
    for (const it of ordered) {
      if (it.end > last) throw new Error(`two changes meet at ${it.start}`);
      text = text.slice(0, it.start) + it.text + text.slice(it.end);
      last = it.start;
    }
    return text;
  }
}
