/** Numbers, sizes and tables as the commands print them. */

export const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

export const bytesOf = (bytes: number) =>
  bytes < 1024 ** 2
    ? `${Math.ceil(bytes / 1024)} kB`
    : bytes < 1024 ** 3
      ? `${(bytes / 1024 ** 2).toFixed(1)} MB`
      : `${(bytes / 1024 ** 3).toFixed(1)} GB`;

/** Rows of cells, each as wide as its column. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]!.length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * Whoever reads may have enough and leave, as `head` does. That is no error, and a command that changes a database goes
 * on to its end.
 */
export const mayBeLeft = (stream: NodeJS.WritableStream): void =>
  void stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
  });
