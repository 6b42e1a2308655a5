/**
 * The statements that make the tables, told to the process that asked. From its first migration on, drizzle-kit has
 * Node.js follow every promise of a process, which makes each dearer: no benchmark is to measure that.
 */
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import { entities } from './database.js';

const statements = await generateMigration(await generateDrizzleJson({}), await generateDrizzleJson(entities as any));
process.send!(statements, () => process.exit());
