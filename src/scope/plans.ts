/**
 * Statements that were built before. The text of a statement depends on its form: its tables, columns, words and
 * clauses, and how many values there are. It depends neither on the values nor on whose rows they are. So the second
 * statement of a form is built with a slot in place of each value and of the tenant, by the same dialect that builds
 * every other; what it leaves is kept, and whatever comes after it in that form has only its values filled in.
 *
 * Nothing here decides what a statement may do. Each text that is kept was scoped like any other, for a tenant that is
 * named when it is sent: a mistake here can mix up the values of a statement, and never its tenant. What has no known
 * form is built anew each time.
 */
import type { Param, SQL } from 'drizzle-orm';
import { declaredTables } from '../schema/classify.js';
import { builtBy } from './built.js';
import { chunkKindOf, chunkKinds } from './chunks.js';
import { type Form, FormReader, Step } from './form.js';
import type { Config } from './parts.js';
import { type Parameter, type Plan, PlannedSQL } from './planned.js';
import { relationalForm } from './relational-form.js';
import type { Scope } from './scope.js';
import { Slot } from './slots.js';
import { tenantSlot } from './tenant-slot.js';

export type FormKind = 'select' | 'insert' | 'update' | 'delete' | 'relational' | 'statement';

const formOf = (kind: FormKind, config: Config, first: Step, scope: Scope, copies: boolean): Form => {
  const form = new FormReader(first, scope, copies);
  form.key(kind);
  form.copy = kind === 'relational' ? relationalForm(form, config) : form[kind](config);
  return form;
};

/** More than any application has; forms that are made up anew for each query would go on for ever, and long texts fill the memory. */
const limit = 100_000;

/** The plans of one tenancy's handles. */
export class Plans {
  #first = new Step();
  #count = 0;
  #declared = declaredTables().length;

  /**
   * @param build builds a statement of a tenant that is named when it is sent
   * @param render tells its text, and whether all of it was understood
   */
  constructor(
    readonly build: (kind: FormKind, config: Config) => any,
    readonly render: (query: SQL) => { readonly text: string; readonly params: readonly unknown[]; readonly isRead: boolean },
  ) {}

  /**
   * @param scope of the handle that builds the statement
   * @returns the statement; undefined where it has to be built
   */
  find(kind: FormKind, config: Config, scope: Scope): PlannedSQL | undefined {
    // A table that is declared later may dispute what a name means.
    if (this.#count > limit || this.#declared !== declaredTables().length) {
      [this.#first, this.#count, this.#declared] = [new Step(), 0, declaredTables().length];
    }
    try {
      const form = formOf(kind, config, this.#first, scope, false);
      const { plan, isMet } = form.step ?? {};
      if (plan === null) return undefined;
      if (plan) return plannedSQL(plan, form, scope);
      if (!isMet) {
        this.#keep(form).isMet = true;
        return undefined;
      }
      // Read once more, with a copy: what is kept is what was read.
      const copied = formOf(kind, config, this.#first, scope, true);
      const step = this.#keep(copied);
      step.plan ??= this.#plan(kind, copied.copy as Config) ?? null;
      return step.plan ? plannedSQL(step.plan, copied, scope) : undefined;
    } catch {
      // It has no form, or something in it fails: building it tells.
      return undefined;
    }
  }

  #keep({ last, rest, step }: Form): Step {
    if (step) return step;
    for (const key of rest) this.#count += typeof key === 'string' ? 1 + key.length / 100 : 1;
    return rest.reduce((it: Step, key) => it.add(key), last);
  }

  #plan(kind: FormKind, config: Config): Plan | undefined {
    try {
      const isRelational = kind === 'relational';
      const usedTables = new Set<unknown>();
      const made = this.build(kind, isRelational ? { ...config, usedTables } : config);
      const { sql, scope, expects } = builtBy(isRelational ? made.sql : made)!;
      const { text, params, isRead } = this.render(sql);
      const parameters = params.map((param) => parameterOf(param, isRelational));
      if (!isRead || !parameters.every((it) => it !== undefined)) return undefined;
      return { sql, scope, expects, text, parameters, selection: made.selection, usedTables };
    } catch {
      // Refused: it is built for the handle itself, which says so in the handle's own words.
      return undefined;
    }
  }
}

function plannedSQL(plan: Plan, form: Form, scope: Scope): PlannedSQL {
  form.encode();
  return new PlannedSQL(plan, form.values, scope);
}

function parameterOf(param: unknown, hasConstants: boolean): Parameter | undefined {
  const value = chunkKindOf(param) === chunkKinds.param ? (param as Param).value : param;
  const { encoder, codec } = (value === param ? {} : param) as Partial<Param>;
  const isTenant = value === tenantSlot;
  const index = Slot.indexOf(value);
  if (isTenant || index !== undefined) {
    const { mapToDriverValue } = (encoder ?? {}) as { mapToDriverValue?: any };
    const encode = isTenant && mapToDriverValue && !mapToDriverValue.isNoop ? (it: unknown) => encoder!.mapToDriverValue(it) : undefined;
    return { isTenant, index: index ?? -1, encode, codec: codec as any, constant: undefined };
  }
  return hasConstants && Object(param) !== param ? { isTenant, index: -1, encode: undefined, codec: undefined, constant: param } : undefined;
}

