/**
 * Bearer tokens. A token says which user of which account its bearer is, and is signed: nobody can make one for
 * another account. An application of your own would take the claims of its sessions or of a JWT.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Context, Layer } from 'effect';
import type { TenantId } from '../../src/index.js';
import { account } from '../schema.js';

export interface Claim {
  readonly account: TenantId<'account'>;
  readonly user: number;
  /** The user's `tokenKey`; left out for the users of the samples. */
  readonly key?: string;
}

export class Tokens extends Context.Service<
  Tokens,
  {
    readonly issue: (claim: Claim) => string;
    /** What the token says; undefined when it is not one of ours. */
    readonly read: (token: string) => Claim | undefined;
  }
>()('app/Tokens') {
  static readonly layer = (secret: string) => Layer.succeed(Tokens, tokensOf(secret));
}

export function tokensOf(secret: string): Tokens['Service'] {
  const sign = (claim: string) => createHmac('sha256', secret).update(claim).digest();
  return {
    issue: (claim) => {
      const text = Buffer.from(JSON.stringify([claim.account, claim.user, claim.key])).toString('base64url');
      return `${text}.${sign(text).toString('base64url')}`;
    },
    read: (token) => {
      const [text = '', signature = ''] = token.split('.');
      const [given, expected] = [Buffer.from(signature, 'base64url'), sign(text)];
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const [id, user, key] = JSON.parse(Buffer.from(text, 'base64url').toString());
      return { account: account.parse(id), user, ...(key && { key }) };
    },
  };
}
