// A relation between tables of two tenancies
import { bigint, integer } from 'drizzle-orm/pg-core';
import { defineTenantRelations, tenancy, tenantTable } from '../../src/index.js';
import { projects } from '../schema.js';

const school = tenancy('school', () => bigint({ mode: 'number' }));
const lessons = tenantTable('lessons', { schoolId: school.id(), id: integer().primaryKey() });

defineTenantRelations({ projects, lessons }, (r) => ({
  projects: {
    lesson: r.one.lessons({ from: r.projects.id, to: r.lessons.id }),
  },
}));
