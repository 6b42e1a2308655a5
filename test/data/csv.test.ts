/** Records from text in pieces: wherever it is cut, and however long a cell is. */
import { describe, expect, test } from 'vitest';
import { CsvReader, csvLine } from '../../src/data/csv.js';

const readAll = (pieces: Iterable<string>) => {
  const reader = new CsvReader();
  return [...[...pieces].flatMap((it) => reader.read(it)), ...reader.read('', true)];
};

const rows = [
  ['a', null, ''],
  ['"', 'b,c', '""'],
  ['d\r\ne\n', '\\.', ' "f" '],
  ['1\r', null, null],
];
const text = rows.map(csvLine).join('\n');

test.each(['\n', '\r\n'])('records that end with %j are read alike, wherever the text is cut', (end) => {
  const whole = rows.map((it) => csvLine(it) + end).join('');
  for (let cut = 0; cut <= whole.length; cut++)
    expect(readAll([whole.slice(0, cut), whole.slice(cut)]), `cut at ${cut}`).toEqual(rows);
  expect(readAll(whole)).toEqual(rows);
});

test('the last record may have no end, and an empty cell behind a comma', () => {
  expect(readAll([text])).toEqual(rows);
  expect(readAll(['a,'])).toEqual([['a', null]]);
  expect(readAll(['"a"\r'])).toEqual([['a']]);
  expect(readAll([''])).toEqual([]);
});

test.each([
  ['a,"b', 'in the middle of a cell'],
  ['"a"b', 'behind its closing quote'],
  ['"a"\rb', 'behind its closing'],
])('%j is damaged', (damaged, words) => {
  expect(() => readAll([damaged])).toThrow(words);
  expect(() => readAll(damaged)).toThrow(words);
});

describe.each([
  ['a bare', ''],
  ['a quoted', '"'],
])('%s cell of 16 MB in pieces', (_, quote) => {
  test('is put together once, and not anew with each piece', () => {
    const piece = 'abcdefgh'.repeat(1 << 13);
    const begin = process.cpuUsage();
    const [row] = readAll([quote, ...Array.from({ length: 256 }, () => piece), `${quote},b\n`]);
    const { user, system } = process.cpuUsage(begin);
    expect(row!.map((it) => it!.length)).toEqual([1 << 24, 1]);
    expect((user + system) / 1e6).toBeLessThan(1);
  });
});
