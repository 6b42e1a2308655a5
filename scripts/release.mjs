/**
 * `node scripts/release.mjs 0.2.0`: puts the version into package.json and the day into CHANGELOG.md, runs every check,
 * commits and tags. It publishes nothing: `git push --follow-tags && npm publish` does, when you have looked at it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' });
const read = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: 'utf8' }).trim();
const fail = (message) => {
  console.error(message);
  process.exit(1);
};

const [version] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version ?? '')) fail('Say which version: node scripts/release.mjs 0.2.0');
if (read('git', 'status', '--porcelain') !== '') fail('Commit what you have changed first.');
if (read('git', 'tag', '--list', `v${version}`) !== '') fail(`There is a tag v${version} already.`);

const changes = readFileSync(`${root}CHANGELOG.md`, 'utf8');
const unreleased = /^## Unreleased\n([^]*?)(?=^## |(?![^]))/m.exec(changes)?.[1].trim();
if (!unreleased) fail('CHANGELOG.md says nothing under "Unreleased".');
writeFileSync(
  `${root}CHANGELOG.md`,
  changes.replace('## Unreleased\n', `## Unreleased\n\n## ${version}, ${new Date().toISOString().slice(0, 10)}\n`),
);
run('npm', 'version', version, '--no-git-tag-version');
run('npm', 'test');
run('npm', 'run', 'check:package');
run('git', 'commit', '--all', '--message', `Release ${version}`);
run('git', 'tag', '--annotate', `v${version}`, '--message', unreleased);
console.log(`Look at it, then: git push --follow-tags && npm publish`);
