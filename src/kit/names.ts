/** How tables, columns and values are written in SQL, and how a table is named in `tenancy.json`. */

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** `public.projects`: the key of a table in `tenancy.json` and in maps. */
export const keyOf = (table: TableName): string => `${table.schema}.${table.name}`;

/** `"projects"`, or `"app"."projects"`: as drizzle-kit writes it, which leaves `public` out. */
export const quoted = ({ schema, name }: TableName): string =>
  schema === 'public' ? ident(name) : `${ident(schema)}.${ident(name)}`;

/** `projects`, or `app.projects`: as a person reads it. */
export const plain = ({ schema, name }: TableName): string => (schema === 'public' ? name : `${schema}.${name}`);

export const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`;

export const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** Our policy of a tenant table. */
export const policyName = 'tenant_isolation';
/** The permissive one beside a restrictive {@link policyName}, which lets nothing through by itself. */
export const accessName = 'tenant_access';
/** Those of a table with rows of everybody, beside {@link policyName}, which is for reading there. */
export const writeNames = {
  INSERT: `${policyName}_insert`,
  UPDATE: `${policyName}_update`,
  DELETE: `${policyName}_delete`,
} as const;
/** The names of all policies that are ours. */
export const ourNames: readonly string[] = [policyName, accessName, ...Object.values(writeNames)];
