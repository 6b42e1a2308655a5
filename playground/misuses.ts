/**
 * The compiler's own words on programs that would mix tenants: each file in misuses/ is one, its last paragraph
 * is the mistake, and that paragraph alone has to be refused.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Misuse {
  readonly title: string;
  readonly file: string;
  /** The mistake, line by line. */
  readonly code: readonly string[];
  /** What the compiler said, the first message first. */
  readonly errors: readonly CompilerError[];
  /** Whether the compiler refused the mistake, and nothing but the mistake. */
  readonly isRefused: boolean;
}

export interface CompilerError {
  readonly code: string;
  /** The line within the mistake and the column, counted from 0. */
  readonly line: number;
  readonly column: number;
  /** The whole message, a line for each step of its reasoning. */
  readonly message: readonly string[];
}

const directory = fileURLToPath(new URL('misuses', import.meta.url));

/** Runs the compiler on all of them, until the signal says to stop. */
export async function compileMisuses(signal: AbortSignal): Promise<Misuse[]> {
  const output = await compile(signal);
  const files = readdirSync(directory).filter((it) => it.endsWith('.ts'));
  return files.sort().map((file) => {
    const lines = readFileSync(join(directory, file), 'utf8').trimEnd().split('\n');
    const start = lines.lastIndexOf('') + 1;
    const errors = output.filter((it) => it.file === file).map(({ error }) => ({ ...error, line: error.line - start }));
    return {
      title: lines[0]!.replace(/^\/\/ /, ''),
      file,
      code: lines.slice(start),
      errors,
      isRefused: errors.length > 0 && errors.every((it) => it.line >= 0),
    };
  });
}

function compile(signal: AbortSignal): Promise<{ file: string; error: CompilerError }[]> {
  const home = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const args = [join(home, 'bin', 'tsc'), '-p', directory, '--pretty', 'false'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: directory, maxBuffer: 2 ** 26, signal }, (failure, stdout, stderr) => {
      const found = [...stdout.matchAll(/^(\S+?)\((\d+),(\d+)\): error (TS\d+): (.*(?:\n .*)*)/gm)];
      if (failure && found.length === 0)
        return reject(new Error(`The compiler did not run: ${stderr || stdout || failure.message}`));
      resolve(
        found.map(([, file, line, column, code, message]) => ({
          file: file!,
          error: {
            code: code!,
            line: Number(line) - 1,
            column: Number(column) - 1,
            message: message!.split('\n').map((it) => it.trim()),
          },
        })),
      );
    });
  });
}
