/** Whose rows a handle sees. */
import { is, Placeholder } from 'drizzle-orm';
import { UnscopedTableError } from '../errors.js';
import { idOf, type AnyTenancy } from '../schema/tenancy.js';

/** One tenant, several, all of them with a reason, or none: the reference tables only. */
export type Reach =
  | { readonly kind: 'one'; readonly id: unknown }
  | { readonly kind: 'several'; readonly ids: readonly unknown[] }
  | { readonly kind: 'all'; readonly reason: string }
  | { readonly kind: 'shared' };

export class Scope {
  #tenancy: AnyTenancy | undefined;

  /**
   * @param reach whose rows
   * @param filters false in write-only mode: new rows get their tenant, and nothing is filtered yet
   * @param tenancy the tenancy, where it is known before a table is seen
   */
  constructor(
    readonly reach: Reach,
    readonly filters: boolean = true,
    tenancy?: AnyTenancy,
  ) {
    this.#tenancy = tenancy;
    if (reach.kind === 'several') Object.freeze(reach.ids);
    Object.freeze(reach);
    Object.freeze(this);
  }

  /** The tenancy, as soon as it is known. */
  get tenancy(): AnyTenancy | undefined {
    return this.#tenancy;
  }

  /**
   * A statement tells the tenancy of a handle whose ids could be several ones'.
   *
   * @throws UnscopedTableError where an id of the handle is none of the tenancy
   */
  learn(tenancy: AnyTenancy | undefined): void {
    const { reach } = this;
    if (this.#tenancy || !tenancy || (reach.kind !== 'one' && reach.kind !== 'several')) return;
    const ids = reach.kind === 'one' ? [reach.id] : reach.ids;
    if (ids.some((id) => idOf(id, tenancy) !== id)) {
      throw new UnscopedTableError(
        tenancy.name,
        `Use a handle of the tenancy "${tenancy.name}", as in db.forTenant(${tenancy.name}Id): ` +
          'this handle belongs to another tenancy.',
      );
    }
    this.#tenancy = tenancy;
  }

  /**
   * What a cache tag of the application's is filed under: a result is the tenant's.
   *
   * @param values of the run, which name the tenant where the statement was prepared for any
   */
  tag(tag: string, values?: Readonly<Record<string, unknown>>): string {
    return `${this.#nameIn(this.#tenancy, values)}:${tag}`;
  }

  /** The tags that one may be filed under: a handle that has met no table yet may be of any of the tenancies. */
  tags(tag: string, tenancies: readonly AnyTenancy[]): string[] {
    return [undefined, ...(this.#tenancy ? [this.#tenancy] : tenancies)].map((it) => `${this.#nameIn(it)}:${tag}`);
  }

  /** Whose rows, as text: what compares or serializes handles, as the key of a cache does, tells them apart by it. */
  get whose(): string {
    return this.#nameIn(this.#tenancy);
  }

  #nameIn(tenancy: AnyTenancy | undefined, values?: Readonly<Record<string, unknown>>): string {
    const { reach } = this;
    // Each handle has one: of what is joined here, nothing is copied before it is read. Lengths end the name and the
    // id, which may hold any text: what follows it, as a tag does, is none of it.
    const name = tenancy ? `${tenancy.name.length} ${tenancy.name}` : '-';
    if (reach.kind !== 'one')
      return `${reach.kind} ${name} ${reach.kind === 'several' ? JSON.stringify(reach.ids.map(String)) : ''}`;
    const { id } = reach;
    const own = String(is(id, Placeholder) ? values?.[(id as unknown as { name: string }).name] : id);
    return `one ${name} ${own.length} ${own}`;
  }

  /** Whether a query built for `other` may be part of one built for this scope. */
  includes(other: Scope): boolean {
    if (this === other) return true;
    const [a, b] = [this.reach, other.reach];
    if (b.kind === 'shared') return true;
    if (this.filters && !other.filters) return false;
    if (this.#tenancy && other.#tenancy && this.#tenancy !== other.#tenancy) return false;
    if (a.kind === 'one') return b.kind === 'one' && a.id === b.id;
    if (a.kind === 'several') {
      const ids = b.kind === 'one' ? [b.id] : b.kind === 'several' ? b.ids : undefined;
      return ids?.every((id) => a.ids.includes(id)) ?? false;
    }
    return a.kind === b.kind || (a.kind === 'all' && b.kind !== 'all');
  }
}
