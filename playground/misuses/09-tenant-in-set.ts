// An update that moves a row to another tenant
import type { AccountDatabase } from '../database.js';
import { account, projects } from '../schema.js';

declare const tdb: AccountDatabase;
const accountId = account.parse('bbbbbbbb-0000-4000-8000-000000000002');

tdb.update(projects).set({ accountId });
