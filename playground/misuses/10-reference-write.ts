// A tenant that renames a country for everyone
import type { AccountDatabase } from '../database.js';
import { countries } from '../schema.js';

declare const tdb: AccountDatabase;

tdb.update(countries).set({ name: 'Atlantis' });
