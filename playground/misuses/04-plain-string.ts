// A string from a request as the tenant
import type { Database } from '../database.js';

declare const db: Database;
declare const request: { headers: { account: string } };

db.forTenant(request.headers.account);
