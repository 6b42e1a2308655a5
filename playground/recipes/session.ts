/** What the recipes share: who asks. Stands for the sessions, or the JWT, of your own application. */
import type { TenantId } from '../../src/index.js';
import { tokensOf } from '../app/tokens.js';

export const tokens = tokensOf('the secret of the recipes');

/** The account of the user whose bearer token the request carries; undefined for nobody. */
export function accountOf(authorization: string | null | undefined): TenantId<'account'> | undefined {
  const [scheme, token] = authorization?.split(' ') ?? [];
  return scheme?.toLowerCase() === 'bearer' && token ? tokens.read(token)?.account : undefined;
}
