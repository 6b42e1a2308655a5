// A join with a table of another tenancy
import { eq } from 'drizzle-orm';
import { bigint, integer } from 'drizzle-orm/pg-core';
import { tenancy, tenantTable } from '../../src/index.js';
import type { AccountDatabase } from '../database.js';
import { projects } from '../schema.js';

declare const tdb: AccountDatabase;
const school = tenancy('school', () => bigint({ mode: 'number' }));
const lessons = tenantTable('lessons', { schoolId: school.id(), id: integer().primaryKey() });

tdb.select().from(projects).innerJoin(lessons, eq(lessons.id, projects.id));
