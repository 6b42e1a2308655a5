/**
 * A name on the list of functions does not say whose function runs: an application's own `format(integer)` is a better
 * match than PostgreSQL's. Which function a name means, the catalog knows, and no text does. So what could be meant in
 * place of PostgreSQL's own is asked for, and named.
 * So is a table that the search path finds before the one of its name in "public": a table that is declared without a
 * schema is taken for that one.
 */
import { builtin, doing, ofExtensions, ofTheMoment } from './prove/functions.js';
import { operators } from './prove/operators.js';

/** What the database has under a name that statements may use. */
export interface OwnFunction {
  readonly kind: 'function' | 'operator' | 'cast' | 'table';
  /** As it is written in a statement: the name of a function, an operator or a table, the type that is cast to. */
  readonly name: string;
  /** As PostgreSQL tells it from others, such as `public.format(integer)`. */
  readonly signature: string;
}

/** What the grammar of PostgreSQL 17 knows, and an older server calls as a function, perhaps the application's own. */
const ofLaterGrammar = [
  'json',
  'json_exists',
  'json_query',
  'json_value',
  'json_scalar',
  'json_serialize',
  'json_array',
  'json_arrayagg',
  'merge_action',
];

const literals = (names: Iterable<string>) => [...names].map((it) => `'${it}'`).join(', ');

/** Not PostgreSQL's own, which `initdb` made, nor an extension's. */
const isOwn = (catalog: string, oid: string) => `${oid} >= 16384 and not exists (
  select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass
    and d.objid = ${oid} and d.deptype = 'e')`;

/** Tables, partitioned and foreign ones, and views. */
const relations = literals('rpfvm');

/**
 * Asks for functions and operators in the schemas that an unqualified name is looked up in, and for casts, which have
 * no schema. What the role that asks may not execute, its statements do not reach.
 */
export const ownFunctionsQuestion = `
select 'function' as kind, p.proname as name, pg_catalog.format('%I.%I(%s)', n.nspname, p.proname,
  pg_catalog.oidvectortypes(p.proargtypes)) as signature
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname = any(pg_catalog.current_schemas(false)) and ${isOwn('pg_proc', 'p.oid')}
  and pg_catalog.has_function_privilege(p.oid, 'EXECUTE') and (p.proname in
    (${literals([...builtin, 'pg_typeof', ...ofTheMoment, ...doing, ...ofExtensions])})
  or p.proname in (${literals(ofLaterGrammar)}) and pg_catalog.current_setting('server_version_num')::integer < 170000)
union all
select 'operator', o.oprname, pg_catalog.format('%I.%s(%s, %s)', n.nspname, o.oprname,
  pg_catalog.format_type(nullif(o.oprleft, 0), null), pg_catalog.format_type(o.oprright, null))
from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
where n.nspname = any(pg_catalog.current_schemas(false)) and ${isOwn('pg_operator', 'o.oid')}
  and o.oprname in (${literals(operators)})
union all
select 'cast', pg_catalog.format_type(c.casttarget, null), pg_catalog.format('cast (%s as %s)',
  pg_catalog.format_type(c.castsource, null), pg_catalog.format_type(c.casttarget, null))
from pg_catalog.pg_cast c
where c.castfunc <> 0 and ${isOwn('pg_cast', 'c.oid')} and c.castfunc >= 16384
union all
select 'table', c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where 'public' = any(pg_catalog.current_schemas(false)) and n.nspname <> 'public' and c.relkind in (${relations})
  and pg_catalog.pg_table_is_visible(c.oid)
  and exists (select from pg_catalog.pg_class p join pg_catalog.pg_namespace s on s.oid = p.relnamespace
    where s.nspname = 'public' and p.relname = c.relname and p.relkind in (${relations}))
order by 1, 2, 3`;

/** What was found, less what the application trusts. @param trusted names of functions, and signatures of any kind */
export const untrusted = (found: readonly OwnFunction[], trusted: readonly string[]): OwnFunction[] =>
  found.filter((it) => !trusted.includes(it.signature) && !(it.kind === 'function' && trusted.includes(it.name)));

/** One line for each. */
export const describeOwn = ({ kind, name, signature }: OwnFunction): string =>
  kind === 'cast'
    ? `the ${signature}`
    : `the ${kind} ${signature}, which ${kind === 'function' ? `${name}()` : name} may ` +
      `mean${kind === 'table' ? ' in place of the one in public, which comes behind it in the search path' : ''}`;
