/** `drizzle-kit export`, completed: the whole schema as one migration would make it, with policies and distribution. */
import { Entities } from '../snapshot.js';
import { plan } from '../generate/generate.js';
import { emptyState } from '../state.js';
import { declaredViews, loadViewReader } from '../rules/views.js';
import { loadProject, loadSchema } from './load.js';

/**
 * @param config the config's path; without it, drizzle-kit's default name in the current folder
 * @returns the statements, to run in one transaction
 * @throws TenantRuleError with every fault of the schema
 */
export async function exportStatements(config?: string): Promise<string[]> {
  const project = await loadProject(config);
  const drizzle = await project.statements();
  const before = new Entities([]);
  const after = before.copy().follow(drizzle).withRows(project.entities.all());
  const views = await loadViewReader(declaredViews(Object.values(await loadSchema(project.schema))));
  const { statements } = plan(
    drizzle,
    { before, after, prev: emptyState },
    project.declared,
    { ...project.options, writeOnly: false },
    views,
  );
  return statements;
}
