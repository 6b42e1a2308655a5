/**
 * How what a question costs grows with the number of tenants: buffers of its run and of its planning.
 *
 *   npx tsx test/bench/scale.ts                   1, 10, 100 and 1,000 tenants
 *   npx tsx test/bench/scale.ts 1 100 10000       other numbers, of which the last is how far it goes
 *
 * Writes docs/scale.svg, and the table in docs/scale.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { startPostgres } from '../support/server.js';
import { buffers, questions } from './tenants.js';

const counts = process.argv
  .slice(2)
  .map(Number)
  .filter((it) => it > 0);
const tenants = counts.length > 0 ? counts : [1, 10, 100, 1_000];
const projectsEach = 200;
const docs = join(import.meta.dirname, '../../docs');
const [begin, end] = ['<!-- scale: written by npx tsx test/bench/scale.ts -->', '<!-- /scale -->'];

interface Series {
  readonly name: string;
  readonly values: readonly number[];
  readonly isAsWritten: boolean;
}

/** Both axes are logarithmic: what grows as the tenants do is a diagonal, and what does not is flat. */
function plot(series: readonly Series[]): string {
  const [width, height, left, bottom] = [760, 420, 60, 40];
  const max = Math.max(...series.flatMap((it) => it.values));
  const x = (n: number) => left + (Math.log10(n) / Math.max(1, Math.log10(tenants.at(-1)!))) * (width - left - 230);
  const y = (value: number) =>
    height - bottom - (Math.log10(Math.max(1, value)) / Math.log10(max)) * (height - bottom - 20);
  const colors = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e'];
  const lines = series.map(({ name, values, isAsWritten }, i) => {
    const color = colors[i % questions.length];
    const points = values.map((it, n) => `${x(tenants[n]!).toFixed(0)},${y(it).toFixed(0)}`);
    const dash = isAsWritten ? ' stroke-dasharray="6 4"' : '';
    const legend = 20 + i * 22;
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="2"${dash}/><line x1="${width - 215}" x2="${width - 190}" y1="${legend}" y2="${legend}" stroke="${color}" stroke-width="2"${dash}/><text x="${width - 184}" y="${legend + 4}">${name}</text>`;
  });
  const ticks = tenants.map(
    (it) => `<text x="${x(it).toFixed(0)}" y="${height - 18}" text-anchor="middle">${it.toLocaleString('en')}</text>`,
  );
  const steps = Array.from({ length: Math.floor(Math.log10(max)) + 1 }, (_, i) => 10 ** i);
  const marks = steps.map(
    (it) =>
      `<text x="${left - 8}" y="${(y(it) + 4).toFixed(0)}" text-anchor="end">${it.toLocaleString('en')}</text><line x1="${left}" x2="${width - 225}" y1="${y(it).toFixed(0)}" y2="${y(it).toFixed(0)}" stroke="#ddd"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>${marks.join('')}${ticks.join('')}<text x="${left}" y="${height - 3}">tenants; buffers of one question upwards; dashed: indexes as written</text>${lines.join('')}</svg>\n`;
}

const server = await startPostgres();
const admin = postgres(server.url, { max: 1, onnotice: () => {} });
const name = `bench_scale_${process.pid}`;
await admin.unsafe(`create database ${name}`);
const url = Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
try {
  const series: Series[] = [];
  for (const isAsWritten of [false, true]) {
    const measured: number[][] = [];
    for (const it of tenants) measured.push(await buffers(url, it, isAsWritten, projectsEach));
    questions.forEach(([question], i) =>
      series.push({ name: question, values: measured.map((it) => it[i]!), isAsWritten }),
    );
  }
  const rows = series.map(({ name: question, values, isAsWritten }) => {
    const last = values.at(-1)! / values[0]!;
    return `| ${question}${isAsWritten ? ', indexes as written' : ''} | ${values.map((it) => it.toLocaleString('en')).join(' | ')} | ${last.toFixed(1)} |`;
  });
  const table = [
    `| question | ${tenants.map((it) => `${it.toLocaleString('en')} tenant${it === 1 ? '' : 's'}`).join(' | ')} | times |`,
    `|---${'|---'.repeat(tenants.length + 1)}|`,
    ...rows,
  ];
  writeFileSync(join(docs, 'scale.svg'), plot(series));
  const page = readFileSync(join(docs, 'scale.md'), 'utf8');
  writeFileSync(
    join(docs, 'scale.md'),
    `${page.slice(0, page.indexOf(begin) + begin.length)}\n${table.join('\n')}\n${page.slice(page.indexOf(end))}`,
  );
  console.log(table.join('\n'));
} finally {
  await admin.unsafe(`drop database ${name} with (force)`);
  await admin.end();
  await server.stop();
}
