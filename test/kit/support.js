/** Migrations in this process: drizzle-kit's api, our statements, and a history of schemas to run through. */
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import { Entities } from '../../src/kit/snapshot.js';
import { tenantStatements } from '../../src/kit/index.js';
export const citus = { citus: { shardCount: 4 } };
/** Remembers what was, as the migrations folder does. */
export class History {
    snapshot;
    state;
    /** The tables as drizzle-kit sees them. */
    get entities() {
        return new Entities((this.snapshot?.ddl ?? []));
    }
    async next({ schema, hints, tenancy = citus }) {
        const to = await generateDrizzleJson(schema, this.snapshot?.id);
        const from = this.snapshot ?? (await generateDrizzleJson({}));
        const drizzle = await generateMigration(from, to, hints ? { hints } : undefined);
        const { statements, state } = await tenantStatements({ statements: drizzle, from: this.snapshot, to, schema, state: this.state, tenancy });
        this.snapshot = to;
        this.state = state;
        return statements;
    }
}
