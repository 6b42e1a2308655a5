// The database of a school, where that of an account is due
import { bigint } from 'drizzle-orm/pg-core';
import { tenancy } from '../../src/index.js';
import type { Database } from '../database.js';
import { largeProjects } from '../queries.js';

declare const db: Database;
const school = tenancy('school', () => bigint({ mode: 'number' }));

largeProjects(db.forTenant(school.parse(7)));
