/**
 * The views of a schema, read by PostgreSQL's own parser: one that exposes the tenant column is scoped like a table,
 * from outside, so that it must not mix tenants inside.
 */
import { spawnSync } from 'node:child_process';
import type { TableName } from './names.js';
import type { Entities } from './snapshot.js';
import type { TenancyState } from './state.js';

/** A view that mixes tenants, or could. */
export interface MixedView extends TableName {
  readonly column: string;
  readonly reason: string;
}

/** Finds the views that are not proved to keep tenants apart; undefined where they cannot be read. */
export type ViewReader = (entities: Entities, state: TenancyState) => MixedView[] | undefined;

/** @returns the reader; it finds nothing where the optional package libpg-query is not installed */
export async function loadViewReader(): Promise<ViewReader> {
  const { loadParser, proveView, Tables } = await import('../prover/index.js');
  const parse = await loadParser().catch(() => undefined);
  if (!parse) return () => undefined;
  return (entities, state) => {
    const nameOf = ({ schema, name }: TableName) => ({ schema: schema === 'public' ? undefined : schema, name });
    const known = Object.values(state.tables).map((table) => ({
      table,
      ...nameOf(table),
      columns: new Set(entities.of('columns', table).map((it) => String(it.name))),
      isView: false,
      tenant: table.kind === 'tenant' ? { column: table.column!, type: table.type!, tenancy: table.tenancy } : undefined,
    }));
    const tenantColumns = new Set(known.flatMap((it) => it.tenant?.column ?? []));
    // One view may stand on another: what is not proved is tried again once more is known.
    for (let left = viewsOf(entities); ; ) {
      const tables = new Tables(known);
      const mixed: (MixedView & View)[] = [];
      for (const view of left) {
        const proved = proveView(parse, view.definition, tables, tenantColumns);
        if (proved?.fault) mixed.push({ ...view, column: proved.column, reason: proved.fault });
        else if (proved) known.push({ table: view as any, ...nameOf(view), columns: new Set(proved.columns), isView: true, tenant: { column: proved.column, type: 'text', tenancy: undefined } });
      }
      if (mixed.length === left.length || mixed.length === 0) return mixed;
      left = mixed;
    }
  };
}

/** Reads views in another process: drizzle-kit writes its files without waiting for anything, and the parser has to be waited for. */
export const readViewsElsewhere: ViewReader = (entities, state) => {
  if (viewsOf(entities).length === 0) return [];
  const script = `
    import { text } from 'node:stream/consumers';
    import { loadViewReader } from ${JSON.stringify(import.meta.url)};
    import { Entities } from ${JSON.stringify(new URL('./snapshot.js', import.meta.url).href)};
    const { rows, state } = JSON.parse(await text(process.stdin));
    process.stdout.write(JSON.stringify((await loadViewReader())(new Entities(rows), state) ?? null));`;
  const input = JSON.stringify({ rows: [...entities.list('columns'), ...entities.list('views')], state });
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { input, encoding: 'utf8' });
  return status === 0 ? (JSON.parse(stdout) ?? undefined) : undefined;
};

interface View extends TableName {
  readonly definition: string;
}

/** The views that the migrations create. */
export const viewsOf = (entities: Entities): View[] => entities.list('views').filter((it) => typeof it.definition === 'string') as any;
