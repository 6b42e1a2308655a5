/** What the rules find, and what the rules are called. */

/** One fault of the schema. */
export interface Fault {
  readonly rule: RuleName | 'definition';
  readonly table: string;
  readonly column: string;
  /** What to do, and why. */
  readonly remedy: string;
  readonly reason: string;
  readonly level: 'error' | 'warn';
}

export const ruleNames = [
  'primary-key',
  'unique',
  'foreign-key-tenant',
  'foreign-key-place',
  'foreign-key-action',
  'sequence-type',
  'policy-subquery',
  'policy-restrictive',
  'colocation-type',
  'replica-identity',
  'tenant-column-type',
  'add-sequence',
  'citus-statement',
  'grow',
  'setting-name',
  'setting-renamed',
  'view-tenant',
  'unique-meaning',
  'foreign-key-index',
  'name-length',
  'name-quote',
  'everybody',
  'plain-table',
] as const;

export type RuleName = (typeof ruleNames)[number];

/** What each rule is about, for `--help` and the docs. */
export const ruleTexts: Readonly<Record<RuleName, string>> = {
  'primary-key': 'a primary key of a tenant table contains the tenant column',
  unique: 'a unique constraint or unique index of a tenant table contains the tenant column',
  'foreign-key-tenant': 'a foreign key between tenant tables contains the tenant column, on both sides',
  'foreign-key-place':
    'no foreign key leads from a shared table to a tenant table, nor, on Citus, from a distributed table ' +
    'to one that is not',
  'foreign-key-action':
    'no SET NULL, SET DEFAULT or ON UPDATE CASCADE that would change the tenant column, and on Citus no ' +
    'SET DEFAULT of a column that draws from a sequence',
  'sequence-type':
    'columns of tenant tables that draw from a sequence are bigint: nodes draw from ranges that integer ' +
    'cannot hold; a default draws from one sequence, and a sequence serves columns of one type',
  'policy-subquery': 'a policy on a distributed table has no subquery',
  'policy-restrictive':
    'a policy on a distributed or reference table is permissive: Citus drops AS RESTRICTIVE on the shards, ' +
    'where it then lets rows through',
  'colocation-type': 'tenancies that are co-located have tenant columns of one type',
  'replica-identity': 'a tenant table has a primary key, so that its shards can move while it is written to',
  'tenant-column-type': 'the type of a tenant column does not change while the table is distributed',
  'add-sequence': 'a serial or identity column is not added to a table that is already distributed',
  'citus-statement':
    'no statement that Citus refuses on a table that it already holds, such as a change of an identity, ' +
    'of a sequence, or of the default of the tenant column',
  grow:
    'tables that get another place or shard count have no identity column, unless apply cuts their shards ' +
    '(tenancy.online): Citus copies none; bigserial grows. With online it warns where writes have to wait',
  'setting-name': 'two tenancies do not share the setting that row-level security reads',
  'setting-renamed':
    'instances that run the version before set the setting that the policies read, ' +
    'or one that they accept until it is retired',
  'view-tenant':
    'a view that exposes the tenant column keeps tenants apart inside: handles filter it from outside only',
  'foreign-key-index':
    'a foreign key of a tenant table has an index that begins with it, so that a row it points at can be deleted',
  everybody: 'a table with rows of everybody is not distributed',
  'plain-table': 'a table with a tenant column is a tenantTable, and no plain pgTable',
  'name-length':
    'a name of a table, column, index or constraint has at most 63 bytes, of which PostgreSQL cuts longer ones',
  'name-quote': 'no name has a double quote: drizzle-kit writes it as it is, and the migration would not run',
  'unique-meaning':
    'what is unique over all rows stays so when its table becomes a tenant table, or is named in ' +
    'tenancy.uniquePerTenant',
};
