/**
 * Installs versions of the peers for a run of the tests, beside what package-lock.json says:
 *
 *     node scripts/peers.mjs oldest    the oldest that package.json allows
 *     node scripts/peers.mjs newest    the newest that it allows, as a fresh install resolves them
 *     node scripts/peers.mjs next      the newest that there are, allowed or not
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { peerDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
/** The first version that a range names, as `^11`, `>=4.1 <5` or `1.0.0-rc.5` do. */
const oldest = (range) => {
  const [, version, prerelease = ''] = /(\d+(?:\.\d+){0,2})(-[\w.]+)?/.exec(range);
  return [...version.split('.'), '0', '0'].slice(0, 3).join('.') + prerelease;
};

/**
 * What was published last, without builds of single commits: those sort behind the release candidate that follows them.
 */
function next(range, name) {
  if (!oldest(range).includes('-')) return 'latest';
  const times = JSON.parse(execFileSync('npm', ['view', name, 'time', '--json'], { encoding: 'utf8' }));
  const released = Object.entries(times).filter(
    ([version]) => version.startsWith(range.split('.')[0]) && /^\d+\.\d+\.\d+(-\w+\.\d+)?$/.test(version),
  );
  return released.sort(([, a], [, b]) => (a < b ? -1 : 1)).at(-1)[0];
}

const version = { oldest, newest: (range) => range, next }[process.argv[2]];
if (!version) throw new Error('Say which: oldest, newest or next.');
/** What the tests install beside a peer, in the same version. */
const companions = { '@nestjs/common': ['@nestjs/core', '@nestjs/platform-express'] };
const packages = Object.entries(peerDependencies).flatMap(([name, range]) =>
  [name, ...(companions[name] ?? [])].map((it) => `${it}@${version(range, name)}`),
);
execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--force', ...packages], { stdio: 'inherit' });
// It fails where what is installed is not what the tests of every day run with: that is meant.
spawnSync('npm', ['ls', '--depth=0', ...Object.keys(peerDependencies)], { stdio: ['ignore', 'inherit', 'ignore'] });
