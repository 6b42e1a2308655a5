/** A plot as SVG: lines over two logarithmic axes, readable on a phone, in light and in dark. */

export interface Series {
  /** Left out where another series of its colour has it. */
  readonly name?: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
  /** Which of the colours; two series of one colour belong together. */
  readonly color: number;
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

const light = ['#0969da', '#bc4c00', '#1a7f37', '#8250df', '#bf3989', '#57606a'];
const dark = ['#58a6ff', '#f0883e', '#3fb950', '#bc8cff', '#f778ba', '#8b949e'];
const width = 400;
const [left, right, top, height] = [52, 14, 26, 210];
const row = 18;

const colors = (all: readonly string[]) => all.map((it, i) => `.c${i}{stroke:${it}}.d${i}{fill:${it}}`).join('');
const style = `<style>text{font:12px system-ui,sans-serif;fill:#1f2328}
.bg{fill:#fff}.grid{stroke:#d0d7de}.line{fill:none;stroke-width:2}${colors(light)}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bg{fill:#161b22}.grid{stroke:#373e47}${colors(dark)}}</style>`;

const short = (n: number) =>
  n >= 1e6 ? `${n / 1e6}M` : n >= 1e3 && n % 100 === 0 ? `${n / 1e3}k` : n.toLocaleString('en');
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Where names stand below the plot: as many in a row as there is room for. */
function legend(names: readonly string[]): { x: number; y: number }[] {
  let [x, y] = [12, 0];
  return names.map((it) => {
    const room = 30 + it.length * 6.4 + 14;
    if (x > 12 && x + room > width) [x, y] = [12, y + row];
    const place = { x, y };
    x += room;
    return place;
  });
}

/** @returns a whole file */
export function svg({ title, x: xName, y: yName, series }: Plot): string {
  const points = series.flatMap((it) => it.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const [first, last] = [Math.log10(xs[0]!), Math.log10(xs.at(-1)!)];
  const low = Math.floor(Math.log10(Math.max(1, Math.min(...points.map(([, y]) => y)))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...points.map(([, y]) => y)))));
  const x = (it: number) =>
    (left + ((Math.log10(it) - first) / (last - first || 1)) * (width - left - right - 10)).toFixed(1);
  const y = (it: number) =>
    (top + height - ((Math.log10(Math.max(10 ** low, it)) - low) / (high - low)) * height).toFixed(1);
  const grid = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)).map(
    (it) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(it)}" y2="${y(it)}"/><text ` +
      `x="${left - 6}" y="${Number(y(it)) + 4}" text-anchor="end">${short(it)}</text>`,
  );
  const ticks = xs.map((it) => `<text x="${x(it)}" y="${top + height + 16}" text-anchor="middle">${short(it)}</text>`);
  const names = legend(series.flatMap((it) => it.name ?? []));
  const start = top + height + 54;
  const lines = series.map(({ name, points: own, isDashed, color }, i) => {
    const dash = isDashed ? ' stroke-dasharray="5 4"' : '';
    const at = names[i];
    const key =
      name && at
        ? `<line class="line c${color}"${dash} x1="${at.x}" x2="${at.x + 24}" y1="${start + at.y - 4}" ` +
          `y2="${start + at.y - 4}"/><text x="${at.x + 30}" y="${start + at.y}">${escape(name)}</text>`
        : '';
    const dots = own.map(([a, b]) => `<circle class="d${color}" cx="${x(a)}" cy="${y(b)}" r="2.5"/>`).join('');
    return (
      `<polyline class="line c${color}"${dash} ` +
      `points="${own.map(([a, b]) => `${x(a)},${y(b)}`).join(' ')}"/>${dots}${key}`
    );
  });
  const total = start + (names.at(-1)?.y ?? 0) + 14;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="480" height="${Math.round(total * 1.2)}" viewBox="0 0 ` +
    `${width} ${total}" role="img"><title>${escape(title)}</title>${style}<rect class="bg" width="${width}" ` +
    `height="${total}"/><text x="${left}" ` +
    `y="16">${escape(yName)}</text>${grid.join('')}${ticks.join('')}<text x="${width - right}" ` +
    `y="${top + height + 32}" text-anchor="end">${escape(xName)}</text>${lines.join('')}</svg>\n`
  );
}
