/** What row-level security and the handle that runs under it have to agree on: the names of the settings. */

/**
 * The setting in which a policy finds the tenant's id. With one tenancy in the schema it is `app.tenant_id`; with
 * several, each has its own, `app.<tenancy>_id`, since the id 1 of one must not open the rows of the id 1 of
 * another. A handle that knows its tenancy sets both, and needs not know how many there are.
 *
 * @param tenancy the name of the tenancy
 * @param sole whether it is the only tenancy in the schema
 * @returns the setting's name, safe to write into SQL unquoted
 * @example tenantSetting('account', true) // 'app.tenant_id'
 */
export function tenantSetting(tenancy: string, sole: boolean): string {
  return sole ? 'app.tenant_id' : `app.${tenancy.toLowerCase().replace(/[^a-z0-9_]/g, '_')}_id`;
}
