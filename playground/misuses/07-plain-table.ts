// A table that is declared with pgTable
import { integer, pgTable } from 'drizzle-orm/pg-core';
import type { AccountDatabase } from '../database.js';

declare const tdb: AccountDatabase;
const invoices = pgTable('invoices', { id: integer().primaryKey() });

tdb.select().from(invoices);
