// Rows inserted from a query that another handle built
import { drizzle } from 'drizzle-orm/postgres-js';
import { unscoped } from '../../src/index.js';
import type { AccountDatabase } from '../database.js';
import { projects } from '../schema.js';

declare const tdb: AccountDatabase;
const stolen = drizzle.mock().select().from(unscoped(projects));

tdb.insert(projects).select(stolen);
