import { Rewriter } from './rewrite.js';
import { scanSync } from 'libpg-query';
export const confine = (tree: any, text: string, given: any): any => {
  const r = new Rewriter(text, given.count, given.tables, { kind: given.reach, filters: given.filters, admit: () => ({}) }, () => scanSync(text).tokens as any).run(tree);
  last = r;
  return r;
};
export let last: any;
