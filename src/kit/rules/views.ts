/**
 * The views of a schema, read by PostgreSQL's own parser: one that exposes the tenant column is scoped like a table,
 * from outside, so that it must not mix tenants inside.
 */
import { spawnSync } from 'node:child_process';
import { keyOf, type TableName } from '../names.js';
import type { Entities } from '../snapshot.js';
import type { TenancyState } from '../state.js';

/** A view that mixes tenants, or could. */
export interface MixedView extends TableName {
  readonly column: string;
  readonly reason: string;
  readonly remedy?: string | undefined;
}

/** A view that declares a tenant column: handles filter it by that. */
export interface DeclaredView extends TableName {
  readonly column: string;
  /** The name of the tenancy whose ids it holds. */
  readonly tenancy: string | undefined;
}

/** Finds the views that are not proved to keep tenants apart; undefined where they cannot be read. */
export type ViewReader = (entities: Entities, state: TenancyState) => MixedView[] | undefined;

/**
 * The views among what a schema's modules export, whichever copy of drizzle-tenant made their columns.
 *
 * @returns those with one tenant column: a handle reads no other
 */
export function declaredViews(exported: Iterable<unknown>): DeclaredView[] {
  const markOf = (column: any) =>
    typeof column?.config === 'object' && column.config !== null
      ? Object.getOwnPropertySymbols(column.config).find((it) => it.description === 'drizzle-tenant:tenancy')
      : undefined;
  const isTenants = (column: any) => markOf(column) !== undefined;
  return [...exported].flatMap((view: any) => {
    const config = typeof view === 'object' && view !== null ? view[Symbol.for('drizzle:ViewBaseConfig')] : undefined;
    if (!config?.selectedFields) return [];
    const columns = Object.keys(config.selectedFields)
      .map((key) => config.selectedFields[key])
      .filter(isTenants);
    const tenancy = columns.length === 1 ? columns[0].config[markOf(columns[0])!]?.name : undefined;
    return columns.length === 1
      ? [
          {
            schema: config.schema ?? 'public',
            name: config.originalName ?? config.name,
            column: columns[0].name,
            tenancy,
          },
        ]
      : [];
  });
}

/**
 * @param declared what {@link declaredViews} found
 * @returns the reader; it finds nothing where the optional package libpg-query is not installed
 */
export async function loadViewReader(declared: readonly DeclaredView[]): Promise<ViewReader> {
  const { loadParser, proveView, Tables } = await import('../../sql/index.js');
  const parse = await loadParser().catch(() => undefined);
  if (!parse) return () => undefined;
  return (entities, state) => {
    const nameOf = ({ schema, name }: TableName) => ({ schema: schema === 'public' ? undefined : schema, name });
    const known = Object.values(state.tables).map((table) => ({
      table,
      ...nameOf(table),
      columns: new Set(entities.of('columns', table).map((it) => String(it.name))),
      primaryKey: [],
      uniqueOverAll: [],
      isView: false,
      tenant:
        table.kind === 'tenant' ? { column: table.column!, type: table.type!, tenancy: table.tenancy } : undefined,
    }));
    const tenantColumns = new Set(known.flatMap((it) => it.tenant?.column ?? []));
    // One view may stand on another: what is not proved is tried again once more is known.
    for (let left = viewsOf(entities); ; ) {
      const tables = new Tables(known);
      const mixed: (MixedView & View)[] = [];
      for (const view of left) {
        const said = declared.find((it) => keyOf(it) === keyOf(view));
        const proved = proveView(parse, view.definition, tables, tenantColumns, said?.column, said?.tenancy);
        if (proved?.fault) mixed.push({ ...view, column: proved.column, reason: proved.fault, remedy: proved.remedy });
        else if (proved)
          known.push({
            table: view as any,
            ...nameOf(view),
            columns: new Set(proved.columns),
            primaryKey: [],
            uniqueOverAll: [],
            isView: true,
            tenant: { column: proved.column, type: 'text', tenancy: proved.tenancy as any },
          });
      }
      if (mixed.length === left.length || mixed.length === 0) return mixed;
      left = mixed;
    }
  };
}

/**
 * Reads views in another process: drizzle-kit writes its files without waiting for anything, and the parser has to be
 * waited for.
 *
 * @param schema the schema's files, as the config names them
 */
export const readViewsElsewhere =
  (schema: string | string[]): ViewReader =>
  (entities, state) => {
    if (viewsOf(entities).length === 0) return [];
    const script = `
    import { text } from 'node:stream/consumers';
    import { declaredViews, loadViewReader } from ${JSON.stringify(import.meta.url)};
    import { loadSchema } from ${JSON.stringify(new URL('../cli/load.js', import.meta.url).href)};
    import { Entities } from ${JSON.stringify(new URL('../snapshot.js', import.meta.url).href)};
    const { rows, state, schema } = JSON.parse(await text(process.stdin));
    const { log } = console;
    console.log = console.error; // What the schema's modules print is no answer.
    const views = declaredViews(Object.values(await loadSchema(schema)));
    log(JSON.stringify((await loadViewReader(views))(new Entities(rows), state) ?? null));`;
    const input = JSON.stringify({ rows: [...entities.list('columns'), ...entities.list('views')], state, schema });
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      input,
      encoding: 'utf8',
    });
    const last = stdout?.trim().split('\n').at(-1);
    return status === 0 && last ? (JSON.parse(last) ?? undefined) : undefined;
  };

interface View extends TableName {
  readonly definition: string;
}

/** The views that the migrations create. */
export const viewsOf = (entities: Entities): View[] =>
  entities.list('views').filter((it) => typeof it.definition === 'string') as any;
