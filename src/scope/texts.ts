/**
 * What became of the texts that were met, bounded in bytes. A text is kept for good only when it comes for the second
 * time: so a tenant that sends 100,000 texts once each drives out nothing that others come back to.
 */

interface Kept {
  /** How much memory it takes, about. */
  readonly bytes: number;
}

const share = { onceSeen: 1 / 8, comesBack: 7 / 16 };

export class Texts<T extends Kept> {
  readonly #budget: number;
  /** Seen once, the oldest first. */
  #once = new Map<string, T>();
  #onceBytes = 0;
  /** Seen again: what was used in this round, and what was used in the last one. */
  #young = new Map<string, T>();
  #youngBytes = 0;
  #old: Map<string, T> = new Map();

  /** @param budget how many bytes are kept */
  constructor(budget: number) {
    this.#budget = budget;
  }

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young) return young;
    const other = this.#old.get(key) ?? this.#once.get(key);
    if (!other) return undefined;
    if (this.#once.delete(key)) this.#onceBytes -= other.bytes;
    else this.#old.delete(key);
    this.#young.set(key, other);
    this.#youngBytes += other.bytes;
    if (this.#youngBytes > this.#budget * share.comesBack) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    return other;
  }

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key) || this.#once.has(key);
  }

  /** Keeps what is not kept yet. */
  add(key: string, value: T): void {
    const limit = this.#budget * share.onceSeen;
    if (value.bytes > limit) return;
    this.#once.set(key, value);
    this.#onceBytes += value.bytes;
    for (const [oldest, { bytes }] of this.#once) {
      if (this.#onceBytes <= limit) break;
      this.#once.delete(oldest);
      this.#onceBytes -= bytes;
    }
  }

  get size(): number {
    return this.#once.size + this.#young.size + this.#old.size;
  }
}
