/** A file of JSON lines that says how far something has come. A line is on the disk when `append` is done. */
import { open, type FileHandle } from 'node:fs/promises';

export class Journal<Line> {
  readonly #file: FileHandle;

  private constructor(
    file: FileHandle,
    /** What stood in it when it was opened. */
    readonly lines: readonly Line[],
  ) {
    this.#file = file;
  }

  /** Opens a journal, or begins one. A last line that was cut off is taken away: what it was to say did not happen. */
  static async open<Line>(path: string): Promise<Journal<Line>> {
    const file = await open(path, 'a+', 0o600);
    try {
      const text = await file.readFile('utf8');
      const end = text.lastIndexOf('\n') + 1;
      if (end < text.length) await file.truncate(Buffer.byteLength(text.slice(0, end)));
      return new Journal<Line>(
        file,
        text
          .slice(0, end)
          .split('\n')
          .slice(0, -1)
          .map((it) => JSON.parse(it) as Line),
      );
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async append(line: Line): Promise<void> {
    await this.#file.appendFile(`${JSON.stringify(line)}\n`);
    await this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
