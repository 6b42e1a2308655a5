/**
 * What the database's own catalog says of a tenancy's tables: columns, keys, sequences, triggers, and tables that
 * nobody declared.
 */
import { InvalidTenantIdError, SchemaDifferenceError } from '../errors.js';
import type { Connection } from './connection.js';
import { canonical } from './statements.js';

export interface Named {
  readonly schema: string;
  readonly name: string;
}

/** A table as the schema declares it. */
export interface DeclaredTable {
  readonly schema: string | undefined;
  readonly name: string;
  /** The tenant column; undefined for a reference table. */
  readonly column: string | undefined;
  /** Columns that name a tenant of the tenancy without being the tenant column. */
  readonly references: readonly string[];
  /** Whether the database may be without it. */
  readonly isOptional: boolean;
  /** What the application calls it, and its columns. */
  readonly titles: readonly string[];
  readonly keys: Readonly<Record<string, string>>;
}

/** A tenant, and the tables that its tenancy declares. */
export interface Subject {
  readonly tenancy: string;
  /** The id as the database is sent it. */
  readonly id: string;
  readonly tables: readonly DeclaredTable[];
  /** The tables of other tenancies: a row of theirs is its own tenant's, whoever points at it. */
  readonly elsewhere: readonly Pick<DeclaredTable, 'schema' | 'name'>[];
  /** The settings that policies of row-level security read. */
  readonly settings: readonly string[];
}

/** A sequence that a column draws its values from. */
export interface Sequence extends Named {
  readonly isDescending: boolean;
  /** The last value that it gives, in text. */
  readonly last: string;
}

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly isNullable: boolean;
  readonly hasDefault: boolean;
  readonly isGenerated: boolean;
  readonly sequence: Sequence | null;
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly to: number;
  readonly toColumns: readonly string[];
  readonly isDeferrable: boolean;
  /** As `pg_constraint` writes it: 'c' for CASCADE, 'n' for SET NULL, 'd' for SET DEFAULT. */
  readonly onDelete: string;
}

export interface LiveTable extends Named {
  readonly oid: number;
  /** `public.projects`. */
  readonly title: string;
  readonly columns: readonly Column[];
  /** The primary key. */
  readonly key: readonly string[];
  readonly foreignKeys: readonly ForeignKey[];
  /** Triggers of the application that run when rows are inserted. */
  readonly triggers: readonly string[];
  /** Whether policies hold the role back: COPY then cannot write. */
  readonly isRestricted: boolean;
  /** Whether its rows lie in several tables: partitions, shards. */
  readonly isSpread: boolean;
}

export interface TenantTable extends LiveTable {
  readonly column: string;
  /** Columns besides it that name the tenant where they name this one: they change with it. */
  readonly renamed: readonly string[];
  readonly declared: DeclaredTable;
}

/**
 * A column of a table that no tenant has, which names one: it is like a tenant column, points at one, or is `ref()`.
 */
export interface Undeclared extends Named {
  readonly title: string;
  readonly column: string;
  readonly isMaterializedView: boolean;
}

export interface Catalog {
  /** The tenant's id as the database prints it. */
  readonly tenant: string;
  readonly type: string;
  readonly tables: readonly TenantTable[];
  /** The other tables that foreign keys lead to or from. */
  readonly others: ReadonlyMap<number, LiveTable>;
  /** Those of them whose rows are tenants' of another tenancy. */
  readonly elsewhere: ReadonlySet<number>;
  readonly undeclared: readonly Undeclared[];
  readonly isCitus: boolean;
}

