/** What was written in the editor, as something to run. */
import * as drizzleOrm from 'drizzle-orm';
import * as pgCore from 'drizzle-orm/pg-core';
import * as pglite from 'drizzle-orm/pglite';
import * as drizzleTenant from '../../src/index.js';
import * as queries from '../queries.js';
import * as relations from '../relations.js';
import * as schema from '../schema.js';
import type { Program } from './engine.js';

const modules: Record<string, unknown> = {
  'drizzle-orm': drizzleOrm,
  'drizzle-orm/pg-core': pgCore,
  'drizzle-orm/pglite': pglite,
  'drizzle-tenant': drizzleTenant,
  './queries.js': queries,
  './relations.js': relations,
  './schema.js': schema,
  './database.js': {},
};

/** @param text a CommonJS module, whose default export is the program */
export function programOf(text: string): Program {
  return (tdb, db) => {
    const exports: { default?: unknown } = {};
    const require = (name: string) => {
      if (modules[name]) return modules[name];
      throw new Error(`There is no module "${name}" here: import from ${Object.keys(modules).join(', ')}.`);
    };
    new Function('exports', 'require', text)(exports, require);
    if (typeof exports.default !== 'function')
      throw new Error('Write "export default (tdb: AccountDatabase) => ..." : a function that gives a query.');
    return exports.default(tdb, db);
  };
}
