/** Each rule of the prover broken in turn: the cases tell. */
import { expect, test } from 'vitest';
import { broken } from '../../support/broken.js';
import { mutated, sources, wrong } from './mutated.js';
import { mutations } from './mutations.js';

test('as it is, it judges every case as it should', () => {
  expect(wrong(mutated('', ''))).toEqual([]);
});

test.each(mutations.map((it) => [`${it.file}: ${it.rule}`, it] as const))('%s', (_, { file, from, to }) => {
  expect(wrong(mutated(file, broken(sources.get(file)!, from, to)), true)).not.toEqual([]);
});

/** The statements that refuse, each with the place where it ends. */
function* refusals(text: string): Generator<readonly [start: number, end: number]> {
  for (const { index } of text.matchAll(/throw new /g)) {
    let [depth, quote] = [0, ''];
    for (let i = index; ; i++) {
      const it = text[i]!;
      if (quote) {
        if (it === '\\') i++;
        else if (it === quote) quote = '';
      } else if ('`\'"'.includes(it)) quote = it;
      else if ('([{'.includes(it)) depth++;
      else if (')]}'.includes(it)) depth--;
      else if (it === ';' && depth === 0) {
        yield [index, i + 1];
        break;
      }
    }
  }
}

const dropped = [...sources].flatMap(([file, text]) =>
  [...refusals(text)].map(
    ([start, end]) =>
      [`${file}: ${text.slice(start, end).replace(/\s+/g, ' ').slice(0, 140)}`, file, start, end] as const,
  ),
);

test.each(dropped)('without %s', (_, file, start, end) => {
  const text = sources.get(file)!;
  expect(wrong(mutated(file, `${text.slice(0, start)}void 0;${text.slice(end)}`), true)).not.toEqual([]);
});
