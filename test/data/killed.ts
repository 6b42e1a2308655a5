/** A process that is killed in the middle of an export: `tsx killed.ts URL PATH`. */
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { withTenancy } from '../../src/index.js';
import { firm, relations } from './hard-schema.js';

const [url, to] = process.argv.slice(2) as [string, string];
const db = withTenancy(drizzle({ client: postgres(url, { max: 1 }) }), { relations });
await db.tenantData(firm.parse(1) as any).exportTo(to, {
  format: 'file',
  partRows: 4,
  onProgress: ({ table }) => void (table.includes('people') && process.kill(process.pid, 'SIGKILL')),
});
