/**
 * The migrations folder while drizzle-kit writes into it: held back, put in place as a whole, and compared afterwards.
 */
import fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

export type Files = Record<string, string>;

/** Holds back the folders that drizzle-kit makes in `out`, whatever their names, until they are complete. */
export function holdFolders(out: string, complete: (files: Files, folder: string) => void): void {
  const { mkdirSync, writeFileSync } = fs;
  const held = new Map<string, Files>();
  fs.mkdirSync = function (path: any, ...rest: any[]) {
    const folder = resolve(String(path));
    if (dirname(folder) !== out || fs.existsSync(folder)) return (mkdirSync as any)(path, ...rest);
    held.set(folder, {});
  } as typeof mkdirSync;
  fs.writeFileSync = function (path: any, data: any, ...rest: any[]) {
    const file = typeof path === 'string' ? resolve(path) : '';
    const files = held.get(dirname(file));
    if (!files) return (writeFileSync as any)(path, data, ...rest);
    files[basename(file)] = String(data);
    if (basename(file) !== 'migration.sql') return;
    held.delete(dirname(file));
    complete(files, dirname(file));
    place(dirname(file), files, mkdirSync, writeFileSync);
  } as typeof writeFileSync;
}

/** Writes a folder as a whole or not at all. */
function place(
  folder: string,
  files: Files,
  mkdirSync: typeof fs.mkdirSync,
  writeFileSync: typeof fs.writeFileSync,
): void {
  const [beside, name] = [dirname(dirname(folder)), basename(dirname(folder))];
  const parts = join(beside, `.${name}-${process.pid}.tmp`);
  for (const it of fs.readdirSync(beside)) {
    const pid = it.startsWith(`.${name}-`) && /-(\d+)\.tmp$/.exec(it)?.[1];
    if (pid && !isRunning(Number(pid))) fs.rmSync(join(beside, it), { recursive: true, force: true });
  }
  try {
    mkdirSync(parts);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(parts, name), text);
    fs.renameSync(parts, folder);
  } catch (error) {
    fs.rmSync(parts, { recursive: true, force: true });
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/** What is below a folder, and of files what tells that they were written to. */
export function contentOf(folder: string): Map<string, string> {
  const content = new Map<string, string>();
  if (!fs.existsSync(folder)) return content;
  for (const name of fs.readdirSync(folder, { recursive: true }).map(String)) {
    const it = fs.statSync(join(folder, name));
    content.set(name, it.isDirectory() ? 'folder' : `${it.mtimeMs} ${it.size} ${it.ino}`);
  }
  return content;
}

/**
 * What was written past {@link holdFolders}: neither by it, nor by that of another process.
 *
 * @returns what is new, by the name of its folder, and what was changed
 */
export function writtenPast(
  before: ReadonlyMap<string, string>,
  folder: string,
  placed: ReadonlySet<string>,
): { added: string[]; changed: string[] } {
  const now = contentOf(folder);
  const topOf = (name: string) => name.split(/[/\\]/)[0]!;
  const isWhole = (name: string) =>
    placed.has(resolve(folder, topOf(name))) ||
    (!before.has(topOf(name)) && now.has(join(topOf(name), 'tenancy.json')));
  const added = [...now.keys()]
    .filter((it) => !before.has(it) && !isWhole(it))
    .map((it) => (before.has(topOf(it)) ? it : topOf(it)));
  return {
    added: [...new Set(added)],
    changed: [...now.keys()].filter((it) => before.has(it) && before.get(it) !== now.get(it)),
  };
}
