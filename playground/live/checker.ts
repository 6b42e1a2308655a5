/**
 * TypeScript's language service over files in memory: in the worker of the page, and in Node.js where the page is
 * built.
 */
import type ts from 'typescript-5.9';
import { remedyOf, tellingWords } from '../words.js';

export interface Fault {
  readonly from: number;
  readonly to: number;
  readonly code: string;
  /** The step of the message that says what to do. */
  readonly words: string;
  /** What to do, where the message is the library's. */
  readonly remedy: string | undefined;
  readonly message: string;
}

export interface Checked {
  readonly faults: readonly Fault[];
  /** The program as CommonJS; undefined where it cannot be parsed. */
  readonly program: string | undefined;
}

export interface Checker {
  check(code: string): Checked;
  complete(code: string, at: number): { from: number; options: { label: string; type: string }[] } | undefined;
  hover(code: string, at: number): { from: number; to: number; text: string } | undefined;
  /** Every file that it has read. */
  files(): string[];
}

export const compilerOptions = {
  target: 9, // ES2022
  module: 99, // ESNext
  moduleResolution: 100, // bundler
  lib: ['lib.es2022.d.ts'],
  types: [],
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
};

export const main = '/app/main.ts';

/** @param read the text of a file; undefined where there is none */
export function createChecker(typescript: typeof ts, read: (path: string) => string | undefined): Checker {
  const texts = new Map<string, string | undefined>();
  const textOf = (path: string) => (texts.has(path) ? texts.get(path) : (texts.set(path, read(path)), texts.get(path)));
  let code = '';
  let version = 0;
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => compilerOptions,
    getScriptFileNames: () => [main],
    getScriptVersion: (path) => (path === main ? String(version) : '0'),
    getScriptSnapshot(path) {
      const text = path === main ? code : textOf(path);
      return text === undefined ? undefined : typescript.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => '/app',
    getDefaultLibFileName: () => '/lib/lib.es2022.d.ts',
    fileExists: (path) => path === main || textOf(path) !== undefined,
    readFile: (path) => (path === main ? code : textOf(path)),
    directoryExists: () => true,
    getDirectories: () => [],
    useCaseSensitiveFileNames: () => true,
  };
  const service = typescript.createLanguageService(host);
  const show = (text: string) => {
    if (text === code) return;
    code = text;
    version++;
  };

  return {
    check(text) {
      show(text);
      const syntax = service.getSyntacticDiagnostics(main);
      const found = syntax.length > 0 ? syntax : service.getSemanticDiagnostics(main);
      const faults = found.map(({ start = 0, length = 1, code, messageText }) => {
        const message = typescript
          .flattenDiagnosticMessageText(messageText, '\n')
          .split('\n')
          .map((it) => it.trim());
        return {
          from: start,
          to: start + length,
          code: `TS${code}`,
          words: tellingWords({ message }),
          remedy: remedyOf({ message }),
          message: message.join('\n'),
        };
      });
      const program =
        syntax.length > 0
          ? undefined
          : typescript.transpileModule(text, { compilerOptions: { target: 9, module: 1 } }).outputText;
      return { faults, program };
    },
    complete(text, at) {
      show(text);
      const found = service.getCompletionsAtPosition(main, at, {});
      if (!found) return undefined;
      const word = /[\w$]*$/.exec(text.slice(0, at))![0];
      return {
        from: at - word.length,
        options: found.entries
          .filter((it) => it.name !== '~')
          .slice(0, 400)
          .map((it) => ({ label: it.name, type: it.kind })),
      };
    },
    hover(text, at) {
      show(text);
      const info = service.getQuickInfoAtPosition(main, at);
      if (!info) return undefined;
      const docs = typescript.displayPartsToString(info.documentation ?? []);
      return {
        from: info.textSpan.start,
        to: info.textSpan.start + info.textSpan.length,
        text: [typescript.displayPartsToString(info.displayParts ?? []).slice(0, 500), docs]
          .filter(Boolean)
          .join('\n\n'),
      };
    },
    files: () => [...texts].flatMap(([path, text]) => (text === undefined ? [] : [path])),
  };
}
