/**
 * The editor teaches: what an application calls is explained where it is typed, with an example, whatever type it comes
 * by.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-5.9';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const file = `${root}test/docs/generated-quick-info.ts`;

/** Each value's members are asked for. */
const declared = `
import { uuid, integer, text } from 'drizzle-orm/pg-core';
import * as main from '../../src/index.js';
import * as sql from '../../src/handle/sql.js';
import * as kit from '../../src/kit/index.js';
import * as testing from '../../src/testing/index.js';
import * as effectTesting from '../../src/testing/effect.js';
import * as effect from '../../src/effect/index.js';
import * as httpApi from '../../src/effect/http-api.js';
import * as Effect from 'effect/Effect';

const account = main.tenancy('account', uuid);
const projects = main.tenantTable('projects', { accountId: account.id(), id: integer().primaryKey(), name: text() });
const relations = main.defineTenantRelations({ projects });
declare const orm: import('drizzle-orm/postgres-js').PostgresJsDatabase;
declare const id: typeof account.$id;
const db = main.withTenancy(orm, { relations });
const tdb = db.forTenant(id);
const several = db.forTenants([id]);
const all = db.acrossTenants({ reason: 'report' });
const shared = db.shared;
const prepared = db.prepare(account, (it) => it.select().from(projects));
const tenantData = db.tenantData(id);
declare const tx: Parameters<Parameters<typeof tdb.transaction>[0]>[0];
declare const dbTx: Parameters<Parameters<typeof db.transaction>[0]>[0];
class Db extends effect.TenantDb.Service<Db>()('Db', { tenancy: account, relations }) {}
const program = Effect.gen(function* () { return yield* Db; });
declare const effectTdb: Effect.Success<typeof program>;
declare const effectTx: Parameters<Parameters<typeof effectTdb.transaction>[0]>[0];
`;

/** What Effect puts there, what only the compiler or this package reads, and the errors, which have pages. */
const others = new RegExp(
  [
    /^[~#]|^\$(id|inferData)$/,
    /^(prototype|key|name|[Ii]dentifier|Service|of|context|pipe|toString|toJSON)$/,
    /^(tenancy|definition|Connected)$|Error$/,
  ]
    .map((it) => it.source)
    .join('|'),
);

const host: ts.LanguageServiceHost = {
  getScriptFileNames: () => [file],
  getScriptVersion: () => String(text.length),
  getScriptSnapshot: (name) =>
    name === file
      ? ts.ScriptSnapshot.fromString(text)
      : ts.sys.fileExists(name)
        ? ts.ScriptSnapshot.fromString(readFileSync(name, 'utf8'))
        : undefined,
  getCurrentDirectory: () => root,
  getCompilationSettings: () => ({
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
  }),
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: ts.sys.fileExists,
  readFile: ts.sys.readFile,
  directoryExists: ts.sys.directoryExists,
  getDirectories: ts.sys.getDirectories,
  realpath: ts.sys.realpath!,
};
let text = declared;
const service = ts.createLanguageService(host);

interface Member {
  readonly name: string;
  readonly isTaught: boolean;
}

/** The members of each value that an application calls. What is asked of each is what the editor shows of it. */
function members(): Member[] {
  const program = service.getProgram()!;
  const checker = program.getTypeChecker();
  const names = program.getSourceFile(file)!.statements.flatMap((it): ts.Identifier[] => {
    if (ts.isVariableStatement(it)) return it.declarationList.declarations.map(({ name }) => name as ts.Identifier);
    if (ts.isClassDeclaration(it)) return [it.name!];
    const bindings = ts.isImportDeclaration(it) ? it.importClause?.namedBindings : undefined;
    return bindings && ts.isNamespaceImport(bindings) ? [bindings.name] : [];
  });
  return names
    .filter((it) => !['orm', 'id', 'projects', 'relations', 'program', 'Effect'].includes(it.text))
    .flatMap((name) => {
      const of = checker.getSymbolAtLocation(name)!;
      // Of an entry point its functions, of a value all that it has.
      const isEntry = (of.flags & ts.SymbolFlags.Alias) !== 0;
      return checker
        .getTypeOfSymbolAtLocation(of, name)
        .getProperties()
        .filter((it) => !others.test(it.name.replace(/^__(?=#)/, '')) && !it.name.startsWith('_'))
        .flatMap((property) => {
          const symbol = property.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(property) : property;
          const type = checker.getTypeOfSymbol(symbol);
          // What does not compile on the database itself says why.
          if (
            isEntry
              ? type.getCallSignatures().length === 0
              : /^(TenantTypeError|Tenantless)$/.test(type.aliasSymbol?.name ?? type.symbol?.name ?? '')
          )
            return [];
          const example = symbol.getJsDocTags(checker).find((it) => it.name === 'example');
          return [
            {
              name: `${name.text}.${property.name}`,
              isTaught: symbol.getDocumentationComment(checker).length > 0 && (example?.text?.length ?? 0) > 0,
            },
          ];
        });
    });
}

test('each has a docstring with an example', { timeout: 180_000 }, () => {
  const found = members();
  // A type that is not found has no members.
  for (const name of [
    'main',
    'sql',
    'kit',
    'testing',
    'effectTesting',
    'effect',
    'httpApi',
    'account',
    'db',
    'tdb',
    'several',
    'all',
    'shared',
    'prepared',
    'tenantData',
    'tx',
    'dbTx',
    'Db',
    'effectTdb',
    'effectTx',
  ]) {
    expect(
      found.filter((it) => it.name.startsWith(`${name}.`)),
      name,
    ).not.toEqual([]);
  }
  expect(found.filter((it) => !it.isTaught).map((it) => it.name)).toEqual([]);
  // As the editor has it, where a name is pointed at.
  text = `${declared}tdb.select;`;
  const info = service.getQuickInfoAtPosition(file, text.length - 2)!;
  expect(info.documentation?.[0]?.text).toMatch(/^Reads rows/);
  expect(info.tags?.map((it) => it.name)).toContain('example');
});