const tablesQuestion = `
with c as (
  select c.oid, n.nspname, c.relname, c.relkind from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f') and not c.relispartition
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname !~ '^pg_temp'
    and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
      and d.objid = c.oid and d.deptype = 'e')
)
select json_build_object('oid', c.oid::int8, 'schema', c.nspname, 'name', c.relname, 'title',
  c.nspname || '.' || c.relname,
  'isRestricted', pg_catalog.row_security_active(c.oid), 'isSpread', c.relkind = 'p',
  'columns', (select coalesce(json_agg(json_build_object('name', a.attname, 'type',
    pg_catalog.format_type(a.atttypid, a.atttypmod), 'isNullable', not a.attnotnull,
      'hasDefault', a.atthasdef or a.attidentity <> '', 'isGenerated', a.attgenerated <> '',
      'sequence', (select json_build_object('schema', sn.nspname, 'name', s.relname, 'isDescending', q.seqincrement < 0,
          'last', (case when q.seqincrement < 0 then q.seqmin else q.seqmax end)::text)
        from pg_catalog.pg_class s join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
          join pg_catalog.pg_sequence q on q.seqrelid = s.oid
        where s.oid in (
          select d.objid from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
            and d.refobjid = c.oid and d.refobjsubid = a.attnum and d.deptype in ('a', 'i')
          union all
          select d.refobjid from pg_catalog.pg_attrdef f join pg_catalog.pg_depend d on d.classid =
            'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
          where f.adrelid = c.oid and f.adnum = a.attnum and d.refclassid = 'pg_catalog.pg_class'::regclass)
            limit 1)) order by a.attnum), '[]')
    from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
  'key', (select coalesce(json_agg(a.attname order by u.i), '[]') from pg_catalog.pg_constraint k
    cross join unnest(k.conkey) with ordinality u(n, i)
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = u.n where k.conrelid = c.oid
      and k.contype = 'p'),
  'foreignKeys', (select coalesce(json_agg(json_build_object('name', k.conname, 'to', k.confrelid::int8,
    'isDeferrable', k.condeferrable, 'onDelete', k.confdeltype,
      'columns', (select json_agg(a.attname order by u.i) from unnest(k.conkey) with ordinality u(n, i)
        join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n),
      'toColumns', (select json_agg(a.attname order by u.i) from unnest(k.confkey) with ordinality u(n, i)
        join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n))
      order by k.conname), '[]') from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'f'
        and k.conparentid = 0),
  'triggers', (select coalesce(json_agg(g.tgname order by g.tgname), '[]') from pg_catalog.pg_trigger g
    where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype & 4 <> 0
      and g.tgname <> 'truncate_trigger'))::text
from c`;

/** Every column of the type of the tenant's, or that points at a tenant column. */
const columnsQuestion = `
select json_build_object('schema', n.nspname, 'name', c.relname, 'title', n.nspname || '.' || c.relname, 'column',
  a.attname, 'isMaterializedView', c.relkind = 'm')::text
from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'm') and not c.relispartition and a.attnum > 0 and not a.attisdropped
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname !~ '^pg_temp'
  and pg_catalog.format_type(a.atttypid, null) = any (array(select json_array_elements_text($1::text::json)))
  and pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
  and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
    and d.objid = c.oid and d.deptype = 'e')
order by 1`;

const resolveQuestion = `
select coalesce((case when w.value ->> 0 is null then pg_catalog.to_regclass(pg_catalog.quote_ident(w.value ->> 1))::oid
  else (select t.oid from pg_catalog.pg_class t join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    where n.nspname = w.value ->> 0 and t.relname = w.value ->> 1) end)::text, '')
from pg_catalog.json_array_elements($1::text::json) with ordinality w(value, i) order by w.i`;

/** What Citus keeps for itself on a node, and what it spreads over others. */
const citusQuestion = `
select (case when p.logicalrelid is null then 'shard ' else 'spread ' end) || c.oid::text from pg_catalog.pg_class c
  left join pg_dist_partition p on p.logicalrelid = c.oid
where c.relkind in ('r', 'p') and (p.logicalrelid is not null or relation_is_a_known_shard(c.oid))`;

const asSpoken = (name: string) => name.toLowerCase().replaceAll('_', '');
const bareType = (type: string) => type.replace(/\(.*?\)/g, '');

/**
 * Reads the catalog.
 *
 * @throws SchemaDifferenceError where the database lacks a table that is declared
 */
