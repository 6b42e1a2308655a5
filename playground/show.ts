/** How the playground's findings look in a terminal. */
import { markAdded } from './added.js';
import type { Query } from './catalogue.js';
import type { Sight } from './compare.js';
import { layOut } from './layout.js';
import type { Misuse } from './misuses.js';
import type { Refusal } from './refusals.js';
import { tenants } from './seed.js';
import { codeLines, columns, hasColours, heading, outline, paint, print, wrap } from './terminal.js';
import { tellingWords } from './words.js';

const verdict = (isGood: boolean, good: string, bad: string) =>
  print('', isGood ? paint('green', `  ✓ ${good}`) : paint('red', `  ✗ ${bad}`));

export function showQuery(title: string, query: Query, sights: readonly Sight[]): void {
  heading(`${title}. ${query.title}`);
  print('', ...codeLines(query.code));
  const { tenant, sent, written } = sights[0]!;
  const none = { sql: '', params: [] };
  written.forEach((statement, i) => {
    print(...(i === 0 ? ['', paint('dim', 'As written:')] : ['']));
    print(...layOut(markAdded(statement, statement), '  '));
  });
  sent.forEach((statement, i) => {
    print(
      ...(i === 0
        ? ['', paint('dim', `As sent for ${tenant.name}, with ${hasColours ? 'green' : '~~~'} what was added:`)]
        : ['']),
    );
    print(...layOut(markAdded(statement, written[i] ?? none), '  '));
    if (statement.params.length > 0) print(...wrap(legend(statement.params), '  ').map((it) => paint('dim', it)));
  });
  print('', ...columns(sights.map((it) => ({ title: it.tenant.name, lines: outline(it.error ?? it.result) }))));
  verdict(
    sights.every((it) => it.isolated),
    'Each result is that of plain Drizzle on a database with this tenant only.',
    'On a database with one tenant only, plain Drizzle gives something else.',
  );
}

/** `$1, $3 = Acme's id; $2 = 8000` */
function legend(params: readonly unknown[]): string {
  const numbers = new Map<string, string[]>();
  params.forEach((it, i) => numbers.set(nameOf(it), [...(numbers.get(nameOf(it)) ?? []), `$${i + 1}`]));
  return [...numbers].map(([value, list]) => `${list.join(', ')} = ${value}`).join('; ');
}

/** A parameter's value; a tenant's id by the tenant's name. */
const nameOf = (value: unknown): string => {
  const tenant = tenants.find((it) => (it.id as unknown) === value);
  return tenant ? `${tenant.name}'s id` : JSON.stringify(value);
};

export function showMisuse(number: number, misuse: Misuse): void {
  print('', paint('bold', `${number}. ${misuse.title}`));
  const error = misuse.errors[0];
  misuse.code.forEach((line, i) => {
    print(...codeLines(line));
    if (i === error?.line) print(paint('red', `  ${' '.repeat(error.column)}^`));
  });
  if (error) print(...wrap(`${error.code}: ${tellingWords(error)}`, '  '));
  if (!misuse.isRefused) verdict(false, '', error ? 'The compiler refused something else as well.' : 'It compiles.');
}

export function showRefusal(number: number, { attempt, error, isRefused }: Refusal): void {
  print('', paint('bold', `${number}. ${attempt.title}`), ...codeLines(attempt.code.replace(/^return /, '')));
  if (error) print(...wrap(`${error.tag}: ${error.message}`, '  '));
  if (!isRefused) verdict(false, '', error ? 'A statement was sent all the same.' : 'It was not refused.');
}
