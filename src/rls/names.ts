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
  if (sole) return soleSetting;
  const name = tenancy
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_');
  // A handle sets the sole tenancy's name too, which must not be another tenancy's own.
  return name === 'tenant' ? 'app.tenant_tenant_id' : `app.${name}_id`;
}

/** The setting's name where the schema has one tenancy. */
export const soleSetting = 'app.tenant_id';
