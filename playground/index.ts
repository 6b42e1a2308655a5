/**
 * `npm run playground`: what three tenants whose rows share ids see through their handles, what the compiler
 * says to mistakes, and what is refused at run time. Nothing is taken on trust: each result is compared with that
 * of plain Drizzle on a database which holds one tenant only. Then it serves an application over the same tables,
 * with a page to look at all this, until Ctrl-C; `npm run playground -- --once` leaves that out.
 */
import { allQueries } from './catalogue.js';
import { prepareStage } from './compare.js';
import { databasesOn } from './databases.js';
import { compileMisuses } from './misuses.js';
import { tryRefusals } from './refusals.js';
import { countryRows, tenants } from './seed.js';
import { embeddedServer, serverAt, Unavailable, type Server } from './server.js';
import { showMisuse, showQuery, showRefusal } from './show.js';
import { heading, paint, print, wrap } from './terminal.js';

/** What has been opened and has to be closed. */
const closing: (() => Promise<unknown>)[] = [];
let interrupted = false;
/** From then on Ctrl-C is no interruption, but the end. */
let isServing = false;
let status = 1;

/** All at once: on Ctrl-C the embedded server is told to stop as well, and may be gone before the others are done. */
const close = () =>
  Promise.allSettled(
    closing
      .splice(0)
      .reverse()
      .map((step) => step()),
  );

/** @returns whether every tenant was isolated and every mistake refused */
async function run(server: Server, url: string): Promise<boolean> {
  const databases = databasesOn(server, url);
  closing.push(() => databases.drop());
  const stage = await prepareStage(databases);
  const stopCompiler = new AbortController();
  closing.push(async () => stopCompiler.abort());
  const compiling = compileMisuses(stopCompiler.signal); // Takes a few seconds: meanwhile, the queries run.
  compiling.catch(() => {});

  heading('drizzle-tenant playground');
  const names = tenants.map((it) => it.name).join(', ');
  print(
    '',
    ...wrap(
      `On ${server.name}: ${countryRows.length} countries, which all share, and the accounts ${names}. ` +
        'Their users, projects and tasks have the same ids: each account has a project 1, and it is another one.',
    ),
  );

  const faults: string[] = [];
  for (const [i, query] of allQueries.entries()) {
    const sights = await stage.run(query);
    showQuery(String(i + 1), query, sights);
    faults.push(...sights.filter((it) => !it.isolated).map((it) => `${query.name} for ${it.tenant.name}`));
  }

  heading('Afterwards');
  const differences = await stage.differences();
  print(
    '',
    ...wrap(
      differences.length === 0
        ? 'In every table, the rows of each tenant are those of its own database: no tenant has touched another.'
        : `The rows of a tenant differ from those of its own database: ${differences.join(', ')}.`,
    ),
  );
  faults.push(...differences);

  heading('What does not compile');
  const misuses = await compiling;
  misuses.forEach((misuse, i) => showMisuse(i + 1, misuse));
  faults.push(...misuses.filter((it) => !it.isRefused).map((it) => it.file));

  heading('What is refused at run time, before anything is sent');
  const refusals = await tryRefusals(stage);
  refusals.forEach((refusal, i) => showRefusal(i + 1, refusal));
  faults.push(...refusals.filter((it) => !it.isRefused).map((it) => it.attempt.name));

  heading('Summary');
  const isGood = faults.length === 0;
  print(
    '',
    ...(isGood
      ? [
          `${refusals.length} attempts refused at run time, before anything was sent.`,
          paint(
            'green',
            `${allQueries.length} queries for ${tenants.length} tenants, ` +
              `${misuses.length} misuses refused by the compiler, all isolated.`,
          ),
        ]
      : [
          ...wrap(`Not as it should be: ${faults.join('; ')}.`),
          paint('red', `${faults.length} faults: NOT isolated.`),
        ]),
  );
  return isGood;
}

/** Serves the application until Ctrl-C. */
async function serve(server: Server, url: string): Promise<never> {
  const { openApplication } = await import('./app/open.js'); // Takes a moment to load, and `--once` has no use for it.
  const served = await openApplication(server, url, 3000, closing);
  heading('To look at, until Ctrl-C');
  print(
    '',
    `  The page  ${paint('cyan', served.url)}`,
    `  The API   ${served.url}/docs`,
    '',
    ...wrap(`As user 1 of Acme: curl -H 'Authorization: Bearer TOKEN' ${served.url}/api/projects, where TOKEN is`),
    `  ${served.tokenFor({ account: tenants[0]!.id, user: 1 })}`,
  );
  isServing = true;
  return new Promise(() => {});
}

for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.once(signal, () => {
    interrupted = true;
    process.on('unhandledRejection', () => {}); // What is under way fails now, and nobody waits for it.
    void close().finally(() => process.exit(isServing ? status : 128 + number));
  });
}

try {
  const address = process.env.DATABASE_URL;
  const server = address ? serverAt(address) : embeddedServer();
  closing.push(() => server.stop());
  const url = await server.start();
  status = (await run(server, url)) ? 0 : 1;
  if (!process.argv.includes('--once')) await serve(server, url);
} catch (error) {
  if (!interrupted) {
    const isExpected = error instanceof Unavailable;
    console.error(isExpected ? error.message : error);
  }
}
if (!interrupted) {
  await close();
  process.exit(status); // By itself, what stops the embedded server would exit with 0.
}
