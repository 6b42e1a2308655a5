/** Makes the attempts of attempts.ts, and looks whether anything reached the server. */
import { allAttempts, type Attempt } from './catalogue.js';
import type { Stage } from './compare.js';
import { tenants } from './seed.js';

export interface Refusal {
  readonly attempt: Attempt;
  /** The error's tag and message; undefined when there was none of the library's. */
  readonly error: { readonly tag: string; readonly message: string } | undefined;
  readonly isRefused: boolean;
}

export async function tryRefusals({ db, count }: Stage): Promise<Refusal[]> {
  const [own, other] = tenants.map((it) => it.id);
  const hostile = { db, tdb: db.forTenant(own!), otherTdb: db.forTenant(other!), ownId: own!, otherId: other! };
  const refusals: Refusal[] = [];
  for (const attempt of allAttempts) {
    const before = count();
    let error: Refusal['error'];
    try {
      await attempt.run(hostile);
    } catch (thrown) {
      const { _tag, message } = thrown as { _tag?: string; message: string };
      if (_tag) error = { tag: _tag, message };
    }
    refusals.push({ attempt, error, isRefused: error !== undefined && count() === before });
  }
  return refusals;
}
