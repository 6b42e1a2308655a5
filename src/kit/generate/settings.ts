/**
 * The settings that policies read, over time. A second tenancy gives the first one's tables another setting, and so
 * does another name of a tenancy; programs of the version before go on setting the old one until the last of them is
 * gone.
 */
import { TenantConfigError } from '../errors.js';
import { keyOf, type TableName } from '../names.js';
import type { Options } from '../options.js';
import type { TableState, TenancyState } from '../state.js';
import { tenantSetting } from '../../rls/names.js';

/**
 * Decides for each table which settings its policies read.
 *
 * @param asked what the schema asks for, with the setting that each table would have in a new database
 * @param prev what the migrations lead to
 * @param nameBefore what a table was called before
 * @returns the state with the settings that the policies read now, and the earlier ones that they accept meanwhile
 * @throws TenantConfigError where a setting that is in use is called retired
 */
export function settleSettings(
  asked: TenancyState,
  prev: TenancyState,
  options: Pick<Options, 'retiredSettings'>,
  nameBefore: (table: TableName) => TableName | undefined = (it) => it,
): TenancyState {
  const before = (table: TableState) => {
    const name = nameBefore(table);
    return name && prev.tables[keyOf(name)];
  };
  const locked = Object.entries(asked.tables).filter(([, it]) => it.rls);
  const names = [...new Set(locked.map(([, it]) => it.tenancy!))];
  // Handles of a tenancy that is gone may still set the sole setting, so that a tenancy never goes back to it.
  const settings = new Map(
    names.map((tenancy) => {
      const own = tenantSetting(tenancy, false);
      const of = locked.filter(([, it]) => it.tenancy === tenancy).map(([, it]) => it);
      const had = of.some((it) => before(it)?.tenancy === tenancy && before(it)?.rls?.setting === own);
      return [tenancy, had ? own : of[0]!.rls!.setting];
    }),
  );
  const retired = options.retiredSettings;
  const used = [...settings.values()].find((it) => retired.includes(it));
  if (used !== undefined)
    throw new TenantConfigError(`Take "${used}" out of tenancy.retiredSettings: the policies read it.`);
  const tables: Record<string, TableState> = { ...asked.tables };
  for (const [key, table] of locked) {
    const setting = settings.get(table.tenancy!)!;
    const unless = [...settings].filter(([it]) => it !== table.tenancy).map(([it]) => tenantSetting(it, false));
    const earlier = earlierSetting(table, before(table), setting, asked);
    const isKept = earlier !== undefined && !retired.includes(earlier) && !unless.includes(earlier);
    tables[key] = {
      ...table,
      rls: { setting, ...(isKept && { also: { setting: earlier, unless: unless.sort() } }) },
    };
  }
  return { ...asked, tables };
}

/** The setting that programs of the version before set for this table, where it is another. */
function earlierSetting(
  table: TableState,
  was: TableState | undefined,
  setting: string,
  asked: TenancyState,
): string | undefined {
  // A table that moves from one tenancy to another has other ids in its tenant column.
  if (!was?.rls || (was.tenancy !== table.tenancy && asked.tenancies[was.tenancy!])) return undefined;
  if (was.rls.setting !== setting) return was.rls.setting;
  return was.rls.also?.setting;
}
