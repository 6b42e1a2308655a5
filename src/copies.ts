/**
 * Whether this package is loaded twice: as ES modules and as CommonJS, or in two versions. Each copy knows the tables
 * and tenancies that were declared through it, and refuses the others'. Nothing is decided here: it only explains a
 * refusal.
 */
const key = Symbol.for('drizzle-tenant:copies');
const shared = globalThis as { [key]?: number };
shared[key] = (Number(shared[key]) || 0) + 1;

/** @returns what to add to a message that says that something is not declared */
export const otherCopies = (): string =>
  Number(shared[key]) > 1
    ? `; drizzle-tenant is loaded ${shared[key]} times here, and each copy knows only what was declared ` +
      'through it: load it either with import or with require'
    : '';

/** Why two tenancies of one name are two: what to do is another thing than where they have different names. */
export const declaredTwice = (name: string): string =>
  `Declare the tenancy "${name}" once, in a module of its own that is not evaluated again, ` +
  "with a column type of Drizzle's: the process declares it twice, " +
  'and not alike. A development server that evaluates a changed module again does that; ' +
  'restart it, and keep the client of the driver ' +
  'on globalThis instead of what withTenancy() returned';
