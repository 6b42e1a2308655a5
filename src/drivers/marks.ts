/**
 * Drivers that mark parameters otherwise than PostgreSQL does. Handles render and prove with `$1`; what such a driver
 * is given is the proved text, with its parameters replaced one for one where PostgreSQL's parser finds them. The AWS
 * Data API takes `:1`. Bun's SQL takes the proved text as it is, since no handle builds for its tagged mode.
 */
import type { PgDialect } from 'drizzle-orm/pg-core';
import { UnsupportedTenantOperationError } from '../errors.js';
import type { Parse } from '../sql/load.js';

/** The tenant's parameter, to which the handle's own predicates give no type. */
export interface TenantParameter {
  readonly number: number;
  /** As SQL. */
  readonly type: string;
}

const keptBytes = 4 * 2 ** 20;

export class Marks {
  readonly #mark: (number: number) => string;
  readonly #kept = new Map<string, string>();
  #bytes = 0;

  private constructor(mark: (number: number) => string) {
    this.#mark = mark;
  }

  /** @returns undefined for a driver that takes PostgreSQL's own marks */
  static of(dialect: PgDialect): Marks | undefined {
    const mark = (number: number) => dialect.escapeParam(number - 1);
    if (mark(7) === '$7') return undefined;
    if (mark(7) === ':7') return new Marks(mark);
    throw new UnsupportedTenantOperationError(
      `Use a driver that marks parameters as $1 or :1: this one marks them as ${mark(1)}.`,
    );
  }

  /**
   * @param text that was proved
   * @param comment that ends it: a colon in it means no parameter, and is set apart
   * @returns it with the driver's marks
   * @throws UnsupportedTenantOperationError where the driver could see a parameter that is none
   */
  in(parse: Parse, text: string, tenant: TenantParameter | undefined, comment = ''): string {
    if (comment !== '' && text.endsWith(comment))
      return this.in(parse, text.slice(0, -comment.length), tenant) + comment.replaceAll(/:(?=\w)/g, ': ');
    const key = tenant ? `${tenant.type}\0${text}` : text;
    let marked = this.#kept.get(key);
    if (marked === undefined) {
      marked = this.#marked(parse, text, tenant);
      this.#bytes += 2 * (key.length + marked.length);
      if (this.#bytes > keptBytes) {
        this.#kept.clear();
        this.#bytes = 2 * (key.length + marked.length);
      }
      this.#kept.set(key, marked);
    }
    return marked;
  }

  #marked(parse: Parse, text: string, tenant: TenantParameter | undefined): string {
    const colon = /(?<!:):(?=\w)/.exec(text);
    if (colon) {
      throw new UnsupportedTenantOperationError(
        'Pass the value as a parameter, or write the slice with array functions: this driver would read a ' +
          `parameter in "${text.slice(colon.index, colon.index + 24)}".`,
      );
    }
    const bytes = new TextEncoder().encode(text);
    const found = new Map<number, number>();
    parameters(parse(text), found);
    const pieces: string[] = [];
    let end = 0;
    const decoder = new TextDecoder();
    for (const [location, number] of [...found].sort(([a], [b]) => a - b)) {
      pieces.push(decoder.decode(bytes.subarray(end, location)), this.#mark(number));
      end = location + `$${number}`.length;
      if (decoder.decode(bytes.subarray(location, end)) !== `$${number}`)
        throw new UnsupportedTenantOperationError('Write parameters as $1: this one is written in another way.');
      if (number === tenant?.number) pieces.push(`::${tenant.type}`);
    }
    return [...pieces, decoder.decode(bytes.subarray(end))].join('');
  }
}

/** Where parameters stand, in bytes: some stand in the tree several times. */
function parameters(node: any, found: Map<number, number>): void {
  if (typeof node !== 'object' || node === null) return;
  if (node.ParamRef) found.set(node.ParamRef.location ?? 0, node.ParamRef.number ?? 0);
  else for (const it of Object.values(node)) parameters(it, found);
}
