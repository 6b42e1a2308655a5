/** Coming from an existing schema: what is proposed, what is asked, and what is written. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseStateError, TenantConfigError } from '../errors.js';
import type { TenancyOptions } from '../options.js';
import type { Fault } from '../faults.js';
import { joinAnswers, printAnswers, type Answers } from './answers.js';
import { differences, type Change } from './differences.js';
import { importsElsewhere } from './elsewhere.js';
import { loadTables } from './load-schema.js';
import { modelOf, type AdoptedTable, type Model } from './model.js';
import { propose, type Guess, type Proposal } from './propose.js';
import { rewrite } from './rewrite.js';
import { shown } from './site.js';

/** Asks a person; undefined where there is nobody. */
export type Ask = (guess: Guess) => Promise<number | undefined>;

export interface AdoptInput {
  readonly files: readonly string[];
  readonly answers: Answers;
  readonly citus: boolean;
  /** What a live database adds to what the files say. */
  readonly live?: (model: Model) => Promise<Model>;
  /** Whether the files are those of a database that has tenants already. */
  readonly pulled?: boolean;
  readonly ask: Ask;
  /** Where the answers are kept; left out, they are not. */
  readonly answersFile?: string;
  readonly write: boolean;
}

export interface Adopted {
  readonly proposal: Proposal;
  readonly answers: Answers;
  readonly changes: readonly Change[];
  readonly faults: readonly Fault[];
  readonly byHand: readonly string[];
  readonly notes: readonly string[];
  /** The files that were written, or would be. */
  readonly files: readonly string[];
  /** What `uniquePerTenant` has to say in the config, so that `generate` does not ask again. */
  readonly uniquePerTenant: readonly string[];
}

/**
 * Proposes, asks, and writes: the new files are loaded, and compared with the old ones. Where they do not load, the old
 * ones are put back.
 *
 * @throws TenantConfigError with every guess, where nobody can be asked; SchemaLoadError
 */
export async function adopt(input: AdoptInput): Promise<Adopted> {
  const tenancy: TenancyOptions = { citus: input.citus ? {} : false };
  const loaded = await loadTables(input.files, tenancy);
  let model = modelOf(
    loaded.entities,
    (table, column) => loaded.tables.get(`${table.schema}.${table.name}`)?.made.has(column) ?? false,
  );
  if (model.size === 0)
    throw new TenantConfigError(
      `Pass --schema with the files that export the tables: ${input.files.map(shown).join(', ')} export none.`,
    );
  if (loaded.hasTenants)
    throw new TenantConfigError(
      'Declare new tables with tenantTable() by hand: the schema has tenant tables already. ' +
        `To start anew, restore ${input.files.map(shown).join(', ')}.`,
    );
  if (input.live) model = await input.live(model);
  let { answers } = input;
  if (input.pulled) answers = { ...answers, overAll: [...(answers.overAll ?? []), ...keysOfAll(model)] };
  let proposal = propose(model, answers, input.citus);
  for (; proposal.guesses.length > 0; proposal = propose(model, answers, input.citus)) {
    const guess = proposal.guesses[0]!;
    const chosen = await input.ask(guess);
    const choice = chosen === undefined ? undefined : guess.choices[chosen];
    if (!choice) throw new TenantConfigError(describeGuesses(proposal.guesses));
    answers = joinAnswers(answers, choice.answer);
  }
  const rewritten = rewrite(input.files, loaded.tables, proposal, { citus: input.citus, pulled: input.pulled });
  const result = await inPlace(rewritten.files, input.write, async () => {
    const created = [...rewritten.files.keys()].filter((it) => !input.files.includes(it));
    const after = await loadTables([...input.files, ...created], tenancy);
    return { after, changes: differences(loaded.entities, after.entities, proposal, input) };
  });
  if (input.write && input.answersFile)
    writeFileSync(input.answersFile, printAnswers(keptAnswers(proposal, answers, input.pulled)));
  return {
    proposal,
    answers,
    changes: result.changes,
    faults: result.after.faults,
    byHand: [
      ...rewritten.byHand,
      ...importsElsewhere(process.cwd(), new Set([...input.files, ...rewritten.files.keys()])),
    ],
    notes: rewritten.notes,
    files: [...rewritten.files.keys()],
    uniquePerTenant: result.changes
      .filter(
        (it) =>
          (it.kind === 'unique' || it.kind === 'primary key') &&
          /within each|means the same/.test(it.meaning) &&
          asks(model, it),
      )
      .map((it) => `${it.table}(${it.columns.join(', ')})`),
  };
}

/** Whether `generate` would ask: it knows the types of the columns, and not what the schema's functions make. */
function asks(model: Model, change: Change): boolean {
  const table = [...model.values()].find((it) => it.plain === change.table)!;
  return (
    change.kind !== 'primary key' ||
    !change.columns.some((it) => /^(?:uuid|(?:small|big)?serial)$/.test(table.columns.get(it)?.type ?? ''))
  );
}

const keysOfAll = (model: Model) =>
  [...model.values()].flatMap((table: AdoptedTable) =>
    table.uniques.map((it) => `${table.plain}(${it.columns.join(', ')})`),
  );

/** The proposal as answers, so that the next run decides the same without a question. */
function keptAnswers({ tenancy, root, column, tables, uniques }: Proposal, answers: Answers, pulled = false): Answers {
  const of = (kind: string) => [...tables.values()].filter((it) => it.kind === kind && !it.isRoot);
  return {
    tenancy,
    root: root.plain,
    column,
    tenant: Object.fromEntries(of('tenant').map((it) => [it.table.plain, it.column!])),
    reference: of('reference').map((it) => it.table.plain),
    plain: of('plain').map((it) => it.table.plain),
    everybody: [...tables.values()].filter((it) => it.everybody).map((it) => it.table.plain),
    perTenant: uniques.filter((it) => it.keep === 'per-tenant').map((it) => it.name),
    overAll: pulled ? [] : uniques.filter((it) => it.keep === 'over-all').map((it) => it.name),
    yes: answers.yes,
  };
}

/** @returns what to write, for each guess */
export function describeGuesses(guesses: readonly Guess[]): string {
  const lines = guesses.flatMap((it) => [
    `  ${it.question}`,
    ...it.choices.map((choice) => `      --${choice.flag}   ${choice.text}`),
  ]);
  return (
    'Answer by flags, or run the command at a terminal, or add --yes, which takes the first of each. ' +
    `Nothing was written. ${guesses.length} to decide:\n${lines.join('\n')}`
  );
}

/** Puts the files in place for the time of a look, and leaves them there only if they are to stay. */
async function inPlace<T>(files: ReadonlyMap<string, string>, stay: boolean, look: () => Promise<T>): Promise<T> {
  const old = new Map(
    [...files.keys()].map((file) => [file, existsSync(file) ? readFileSync(file, 'utf8') : undefined]),
  );
  const restore = () => {
    for (const [file, text] of old) {
      if (text === undefined) rmSync(file, { force: true });
      else writeFileSync(file, text);
    }
  };
  let done = false;
  const interrupted = () => {
    restore();
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  try {
    for (const [file, text] of files) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const result = await look();
    done = stay;
    return result;
  } catch (error) {
    throw new DatabaseStateError(`Nothing was written, and the schema is as it was: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    process.off('SIGINT', interrupted);
    if (!done) restore();
  }
}

export const defaultAnswersFile = (files: readonly string[]) => join(dirname(files[0]!), 'tenancy.answers.json');
