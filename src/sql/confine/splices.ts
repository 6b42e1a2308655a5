/** What is put into a text, at offsets that count the bytes of its UTF-8. */
export class Splices {
  readonly #list: { readonly at: number; readonly end: number; readonly text: string }[] = [];
  /** Undefined where each character is one byte. */
  readonly #bytes: Uint8Array | undefined;
  /** One character for each byte: what the scanner reads. */
  readonly bytewise: string;

  constructor(readonly text: string) {
    this.#bytes = /^[\x00-\x7f]*$/.test(text) ? undefined : new TextEncoder().encode(text);
    this.bytewise = this.#bytes ? latin(this.#bytes) : text;
  }

  /** What is put in at one place stands there in the order in which it came. */
  insert(at: number, text: string): void {
    this.#list.push({ at, end: at, text });
  }

  replace(at: number, end: number, text: string): void {
    this.#list.push({ at, end, text });
  }

  result(): string {
    if (this.#list.length === 0) return this.text;
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const part = (from: number, to?: number) =>
      this.#bytes ? decoder.decode(this.#bytes.subarray(from, to)) : this.text.slice(from, to);
    let [result, done] = ['', 0];
    for (const { at, end, text } of this.#list.sort((a, b) => a.at - b.at)) {
      result += part(done, at) + text;
      done = end;
    }
    return result + part(done);
  }
}

function latin(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}
