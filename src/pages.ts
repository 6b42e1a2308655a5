/** What the errors of both entry points say in the same words. */

/** Each message ends with the page of its error, which comes with the package. */
export const pageOf = (tag: string): string => `More: node_modules/drizzle-tenant/docs/errors/${tag}.md`;

/** What is said of a value that is no id; a validator says it without a page, since its words go to clients. */
export const refusedId = (tenancy: string, reason: string): string =>
  `Get the tenant's id from the ${tenancy} tenancy's parse(value), which refused this one: ${reason}.`;
