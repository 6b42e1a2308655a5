/**
 * What an export that goes to files has written so far: a folder beside its destination, which a later run takes up
 * again.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { UnsupportedTenantOperationError } from '../errors.js';
import type { ExportHead, Part } from './format.js';
import { Journal } from './journal.js';

/** What has to be the same, so that parts of an earlier run are parts of this one. */
interface Beginning {
  readonly drizzleTenant: 1;
  readonly seed: string;
  readonly tenancy?: string;
  readonly tenant?: string;
  readonly schemaVersion?: string;
  readonly format: string;
  readonly gzip: boolean;
  /** Its parts hold other values than the database, which tells nothing of that. */
  readonly isMasked?: boolean | undefined;
}

export interface WrittenPart extends Part {
  readonly table: string;
  readonly n: number;
  readonly rows: number;
  /** Of the rows as NDJSON. */
  readonly sha256: string;
  readonly file: string;
  readonly bytes: number;
}

/** Folders that this process writes to, by the one name that each has. */
const busy = new Set<string>();

export class Partial {
  readonly folder: string;
  readonly #place: string;
  #journal: Journal<Beginning | WrittenPart>;
  #begun: Beginning | undefined;
  readonly #parts = new Map<string, WrittenPart[]>();
  #files = 0;

  private constructor(folder: string, place: string, journal: Journal<Beginning | WrittenPart>) {
    this.folder = folder;
    this.#place = place;
    this.#journal = journal;
    const [begun, ...parts] = journal.lines as readonly [Beginning, ...WrittenPart[]];
    this.#begun = begun;
    for (const it of parts) this.#take(it);
    // Names of files are not used twice, whatever became of those of an earlier run.
    this.#files = 1 + Math.max(-1, ...parts.map((it) => Number.parseInt(it.file, 10)));
  }

  /**
   * @param mayKeep whether the parts of an earlier run may be taken, and a later one may take these; of an export with
   * masks they may not
   * @throws UnsupportedTenantOperationError where another process writes the same
   */
  static async open(
    to: string,
    { format, gzip, mayKeep }: { readonly format: string; readonly gzip: boolean; readonly mayKeep: boolean },
  ): Promise<Partial> {
    const folder = `${to}.partial`;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const place = await realpath(folder);
    if (busy.has(place)) throw inUse(folder);
    busy.add(place);
    try {
      await lock(folder);
      let journal: Journal<Beginning | WrittenPart> | undefined;
      try {
        if (mayKeep)
          journal = await Journal.open<Beginning | WrittenPart>(join(folder, 'journal')).catch(() => undefined);
        const [begun] = (journal?.lines ?? []) as readonly Beginning[];
        const isSame =
          !begun || (begun.drizzleTenant === 1 && begun.format === format && begun.gzip === gzip && !begun.isMasked);
        if (!journal || !isSame) journal = await anew(folder, journal);
        const made = new Partial(folder, place, journal);
        const seed = randomBytes(8).readBigInt64BE().toString();
        made.#begun ??= { drizzleTenant: 1, seed, format, gzip, isMasked: !mayKeep };
        await made.#clean();
        return made;
      } catch (error) {
        await journal?.close();
        await unlink(join(folder, 'lock'));
        throw error;
      }
    } catch (error) {
      busy.delete(place);
      throw error;
    }
  }

  get seed(): string {
    return this.#begun!.seed;
  }

  #take(part: WrittenPart): void {
    const all = this.#parts.get(part.table) ?? [];
    all[part.n] = part;
    this.#parts.set(part.table, all);
  }

  /** Removes what no line of the journal speaks of, and forgets what has not the size that its line says. */
  async #clean(): Promise<void> {
    const known = new Set(['journal', 'lock']);
    for (const [table, parts] of this.#parts) {
      for (const [n, it] of parts.entries()) {
        const size = await stat(join(this.folder, it.file)).then(
          (found) => found.size,
          () => undefined,
        );
        if (size === it.bytes) known.add(it.file);
        else {
          parts.length = n;
          break;
        }
      }
      this.#parts.set(table, parts);
    }
    for (const name of await readdir(this.folder))
      if (!known.has(name)) await rm(join(this.folder, name), { recursive: true, force: true });
  }

  /** @returns the parts of an earlier run of the same export; none where the tenant or the schema was another */
  async begin({ tenancy, tenant, schemaVersion }: ExportHead): Promise<(table: string) => readonly WrittenPart[]> {
    const { seed, format, gzip, isMasked, ...before } = this.#begun!;
    const isSame = before.tenancy === tenancy && before.tenant === tenant && before.schemaVersion === schemaVersion;
    if (!isSame) {
      this.#parts.clear();
      this.#journal = await anew(this.folder, this.#journal);
      this.#begun = { drizzleTenant: 1, seed, tenancy, tenant, schemaVersion, format, gzip, isMasked };
      await this.#journal.append(this.#begun);
      await this.#clean();
    }
    const kept = new Map([...this.#parts].map(([table, parts]) => [table, [...parts]]));
    return (table) => kept.get(table) ?? [];
  }

  partsOf(table: string): readonly WrittenPart[] {
    return this.#parts.get(table) ?? [];
  }

  /** A path for the next part. */
  next(): string {
    return `${this.#files++}.part`;
  }

  async add(part: WrittenPart): Promise<void> {
    const file = await open(join(this.folder, part.file), 'r+');
    await file.sync().finally(() => file.close());
    await this.#journal.append(part);
    this.#take(part);
  }

  /** @param isDone whether nothing of it is needed any more */
  async close(isDone: boolean): Promise<void> {
    try {
      await this.#journal.close();
      if (isDone) await rm(this.folder, { recursive: true, force: true });
      else await unlink(join(this.folder, 'lock')).catch(() => {});
    } finally {
      // Last: whoever comes now has a folder of its own.
      busy.delete(this.#place);
    }
  }
}

const inUse = (folder: string) =>
  new UnsupportedTenantOperationError(
    `Wait until the other export is done, or name another place: one writes to ${folder} now.`,
  );

/** A lock of a process that was killed is taken over. */
async function lock(folder: string): Promise<void> {
  const path = join(folder, 'lock');
  if (existsSync(path)) {
    const pid = Number(await readFile(path, 'utf8').catch(() => ''));
    if (pid > 0 && pid !== process.pid && isAlive(pid)) throw inUse(folder);
    await rm(path, { force: true });
  }
  const file = await open(path, 'wx', 0o600).catch((error) => {
    throw error.code === 'EEXIST' ? inUse(folder) : error;
  });
  await file.writeFile(String(process.pid)).finally(() => file.close());
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

async function anew(folder: string, journal: Journal<any> | undefined): Promise<Journal<any>> {
  await journal?.close();
  await rm(join(folder, 'journal'), { force: true });
  return Journal.open(join(folder, 'journal'));
}
