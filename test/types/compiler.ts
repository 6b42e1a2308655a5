/** Runs a TypeScript compiler, as a command: TypeScript 7 has no API to call. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The compilers that an application may use, by the package that brings them. */
export const compilers = { 'TypeScript 7': 'typescript', 'TypeScript 5.9': 'typescript-5.9' } as const;
export type Compiler = keyof typeof compilers;

export interface CompilerError {
  readonly file: string;
  readonly line: number;
  /** The whole of it, with what the compiler explains below the first line. */
  readonly message: string;
}

export interface Compilation {
  readonly errors: readonly CompilerError[];
  /** What `--extendedDiagnostics` counts as instantiations, where it was asked for. */
  readonly instantiations: number;
}

const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * @param compiler which of them
 * @param project a tsconfig file of this directory
 * @param options further options of the command line
 * @throws Error with what the compiler printed, when it failed for another reason than errors in the programs
 */
export async function compile(compiler: Compiler, project: string, ...options: string[]): Promise<Compilation> {
  const tsc = fileURLToPath(new URL(`../../node_modules/${compilers[compiler]}/bin/tsc`, import.meta.url));
  const child = spawn(process.execPath, [tsc, '-p', here + project, '--pretty', 'false', ...options], { cwd: here });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const errors: CompilerError[] = [];
  for (const line of output.split(/\r?\n/)) {
    const [, file, at, message] = /^(\S[^(]*)\((\d+),\d+\): error (TS\d+: .*)$/.exec(line) ?? [];
    const last = errors.at(-1);
    if (file) errors.push({ file: file.replaceAll('\\', '/'), line: Number(at), message: message! });
    else if (last && line.startsWith(' ')) errors.splice(-1, 1, { ...last, message: `${last.message}\n${line}` });
  }
  if (code !== 0 && errors.length === 0) throw new Error(`${compiler} failed:\n${output}`);
  return { errors, instantiations: Number(/^Instantiations:\s+(\d+)/m.exec(output)?.[1]) };
}
