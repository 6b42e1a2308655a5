/** The versions of drizzle-kit whose way of writing migrations is known. Others may write past what adds to them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TenantConfigError } from '../errors.js';

export const testedVersions: readonly string[] = ['1.0.0-rc.5'];

/**
 * @param script drizzle-kit's own file
 * @throws TenantConfigError for a version that drizzle-tenant was not tested with
 */
export function requireTestedVersion(script: string): void {
  const found = versionOf(script);
  if (found !== undefined && testedVersions.includes(found)) return;
  const known = testedVersions.at(-1)!;
  throw new TenantConfigError(
    `Run "npm install --save-dev --save-exact drizzle-kit@${known}", or upgrade drizzle-tenant to a ` +
      `version that knows drizzle-kit ${found ?? 'of this kind'}: ` +
      `this one was tested with ${testedVersions.join(', ')}, and another may write migrations without ` +
      'policies and distribution. Nothing was written.',
  );
}

function versionOf(script: string): string | undefined {
  for (let folder = dirname(script); ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (name === 'drizzle-kit') return String(version);
    } catch {
      // Not here.
    }
    if (dirname(folder) === folder) return undefined;
  }
}
