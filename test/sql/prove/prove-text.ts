/** Proves a text as the gate does. */
import { declaredTables } from '../../../src/schema/classify.js';
import { allDeclared } from '../../../src/scope/declared.js';
import type { Given, Proved } from '../../../src/sql/given.js';
import { loadParser, prove, Tables } from '../../../src/sql/index.js';
import * as schema from '../../support/schema.js';

const load = await loadParser();
const trees = new Map<string, ReturnType<typeof load>>();

/** Reads each text once. */
export const parse: typeof load = (text) => {
  let tree = trees.get(text);
  if (!tree) trees.set(text, (tree = load(text)));
  return tree;
};

let known: { readonly count: number; readonly tables: Tables } | undefined;

/** The tables that are declared by now. */
function tablesNow(): Tables {
  const all = declaredTables();
  if (known?.count !== all.length)
    known = { count: all.length, tables: new Tables(allDeclared(own), allDeclared(all)) };
  return known.tables;
}

const own = Object.values(schema).filter((it): it is any => typeof it === 'object');

export type Prove = typeof prove;

/**
 * @param text with `count` parameters of its own
 * @param proveIt the prover, or one with a rule broken
 */
export function proveText(
  text: string,
  reach: Given['reach'],
  count: number,
  more: Partial<Given> = {},
  proveIt: Prove = prove,
  read = parse,
): Proved {
  return proveIt(read, text, {
    reach,
    filters: true,
    tenancy: undefined,
    tables: tablesNow(),
    functions: new Set(),
    count,
    ...more,
  });
}

/** A parser that says something else in one place, as that of a later grammar might. */
export const laterParse =
  (from: string, to: string): typeof parse =>
  (text) => {
    const tree = JSON.stringify(parse(text));
    if (!tree.includes(from)) throw new Error(`${from} is not found in ${tree}`);
    return JSON.parse(tree.replace(from, to));
  };

/** What is said of a text that is refused. */
export function refusalOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error: any) {
    return `${error.remedy ?? ''}: ${error.reason ?? error.message}`;
  }
}
