/**
 * Which statements are prepared without being asked to. A scoped statement has the same text for every tenant, so the
 * server may parse it once for all of them. Drizzle asks postgres.js not to prepare ordinary queries; here those that
 * come back are prepared, as postgres.js itself does.
 */

/** A text is prepared when it comes for the second time. */
const seenLimit = 1_000;
/**
 * A connection of postgres.js keeps every statement until it closes, so that leaving out the oldest would free nothing:
 * what comes after the limit is sent as Drizzle sends it. Lists of many lengths and dynamic columns end there.
 */
const preparedLimit = 250;
/** A text that is longer has most likely many rows in it. */
const lengthLimit = 10_000;

export class Statements {
  readonly #seen = new Set<string>();
  readonly #prepared = new Set<string>();

  /** Whether a statement is to be prepared: it is told of each one that is run. */
  prepares(text: string): boolean {
    if (this.#prepared.has(text)) return true;
    if (this.#prepared.size >= preparedLimit || text.length > lengthLimit) return false;
    if (this.#seen.delete(text)) {
      this.#prepared.add(text);
      return true;
    }
    if (this.#seen.size >= seenLimit) this.#seen.clear();
    this.#seen.add(text);
    return false;
  }
}

/** Whether a Drizzle handle runs on postgres.js. */
export const isPostgresJs = (db: any): boolean =>
  typeof db?.$client === 'function' &&
  typeof db.$client.unsafe === 'function' &&
  Array.isArray(db.$client.options?.host);

/** Whether the handle's driver prepares statements by itself: postgres.js does, unless its client was told not to. */
export const preparesByItself = (db: any): boolean => isPostgresJs(db) && db.$client.options.prepare !== false;
