// A tenant table without a tenant column
import { integer, text } from 'drizzle-orm/pg-core';
import { tenantTable } from '../../src/index.js';

tenantTable('notes', { id: integer().primaryKey(), text: text().notNull() });
