/** A second tenancy: its ids are numbers, and its tenant column stands last. */
import { bigint, integer, text } from 'drizzle-orm/pg-core';
import { tenancy, tenantTable } from '../../../src/index.js';

export const workspace = tenancy('workspace', () => bigint({ mode: 'number' }));

export const documents = tenantTable('documents', {
  id: integer().primaryKey(),
  title: text().notNull(),
  space: workspace.id('space_id'),
});
