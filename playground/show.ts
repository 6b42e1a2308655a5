/** How the playground's findings look in a terminal. */
import { layOut, markAdded } from './added.js';
import type { Query } from './catalogue.js';
import type { Sight } from './compare.js';
import { tellingWords, type Misuse } from './misuses.js';
import type { Refusal } from './refusals.js';
import { codeLines, columns, hasColours, heading, outline, paint, print, wrap } from './terminal.js';

const verdict = (isGood: boolean, good: string, bad: string) =>
  print('', isGood ? paint('green', `  ✓ ${good}`) : paint('red', `  ✗ ${bad}`));

export function showQuery(title: string, query: Query, sights: readonly Sight[]): void {
  heading(`${title}. ${query.title}`);
  print('', ...codeLines(query.code));
  const { sent, written } = sights[0]!;
  const none = { sql: '', params: [] };
  print('', paint('dim', 'As written:'));
  for (const statement of written) print(...layOut(markAdded(statement, statement), '  '));
  print('', paint('dim', `As sent, with ${hasColours ? 'green' : '~~~'} what was added:`));
  sent.forEach((statement, i) => print(...layOut(markAdded(statement, written[i] ?? none), '  ')));
  print('', ...columns(sights.map((it) => [it.tenant.name, ...outline(it.result)])));
  verdict(
    sights.every((it) => it.isolated),
    'Each result is that of plain Drizzle on a database with this tenant only.',
    'On a database with one tenant only, plain Drizzle gives something else.',
  );
}

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
