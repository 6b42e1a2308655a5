// A tenant table in plain Drizzle's own select
import { drizzle } from 'drizzle-orm/postgres-js';
import { projects } from '../schema.js';

drizzle.mock().select().from(projects);
