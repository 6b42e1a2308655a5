/** The faults that the rules find, at the level that the config gives each rule. */
import type { Fault, RuleName } from '../faults.js';
import { plain, type TableName } from '../names.js';
import type { Options, RuleLevel } from '../options.js';

const defaults: Partial<Record<RuleName, RuleLevel>> = {
  'setting-renamed': 'warn',
  'replica-identity': 'warn',
  'foreign-key-index': 'warn',
  'name-length': 'warn',
};

/** Collects faults at the level that the options give their rule. */
export class Faults {
  private readonly faults: Fault[] = [];

  constructor(
    private readonly options: Options,
    private readonly onCitus: boolean,
  ) {}

  add(
    rule: RuleName,
    table: TableName,
    column: string,
    remedy: string,
    reason: string,
    everywhere = false,
    byDefault: RuleLevel = defaults[rule] ?? 'error',
  ): void {
    const level = this.options.rules[rule] ?? byDefault;
    if (level === 'off' || (!everywhere && !this.onCitus)) return;
    this.faults.push({ rule, table: plain(table), column, remedy, reason, level });
  }

  /** A definition that can never work: no option lets it pass. */
  define(table: TableName, column: string, remedy: string, reason: string): void {
    this.faults.push({ rule: 'definition', table: plain(table), column, remedy, reason, level: 'error' });
  }

  sorted(): Fault[] {
    return this.faults.sort((a, b) => (a.table === b.table ? 0 : a.table < b.table ? -1 : 1));
  }
}
