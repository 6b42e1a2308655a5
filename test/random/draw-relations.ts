/** The relations that follow from the links between tables: both ways, through link tables, and with filters. */
import type { LinkSpec, RelationSpec, TableSpec } from './spec.js';

export function drawRelations(tables: readonly TableSpec[], links: readonly LinkSpec[]): RelationSpec[] {
  const relations: RelationSpec[] = [];
  const tableOf = (name: string) => tables.find((it) => it.name === name)!;
  const columns = (table: string, keys: readonly string[]) =>
    keys.length === 1 ? `r.${table}.${keys[0]!}` : `[${keys.map((key) => `r.${table}.${key}`).join(', ')}]`;
  const add = (table: string, name: string, target: string, many: boolean, source: string, through = false) =>
    relations.push({
      table,
      name,
      target,
      many,
      through,
      source: `r.${many ? 'many' : 'one'}.${target}({ ${source} })`,
    });

  links.forEach(({ from, fromKeys, to, toKeys }) => {
    const alias = `alias: '${from}_${to}'`;
    const [own, theirs] = [columns(from, fromKeys), columns(to, toKeys)];
    if (from === to) {
      add(from, 'parent', to, false, `from: ${own}, to: ${theirs}, ${alias}`);
      add(to, 'children', from, true, `from: ${theirs}, to: ${own}, ${alias}`);
      return;
    }
    const one = `${to}One`;
    add(from, one, to, false, `from: ${own}, to: ${theirs}, ${alias}`);
    if (tableOf(to).kind === 'reference') return;
    add(to, `${from}Many`, from, true, `from: ${theirs}, to: ${own}, ${alias}`);
    if (tableOf(from).columns.some((it) => it.key === 'done')) {
      add(
        to,
        `${from}Done`,
        from,
        true,
        `from: ${theirs}, to: ${own}, where: { done: true }, alias: '${from}_${to}_done'`,
      );
    }
  });
  for (const link of tables.filter((it) => it.kind === 'link')) {
    const [left, right] = links.filter((it) => it.from === link.name);
    const ways = [
      [left!, right!],
      [right!, left!],
    ] as const;
    for (const [near, far] of ways) {
      add(
        near.to,
        `${far.to}Through`,
        far.to,
        true,
        `from: r.${near.to}.id.through(r.${link.name}.${near.fromKeys[0]!}), to: ` +
          `r.${far.to}.id.through(r.${link.name}.${far.fromKeys[0]!}), alias: '${link.name}_through'`,
        true,
      );
    }
  }
  for (const root of tables.filter((it) => it.kind === 'root')) {
    for (const table of tables.filter((it) => it.kind === 'tenant' && it.tenancy === root.tenancy)) {
      const alias = `alias: '${table.name}_root'`;
      add(
        table.name,
        'root',
        root.name,
        false,
        `from: r.${table.name}.${table.tenantKey!}, to: r.${root.name}.id, ${alias}`,
      );
      add(
        root.name,
        `${table.name}All`,
        table.name,
        true,
        `from: r.${root.name}.id, to: r.${table.name}.${table.tenantKey!}, ${alias}`,
      );
    }
  }
  return relations;
}
