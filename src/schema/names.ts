/** Drizzle keeps a table's names under symbols that all copies of it share. Reading them does not load Drizzle. */
const [Schema, OriginalName, Name] = ['Schema', 'OriginalName', 'Name'].map((it) => Symbol.for(`drizzle:${it}`)) as [
  symbol,
  symbol,
  symbol,
];

/** A table's schema, its name in the database, and the name by which a statement knows it. */
export function namesOfTable(table: object): [schema: string | undefined, original: string, known: string] {
  const it = table as any;
  return [it[Schema], it[OriginalName], it[Name]];
}
