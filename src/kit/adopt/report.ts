/** What an adoption came to, for a person. */
import { describeFault } from '../errors.js';
import type { Adopted } from './adopt.js';
import { tsString } from '../quotes.js';
import { shown } from './site.js';

/** @returns the lines */
export function describeAdoption(
  { proposal, changes, faults, byHand, notes, files, uniquePerTenant }: Adopted,
  written: boolean,
): string[] {
  const lines: string[] = [];
  const section = (title: string, items: readonly string[]) =>
    items.length > 0 && lines.push('', title, ...items.map((it) => `  ${it}`));
  lines.push(
    `A tenant is ${/^[aeiou]/i.test(proposal.tenancy) ? 'an' : 'a'} ${proposal.tenancy}: ` +
      `a row of ${proposal.root.plain}, by its ${proposal.idColumn}.`,
  );
  const tables = [...proposal.tables.values()];
  const width = Math.max(...tables.map((it) => it.table.plain.length));
  for (const [kind, title] of [
    ['tenant', 'Tenant tables'],
    ['reference', 'Reference tables, which every tenant may read'],
    ['plain', 'Plain tables, which no tenant sees'],
  ] as const) {
    section(
      `${title}:`,
      tables
        .filter((it) => it.kind === kind)
        .map(
          (it) =>
            `${it.table.plain.padEnd(width)}  ` +
            `${it.column ? `by ${it.column}${it.everybody ? ', NULL is everybody’s' : ''}: ` : ''}${it.why}`,
        ),
    );
  }
  const sentence = (it: (typeof changes)[number]) =>
    `${it.table}: ${it.kind} (${it.columns.join(', ')}) ${it.meaning}.`;
  section(
    'What means something else from now on:',
    changes.filter((it) => it.isLoosened || it.kind === 'column').map(sentence),
  );
  section(
    'What holds as before, in another form:',
    changes.filter((it) => !it.isLoosened && it.kind !== 'column' && it.kind !== 'index').map(sentence),
  );
  section('Indexes:', changes.filter((it) => it.kind === 'index').map(sentence));
  section('To do by hand:', [...byHand, ...notes, ...faults.map(describeFault)]);
  if (uniquePerTenant.length > 0)
    section('For "tenancy" in drizzle.config.ts, so that generate does not ask again:', [
      `uniquePerTenant: [${uniquePerTenant.map(tsString).join(', ')}]`,
    ]);
  section(written ? 'Written:' : 'Would be written; add --write:', files.map(shown));
  return lines;
}
