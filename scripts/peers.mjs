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
const oldest = (range) => /\d+\.\d+\.\d+[-.\w]*/.exec(range)[0];
// A range that begins with a pre-release finds the later ones of the same version, which no tag names.
const next = (range) => (oldest(range).includes('-') ? `>=${oldest(range)}` : 'latest');
const versions = { oldest, newest: (range) => range, next };

const version = versions[process.argv[2]];
if (!version) throw new Error(`Say which: ${Object.keys(versions).join(', ')}`);
const packages = Object.entries(peerDependencies).map(([name, range]) => `${name}@${version(range)}`);
execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--force', ...packages], { stdio: 'inherit' });
// It fails where what is installed is not what the tests of every day run with: that is meant.
spawnSync('npm', ['ls', '--depth=0', ...Object.keys(peerDependencies)], { stdio: ['ignore', 'inherit', 'ignore'] });
