/** Proves a text as the gate does. */
import { declaredTables } from '../../src/schema/classify.js';
import { allDeclared } from '../../src/schema/declared.js';
import type { Given, Proved } from '../../src/sql/given.js';
import { loadParser, prove, Tables } from '../../src/sql/index.js';
import * as schema from '../support/schema.js';

export const parse = await loadParser();
const own = Object.values(schema).filter((it): it is any => typeof it === 'object');

export type Prove = typeof prove;

/**
 * @param text with `count` parameters of its own
 * @param proveIt the prover, or one with a rule broken
 */
export function proveText(text: string, reach: Given['reach'], count: number, more: Partial<Given> = {}, proveIt: Prove = prove): Proved {
  return proveIt(parse, text, {
    reach,
    filters: true,
    tenancy: undefined,
    tables: new Tables(allDeclared(own), allDeclared(declaredTables())),
    functions: new Set(),
    count,
    ...more,
  });
}

/** What is said of a text that is refused. */
export function refusalOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error: any) {
    return `${error.remedy ?? ''}: ${error.reason ?? error.message}`;
  }
}
