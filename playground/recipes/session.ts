/** What the recipes share: who asks. Stands for the sessions, or the JWT, of your own application. */
import { tokensOf, type Claim } from '../app/tokens.js';

export const tokens = tokensOf('the secret of the recipes');

/** What the bearer token claims that the request carries, once its signature is checked; undefined for nobody. */
export function verify(authorization: string | null | undefined): Claim | undefined {
  const [scheme, token] = authorization?.split(' ') ?? [];
  return scheme?.toLowerCase() === 'bearer' && token ? tokens.read(token) : undefined;
}
