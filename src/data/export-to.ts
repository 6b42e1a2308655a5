/**
 * An export to a file or a folder, which goes on where an earlier run was cut off. The snapshot of that run is gone:
 * a part of it is kept where the new snapshot has the same rows, by their number and the sum of their hashes, and read
 * anew elsewhere. So all of it is one snapshot, the new one.
 */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { DamagedExportError, UnsupportedTenantOperationError } from '../errors.js';
import type { Subject } from './catalog.js';
import type { Source } from './connection.js';
import { csvLine } from './csv.js';
import { readTenant, type ReadOptions } from './export.js';
import { endLine, fileName, headLine, level, rowsOfFile, tableLine, type FolderFormat } from './files.js';
import { Digest, type ExportedTable, type ExportHead, type Manifest, type Part, type TableDigest } from './format.js';
import { Partial } from './partial.js';

/** `csv` and `ndjson`: a folder with a file for each table. `file`: one file, as `export()` gives it. */
export type ExportFormat = FolderFormat | 'file';

export interface WriteOptions extends ReadOptions {
  readonly format: ExportFormat;
  readonly gzip: boolean;
  /** Rows for each part: what an interruption loses is less than one. A million without it. */
  readonly partRows?: number | undefined;
}

/**
 * @param path has its name when it is whole
 * @throws UnsupportedTenantOperationError where it is there already, or another process writes it
 */
export async function exportTo(
  source: Source,
  subject: Subject,
  path: string,
  options: WriteOptions,
): Promise<Manifest> {
  // Without a slash at its end, which would put what is on its way inside.
  const to = resolve(path);
  if (existsSync(to))
    throw new UnsupportedTenantOperationError(`Name a file or a folder that is not there yet: ${to} is.`);
  const { format, gzip, partRows = 1_000_000, masks } = options;
  const partial = await Partial.open(to, { format, gzip, mayKeep: Object.keys(masks ?? {}).length === 0 });
  let isDone = false;
  try {
    const manifest = await new Writing(partial, options).run(
      readTenant(source, subject, options, {
        rows: Math.max(1, Math.trunc(partRows)),
        seed: partial.seed,
        kept: (head) => partial.begin(head),
      }),
    );
    await rename(join(partial.folder, 'whole'), to);
    isDone = true;
    return manifest;
  } finally {
    await partial.close(isDone);
  }
}

class Writing {
  #head!: ExportHead;
  #digest: Digest | undefined;
  readonly #digests: TableDigest[] = [];
  #open:
    | {
        readonly table: ExportedTable;
        readonly n: number;
        readonly part: Part;
        readonly name: string;
        readonly file: ReturnType<typeof openFile>;
        readonly digest: Digest;
      }
    | undefined;
  readonly #rowFormat: FolderFormat;

  constructor(
    readonly partial: Partial,
    readonly options: WriteOptions,
  ) {
    this.#rowFormat = options.format === 'csv' ? 'csv' : 'ndjson';
  }

