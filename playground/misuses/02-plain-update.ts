// A tenant table in plain Drizzle's own update
import { drizzle } from 'drizzle-orm/postgres-js';
import { projects } from '../schema.js';

drizzle.mock().update(projects).set({ name: 'mine' });
