/** One table within its file, as the parts that rewrite it see it. */
import { relative } from 'node:path';
import type { Edits } from './edits.js';
import type { Declared } from './load-schema.js';
import type { Proposal, TableDecision } from './propose.js';
import type { Declaration } from './source.js';

export interface RewriteOptions {
  readonly citus: boolean;
  /** Whether the database has tenants already: what is unique over all rows is so over all tenants. */
  readonly pulled?: boolean;
}

/** One table within its file. */
export interface Site {
  readonly decision: TableDecision;
  readonly declared: Declared;
  readonly declaration: Declaration;
  readonly edits: Edits;
  readonly tenancy: string;
  readonly proposal: Proposal;
  readonly options: RewriteOptions;
  byHand(text: string): void;
  note(text: string): void;
}

export const propertyOf = ({ declared, declaration }: Site, column: string) =>
  declaration.properties.find((it) => it.key !== undefined && it.key === declared.keys.get(column));

/** A file's path as a person at this folder writes it. */
export const shown = (file: string) => relative(process.cwd(), file) || file;
