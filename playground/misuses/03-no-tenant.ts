// No tenant chosen
import type { Database } from '../database.js';
import { projects } from '../schema.js';

declare const db: Database;

db.select().from(projects);
