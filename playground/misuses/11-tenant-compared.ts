// The tenant column compared with a string
import { eq } from 'drizzle-orm';
import { projects } from '../schema.js';

eq(projects.accountId, 'bbbbbbbb-0000-4000-8000-000000000002');
