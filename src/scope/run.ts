/** Lists in a text that are long and regular, and how long they are. */

/** A list of fewer rows or items is no long one. */
export const fewest = 8;

/**
 * Rows or items of one shape whose parameters follow each other, as text: a list is one if its text begins so. To
 * compare takes far less time than to read each row.
 */
export class Run {
  #text = '';
  readonly #ends: number[] = [];

  /** @param first the cells of the first row, or the item */
  constructor(
    readonly first: readonly string[],
    readonly isRows: boolean,
    readonly from: number,
    readonly stride: number,
  ) {}

  /** Writes so many of them. */
  #extend(length: number): void {
    if (this.#ends.length >= length) return;
    const more: string[] = [];
    let end = this.#text.length;
    for (let i = this.#ends.length, n = this.from + i * this.stride; i < length; i++) {
      const cells = this.first.map((it) => (it === 'default' ? it : `$${n++}`)).join(', ');
      more.push(`${i === 0 ? '' : ', '}${this.isRows ? `(${cells})` : cells}`);
      this.#ends.push((end += more.at(-1)!.length));
    }
    this.#text += more.join('');
  }

  get size(): number {
    return this.#text.length;
  }

  /** @returns how many stand at a place of a text */
  lengthIn(text: string, at: number): number {
    // Equality of two slices is a comparison of memory; startsWith() looks at one character after the other.
    const goesOn = (from: number, more: number) => {
      this.#extend(from + more);
      const [begin, end] = [from === 0 ? 0 : this.#ends[from - 1]!, this.#ends[from + more - 1]!];
      return text.slice(at + begin, at + end) === this.#text.slice(begin, end);
    };
    // Twice as many more each time, and then the rest by halves: no part is compared again that was found equal.
    let [low, more] = [0, fewest];
    for (; goesOn(low, more); more *= 2) low += more;
    while ((more >>= 1) > 0) if (goesOn(low, more)) low += more;
    // `$12` begins as `$123` does.
    const isCutShort = low > 0 && /\d/.test(text.charAt(at + this.#ends[low - 1]!)) && !this.isRows;
    return isCutShort ? low - 1 : low;
  }

  /** Where so many of them end that begin at a place. */
  endOf(at: number, length: number): number {
    return at + this.#ends[length - 1]!;
  }
}

/** Those that come up again and again: most inserts of a table have one shape. */
let runs = new Map<string, Run>();
const [mostRuns, mostText] = [100, 4_000_000];

/** @returns undefined where its parameters do not follow each other */
export function runOf(first: readonly string[], isRows: boolean): Run | undefined {
  const numbers = first.flatMap((it) => (it === 'default' ? [] : [Number(it.slice(1))]));
  if (numbers.length === 0 || !numbers.every((it, i) => it === numbers[0]! + i)) return undefined;
  const key = `${isRows} ${first.join()}`;
  let run = runs.get(key);
  if (!run) {
    if (runs.size >= mostRuns || [...runs.values()].reduce((sum, it) => sum + it.size, 0) > mostText) runs = new Map();
    runs.set(key, (run = new Run(first, isRows, numbers[0]!, numbers.length)));
  }
  return run;
}
