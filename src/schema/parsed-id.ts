/** The types of what a tenancy makes of a value from outside. */
import type { InvalidTenantIdError } from '../errors.js';
import type { TenantId } from './tenancy.js';

/** Standard Schema v1, as published at standardschema.dev. */
export interface StandardSchema<Output> {
  readonly version: 1;
  readonly vendor: 'drizzle-tenant';
  readonly validate: (
    value: unknown,
  ) =>
    | { readonly value: Output; readonly issues?: undefined }
    | { readonly issues: readonly { readonly message: string }[] };
  readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
}

/** What `safeParse` gives: the id, or why the value is none. */
export type SafeParsedId<Name extends string, Data = unknown> =
  | { readonly success: true; readonly data: TenantId<Name, Data>; readonly error?: undefined }
  | { readonly success: false; readonly error: InvalidTenantIdError; readonly data?: undefined };