  async run(pieces: ReturnType<typeof readTenant>): Promise<Manifest> {
    try {
      for await (const piece of pieces) {
        if (piece.kind === 'head') this.#head = piece.head;
        else if (piece.kind === 'table') {
          await this.#endTable();
          this.#digest = new Digest(piece.table.name);
        } else if (piece.kind === 'part') {
          await this.#endPart();
          await this.#beginPart(piece.table, piece.n, piece.part);
        } else if (piece.kind === 'kept') {
          await this.#endPart();
          await this.#readPart(piece.table, piece.n);
        } else if (piece.kind === 'rows') {
          await this.#open!.file.write(
            this.#rowFormat === 'csv' ? piece.rows.map((it) => `${csvLine(it)}\n`).join('') : piece.ndjson,
          );
          this.#open!.digest.add(piece.ndjson, piece.rows.length);
          this.#digest!.add(piece.ndjson, piece.rows.length);
        } else await this.#endTable();
      }
    } finally {
      await this.#open?.file.end().catch(() => {});
    }
    return this.#assemble();
  }

  async #beginPart(table: ExportedTable, n: number, part: Part): Promise<void> {
    const name = this.partial.next();
    this.#open = {
      table,
      n,
      part,
      name,
      file: openFile(join(this.partial.folder, name), this.options.gzip),
      digest: new Digest(table.name),
    };
    if (n === 0 && this.#rowFormat === 'csv')
      await this.#open.file.write(`${csvLine(table.columns.map((it) => it.name))}\n`);
  }

  async #endPart(): Promise<void> {
    if (!this.#open) return;
    const { table, n, part, name, file, digest } = this.#open;
    this.#open = undefined;
    await file.end();
    const { rows, sha256 } = digest.end();
    const bytes = (await stat(join(this.partial.folder, name))).size;
    await this.partial.add({ table: table.name, n, ...part, rows, sha256, file: name, bytes });
  }

  /** The digest of a table is over all of its rows: those of a part that was kept are read from its file. */
  async #readPart(table: ExportedTable, n: number): Promise<void> {
    const part = this.partial.partsOf(table.name)[n]!;
    const digest = new Digest(table.name);
    for await (const { rows, ndjson } of rowsOfFile(
      join(this.partial.folder, part.file),
      this.#rowFormat,
      table,
      n === 0,
    )) {
      this.options.signal?.throwIfAborted();
      digest.add(ndjson, rows.length);
      this.#digest!.add(ndjson, rows.length);
    }
    if (digest.end().sha256 !== part.sha256)
      throw new DamagedExportError(
        `Remove ${this.partial.folder} and export it anew: what an earlier run wrote was changed.`,
      );
  }

  async #endTable(): Promise<void> {
    await this.#endPart();
    if (this.#digest) this.#digests.push(this.#digest.end());
    this.#digest = undefined;
  }

  /** Puts the parts together. They stay until all of it is there. */
  async #assemble(): Promise<Manifest> {
    const { format, gzip } = this.options;
    const whole = join(this.partial.folder, 'whole');
    await rm(whole, { recursive: true, force: true });
    const manifest: Manifest = { ...this.#head, digests: this.#digests };
    const packed = (text: string) => (gzip ? gzipSync(text, { level }) : Buffer.from(text));
    const append = async (path: string, table: ExportedTable) => {
      for (const { file } of this.partial.partsOf(table.name)) {
        this.options.signal?.throwIfAborted();
        await pipeline(createReadStream(join(this.partial.folder, file)), createWriteStream(path, { flags: 'a' }));
      }
    };
    if (format === 'file') {
      await writeFile(whole, packed(headLine(this.#head)));
      for (const table of manifest.tables) {
        await writeFile(whole, packed(tableLine(table)), { flag: 'a' });
        await append(whole, table);
      }
      await writeFile(whole, packed(endLine(manifest.digests)), { flag: 'a' });
    } else {
      await mkdir(whole);
      for (const table of manifest.tables) await append(join(whole, fileName(table, format, gzip)), table);
      await writeFile(join(whole, 'manifest.json'), `${JSON.stringify({ ...manifest, format, gzip }, null, 2)}\n`);
    }
    return manifest;
  }
}

function openFile(path: string, gzip: boolean) {
  let wake: (() => void) | undefined;
  const source = new Readable({ read: () => wake?.() });
  const file = createWriteStream(path, { mode: 0o600 });
  const done = gzip ? pipeline(source, createGzip({ level }), file) : pipeline(source, file);
  done.catch(() => wake?.());
  return {
    async write(text: string) {
      if (text === '') return;
      const isFull = !source.push(Buffer.from(text));
      if (isFull) await Promise.race([new Promise<void>((resolve) => (wake = resolve)), done]);
    },
    end() {
      source.push(null);
      return done;
    },
  };
}
