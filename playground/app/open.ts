/** The whole application on tables of its own, filled with the sample rows. */
import { connect } from '../database.js';
import { databasesOn } from '../databases.js';
import { seed, tenants } from '../seed.js';
import type { Server } from '../server.js';
import { pageRoutes } from './page.js';
import { serve, type Served } from './server.js';
import { watchOver } from './watch.js';
import { wholeTenants } from './whole.js';

/**
 * @param closing is given what closes what was opened, as soon as there is something
 * @returns where it is
 */
export async function openApplication(
  server: Server,
  url: string,
  port: number,
  closing: (() => Promise<unknown>)[],
): Promise<Served> {
  const databases = databasesOn(server, url);
  closing.push(() => databases.drop());
  const client = await databases.create();
  await seed(connect(client), tenants);
  const schema = client.options.connection.search_path as string;
  const served = await serve({
    database: { url, schema },
    port,
    routes: pageRoutes(await watchOver(databases, client), wholeTenants(databases)),
  });
  closing.push(() => served.close());
  return served;
}
