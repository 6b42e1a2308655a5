/** Every case: a text, whose rows it may touch, and what is said of it. */
import type { Given } from '../../../src/sql/given.js';
import { a } from '../../support/rows.js';
import { numbered } from '../support.js';
import * as everybody from './everybody.js';
import * as expressions from './expressions.js';
import * as meeting from './meeting.js';
import * as one from './one.js';
import * as parameters from './parameters.js';
import * as several from './several.js';

export interface Case {
  readonly text: string;
  readonly count: number;
  readonly more: Partial<Given> & { readonly reach: Given['reach'] };
  /** Words of the reason; undefined for one that is accepted. */
  readonly reason?: RegExp | undefined;
}

const countOf = (text: string) => Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((it) => Number(it[1])));

/** With the tenant's values as `proveScoped` knows them. */
function known(text: string, reason?: RegExp): Case {
  const { sql, params } = numbered(text);
  const parameters = new Set(params.flatMap((it, i) => (it === a ? [i + 1] : [])));
  return { text: sql, count: params.length, more: { reach: 'one', known: { values: new Set([String(a)]), parameters, arrays: new Set() } }, reason };
}

const of = (reach: Given['reach'], text: string, count: number, reason?: RegExp): Case => ({ text, count, more: { reach }, reason });
const any = /./;

export const cases: readonly Case[] = [
  ...one.accepted.map((it) => known(it)),
  ...one.refused.filter(([text]) => text.length < 10_000).map(([text, reason]) => known(text, reason)),
  ...[...meeting.ofEach, ...meeting.overAll].map((it) => of('all', it, countOf(it))),
  ...meeting.refusedAcross.map(([text, reason]) => of('all', text, countOf(text), reason)),
  ...several.accepted.map((it) => of('several', it, 0)),
  ...several.refused.map(([text, reason]) => of('several', text, 0, reason)),
  ...parameters.accepted.map(([text, count, more]): Case => ({ text, count, more: { reach: 'one', ...more } })),
  ...parameters.refused.map(([text, count, more, reason]): Case => ({ text, count, more: { reach: 'one', ...more }, reason })),
  ...everybody.ofOne.map((it) => of('one', it, 0)),
  ...everybody.notOfOne.map(([text, reason]) => of('one', text, 0, reason)),
  ...everybody.ofSeveral.map((it) => of('several', it, 0)),
  ...everybody.notOfSeveral.map((it) => of('several', it, 0, /of different tenants would meet/)),
  ...everybody.ofAll.map((it) => of('all', it, 0)),
  ...everybody.notOfAll.map((it) => of('all', it, 0, any)),
  ...[...expressions.settings, ...expressions.types, ...expressions.systemColumns].map((it) => of('one', it, 0)),
  ...[...expressions.notSettings, ...expressions.notSystemColumns].map((it) => of('one', it, 0, any)),
  ...expressions.notTypes.map((it) => of('one', it, 0, /not a plain one|looks into/)),
];
