/** The gate without its predicates: new rows are given their tenant, and what is read is whatever the policies show. */
import { vi } from 'vitest';
import { declaredTables } from '../../src/schema/classify.js';
import { allDeclared } from '../../src/scope/declared.js';
import { Gate } from '../../src/scope/gate.js';
import type { Scope } from '../../src/scope/scope.js';
import { confine } from '../../src/sql/confine/index.js';
import { statementOf } from '../../src/sql/parser.js';
import { prove } from '../../src/sql/prove/prove.js';
import { Tables } from '../../src/sql/tables.js';

interface Without {
  /** Views that are known besides the declared tables. */
  readonly views?: Iterable<object>;
  /** Whether a text goes without. Of materialized views the predicates are all there is: they have no policies. */
  readonly when?: (text: string, scope: Scope) => boolean;
  /** What rows are given in place of their tenant, as a literal. */
  readonly tenant?: string;
}

/** @returns the spy, to take it away again */
export function withoutFilters({ views = [], when = () => true, tenant }: Without = {}) {
  const pass = Gate.prototype.pass;
  return vi.spyOn(Gate.prototype, 'pass').mockImplementation(function (this: Gate, parse, scope, text, count) {
    if (scope.reach.kind !== 'one' || !when(text, scope)) return pass.call(this, parse, scope, text, count);
    const tables = new Tables(allDeclared([...declaredTables(), ...views]));
    // The target of ON CONFLICT has the tenant column, which the keys of the tables have.
    const filters = /\bon conflict\b/i.test(text);
    const given = {
      reach: 'one',
      filters,
      tenancy: scope.tenancy,
      tables,
      functions: new Set<string>(),
      count,
    } as const;
    const sent = confine(statementOf(parse, text), text, given).text;
    const proved = prove(parse, sent, given);
    const tenancy = proved.tables.find((it) => it.tenant)?.tenant?.tenancy as any;
    scope.learn(tenancy);
    const other =
      tenant === undefined ? {} : { text: sent.replaceAll(`$${count + 1}`, `'${tenant}'`), usesTenant: false };
    return { text: sent, count, bytes: 0, tenancy, ...proved, ...other };
  });
}
