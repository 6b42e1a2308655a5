/** Each type that a tenancy's key may have, with ids that are easily taken for one another. */
import type { TenancySpec } from './spec.js';

interface KeyType {
  readonly name: string;
  /** The declaration of the column, given the number of the schema; `before` is what it needs. */
  readonly column: (n: string) => string;
  readonly before?: (n: string) => string;
  /** Three ids, as text of TypeScript; `sql` where the database has them in another form. */
  readonly ids: (base: number) => readonly string[];
  readonly sql?: (id: string) => string;
}

const quoted = (ids: readonly string[]) => ids.map((id) => `'${id}'`);
const uuidOf = (base: number, n: number) =>
  `${String(base).padStart(8, 'a')}-bbbb-4bbb-8bbb-${String(n).padStart(12, 'c')}`;
const unquoted = (id: string) => id.slice(1, -1);

export const keyTypes: readonly KeyType[] = [
  { name: 'uuid', column: () => 'uuid', ids: (base) => quoted([0, 1, 2].map((n) => uuidOf(base, n))) },
  { name: 'integer', column: () => 'integer', ids: (base) => [1, 11, 111].map((n) => String(n + base * 1000)) },
  {
    name: 'text',
    column: () => 'text',
    ids: (base) => ['a', 'A', "a '"].map((id) => JSON.stringify(`${id}${base}`)),
    sql: (id) => `'${JSON.parse(id).replaceAll("'", "''")}'`,
  },
  {
    name: 'bigint number',
    column: () => `() => bigint({ mode: 'number' })`,
    ids: (base) => [1, 2, -1].map((n) => String(n * (4_000_000_000 + base))),
  },
  {
    name: 'varchar',
    column: () => '() => varchar({ length: 12 })',
    ids: (base) => quoted([`t${base}`, `t${base} `, `${base}`]),
  },
  {
    name: 'bigint',
    column: () => `() => bigint({ mode: 'bigint' })`,
    ids: (base) => [1, 2, 3].map((n) => `${9007199254740992n + BigInt(n + base * 10)}n`),
    sql: (id) => id.slice(0, -1),
  },
  { name: 'smallint', column: () => 'smallint', ids: (base) => [1, 2, -1].map((n) => String(n * (base + 1))) },
  {
    name: 'enum',
    before: (n) => `const tenantKind${n} = pgEnum('r${n}_tenant_kind', ['red', 'Red', 'red ']);`,
    column: (n) => `() => tenantKind${n}()`,
    ids: () => quoted(['red', 'Red', 'red ']),
  },
  {
    name: 'bigint string',
    column: () => `() => bigint({ mode: 'string' })`,
    ids: (base) => quoted([1, 2, 3].map((n) => String(9007199254740992n + BigInt(n + base * 10)))),
    sql: unquoted,
  },
  {
    name: 'custom',
    column: () =>
      "customType({ dataType: () => 'text', toDriver: (value) => `~${value}`, fromDriver: (value) => value.slice(1) })",
    ids: (base) => quoted([`c${base}`, `~c${base}`, `C${base}`]),
    sql: (id) => `'~${unquoted(id)}'`,
  },
];

/** A tenancy with the `type`th type of key. */
export function tenancyOf(
  name: string,
  type: number,
  schema: string,
  base: number,
): TenancySpec & { readonly before: string | undefined; readonly enumName: string | undefined } {
  const { name: keyType, column, before, ids, sql = (id) => id } = keyTypes[type % keyTypes.length]!;
  const all = ids(base);
  return {
    name,
    keyType,
    declaration: `const ${name} = tenancy('${name}', ${column(schema)});`,
    ids: all,
    sqlIds: all.map(sql),
    before: before?.(schema),
    enumName: before && `tenantKind${schema}`,
  };
}
