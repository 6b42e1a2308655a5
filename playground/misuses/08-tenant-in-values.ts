// A new row that names its tenant by hand
import type { AccountDatabase } from '../database.js';
import { account, projects } from '../schema.js';

declare const tdb: AccountDatabase;
const accountId = account.parse('bbbbbbbb-0000-4000-8000-000000000002');

tdb.insert(projects).values({ accountId, id: 4, name: 'Garden' });