export async function readCatalog(connection: Connection, subject: Subject): Promise<Catalog> {
  const [[extension] = []] = await connection.query(
    `select extname::text from pg_catalog.pg_extension where extname = 'citus'`,
  );
  const isCitus = extension === 'citus';
  const spread = new Set<number>();
  const shards = new Set<number>();
  if (isCitus) {
    for (const [said] of await connection.query(citusQuestion)) {
      const [what, oid] = said!.split(' ');
      (what === 'shard' ? shards : spread).add(Number(oid));
    }
  }
  const live = new Map<number, LiveTable>();
  for (const [json] of await connection.query(tablesQuestion)) {
    const table = JSON.parse(json!) as LiveTable;
    if (!shards.has(table.oid)) live.set(table.oid, spread.has(table.oid) ? { ...table, isSpread: true } : table);
  }
  const resolved = await connection.query(resolveQuestion, [
    JSON.stringify([...subject.tables, ...subject.elsewhere].map(({ schema, name }) => [schema ?? null, name])),
  ]);
  const oids = resolved.map(([oid]) => Number(oid));
  const missing: string[] = [];
  const found = new Map<number, { live: LiveTable; declared: DeclaredTable }>();
  subject.tables.forEach((declared, i) => {
    const table = live.get(oids[i]!);
    if (table) found.set(table.oid, { live: table, declared });
    else if (!declared.isOptional && declared.column !== undefined)
      missing.push(`the database has no table "${declared.name}"`);
  });
  if (missing.length > 0) throw new SchemaDifferenceError('Run the migrations first', missing);

  const columnOf = new Map<number, string>();
  for (const { live: table, declared } of found.values()) {
    if (declared.column === undefined) continue;
    if (!table.columns.some((it) => it.name === declared.column)) {
      throw new SchemaDifferenceError('Run the migrations first', [
        `"${table.title}" has no column "${declared.column}"`,
      ]);
    }
    columnOf.set(table.oid, declared.column);
  }
  const tables: TenantTable[] = [];
  const types = new Set<string>();
  for (const { live: table, declared } of found.values()) {
    const column = columnOf.get(table.oid);
    if (column === undefined) continue;
    types.add(bareType(table.columns.find((it) => it.name === column)!.type));
    const pointing = table.foreignKeys.flatMap((it) =>
      it.columns.filter((_, i) => it.toColumns[i] === columnOf.get(it.to)),
    );
    const renamed = [...new Set([...declared.references, ...pointing])].filter(
      (it) => it !== column && table.columns.some((own) => own.name === it),
    );
    tables.push({ ...table, column, renamed, declared });
  }
  tables.sort((a, b) => (a.title < b.title ? -1 : 1));
  if (tables.length === 0)
    throw new SchemaDifferenceError('Run the migrations first', [
      `the database has no table of the tenancy "${subject.tenancy}"`,
    ]);

  const names = new Set([
    asSpoken(`${subject.tenancy}Id`),
    ...tables.filter((it) => asSpoken(it.column) !== 'id').map((it) => asSpoken(it.column)),
  ]);
  const pointing = new Set<string>();
  for (const table of live.values()) {
    for (const key of table.foreignKeys)
      key.columns.forEach((it, i) => columnOf.get(key.to) === key.toColumns[i] && pointing.add(`${table.title} ${it}`));
  }
  // A shared row may name a tenant, by a column that is called anything.
  const said = new Set(
    [...found.values()].flatMap(({ live: { title }, declared }) =>
      declared.column === undefined ? declared.references.map((it) => `${title} ${it}`) : [],
    ),
  );
  const visible = new Set([...live.values()].map((it) => it.title));
  const undeclared: Undeclared[] = [];
  for (const [json] of await connection.query(columnsQuestion, [JSON.stringify([...types])])) {
    const it = JSON.parse(json!) as Undeclared;
    const isKnown = tables.some(
      (own) => own.title === it.title && (own.column === it.column || own.declared.references.includes(it.column)),
    );
    if (isKnown || !(it.isMaterializedView || visible.has(it.title))) continue;
    const isSaid = said.has(`${it.title} ${it.column}`);
    if (isSaid || names.has(asSpoken(it.column)) || pointing.has(`${it.title} ${it.column}`)) undeclared.push(it);
  }

  const { type } = tables[0]!.columns.find((it) => it.name === tables[0]!.column)!;
  const [[tenant] = []] = await connection.query(canonical(subject.id, type)).catch((error) => {
    if (String(error?.code ?? error?.cause?.code).startsWith('22'))
      throw new InvalidTenantIdError(subject.tenancy, `expected ${type}`);
    throw error;
  });
  const others = new Map([...live].filter(([oid]) => !columnOf.has(oid)));
  const elsewhere = new Set(oids.slice(subject.tables.length));
  return { tenant: tenant!, type, tables, others, elsewhere, undeclared, isCitus };
}
