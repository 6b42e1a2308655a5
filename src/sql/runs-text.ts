/** Functions of PostgreSQL and of its extensions that nobody can trust: no filter reaches what they read. */
import { UnsupportedTenantOperationError } from '../errors.js';

const kinds = ['xml', 'xmlschema', 'xml_and_xmlschema'];
const runText: ReadonlySet<string> = new Set([
  ...['query', 'table', 'schema', 'database'].flatMap((what) => kinds.map((kind) => `${what}_to_${kind}`)),
  ...'cursor_to_xml cursor_to_xmlschema ts_stat ts_rewrite pg_read_file pg_read_binary_file lo_get loread'.split(' '),
  ...'crosstab crosstab2 crosstab3 crosstab4 connectby xpath_table'.split(' '),
]);
/** dblink, Citus, pgRouting, pg_background, logical decoding, pageinspect: all that are called so. */
const runTextToo =
  /^(?:dblink|run_command_on_|pgr_|_pgr_|pg_background_|pg_logical_slot_(?:get|peek)_|get_raw_page|heap_page_)/;
/** Where PostgreSQL and extensions put theirs; in another schema, a name is the application's own. */
const theirs: ReadonlySet<string> = new Set(['', 'pg_catalog', 'public', 'extensions']);

/**
 * @param functions what the application says that its statements may call
 * @throws UnsupportedTenantOperationError for one that runs text or reads tables by name, whoever's rows these are
 */
export function refuseTextRunners(functions: readonly string[] = []): void {
  for (const name of functions) {
    const parts = name.toLowerCase().replaceAll('"', '').split('.');
    const called = parts.pop()!;
    if ((runText.has(called) || runTextToo.test(called)) && theirs.has(parts.join('.')))
      throw new UnsupportedTenantOperationError(
        `Leave "${name}" out of functions, and write its query in the statement itself: ` +
          'it reads whatever its arguments name, of any tenant, and nothing confines that. ' +
          'Or name a function of your own that calls it and filters by the tenant.',
      );
  }
}
