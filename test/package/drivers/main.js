/** Runs the drivers of the given names, or all that this runtime has, and prints what came of each part as JSON. */
import * as promises from './promises.js';
import { parts, setup } from './schema.js';

const asked = process.argv.slice(2);
const isAsked = (name) =>
  (asked.length === 0 || asked.includes(name)) && (name !== 'bun-sql' || typeof Bun !== 'undefined');
const seen = {};

/** @returns 'works', or the first line of what it said */
async function attempt(run) {
  let timer;
  const late = new Promise(
    (_, reject) => (timer = setTimeout(reject, 15_000, new Error('It did not end within 15 s.'))),
  );
  try {
    await Promise.race([run(), late]);
    return 'works';
  } catch (error) {
    let it = error;
    while (it.cause?.message) it = it.cause;
    return it.message.split('\n')[0];
  } finally {
    clearTimeout(timer);
  }
}

for (const [name, make] of Object.entries(promises.drivers).filter(([it]) => isAsked(it))) {
  seen[name] = {};
  let made;
  const opened = await attempt(async () => (made = await make(setup)));
  for (const [part, run] of Object.entries(parts))
    seen[name][part] = made ? await attempt(() => run(made.orm)) : opened;
  await attempt(async () => made?.end());
}
const effects = await import('./effects.js');
const asEffects = Object.entries(effects.drivers).filter(([it]) => isAsked(it));
for (const [part, run] of Object.entries(effects.parts)) {
  if (part === 'rls' && asEffects.length > 0) await effects.guardAll();
  for (const [name, make] of asEffects) {
    let made;
    (seen[name] ??= {})[part] = await attempt(async () => run((made = await make({ rls: part === 'rls' })).layer));
    await attempt(async () => made?.end?.());
  }
}
console.log(JSON.stringify(seen));
process.exit(0);
