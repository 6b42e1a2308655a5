/** Passwords, and the secrets in cookies and mails. None of them stands in the database as it is. */
import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** What scrypt may cost: OWASP's figures. It stands in each hash, so that a later one may cost more. */
export interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}
const usual: Cost = { N: 2 ** 15, r: 8, p: 3 };
const length = 32;

const derive = (password: string, salt: Buffer, { N, r, p }: Cost) =>
  new Promise<Buffer>((resolve, reject) => {
    // The same password, however a keyboard composes its letters.
    scrypt(password.normalize('NFKC'), salt, length, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });

export const newSecret = () => randomBytes(32).toString('base64url');
export const sha256 = (value: string) => createHash('sha256').update(value).digest('base64url');

/** E-mail addresses are compared in this spelling. */
export const normal = (email: string) => email.trim().toLowerCase();

/** Hashes of passwords and of looked-up values, and signatures of mails, with keys that only the application has. */
export function keysOf(secret: string, cost: Cost = usual) {
  const mac = (purpose: string, value: string) => createHmac('sha256', secret).update(`${purpose}\0${value}`).digest();
  return {
    /** @returns what `isPassword` compares with */
    async hashPassword(password: string): Promise<string> {
      const salt = randomBytes(16);
      const key = await derive(password, salt, cost);
      return [cost.N, cost.r, cost.p, salt.toString('base64url'), key.toString('base64url')].join('$');
    },

    /** @param hash of a person; undefined for nobody, which takes as long and is never right */
    async isPassword(password: string, hash: string | undefined): Promise<boolean> {
      const [N, r, p, salt, key] = hash?.split('$') ?? [];
      const its = hash === undefined ? cost : { N: Number(N), r: Number(r), p: Number(p) };
      const given = await derive(password, Buffer.from(salt ?? '', 'base64url'), its);
      const expected = Buffer.from(key ?? '', 'base64url');
      return timingSafeEqual(given, expected.length === length ? expected : Buffer.alloc(length)) && hash !== undefined;
    },

    loginOf: (email: string) => mac('login', normal(email)).toString('base64url'),

    /** A token that says which address a mail was sent to. Nobody else can make one. */
    sign(email: string, seconds: number): string {
      const text = Buffer.from(JSON.stringify([normal(email), Math.floor(Date.now() / 1000) + seconds])).toString(
        'base64url',
      );
      return `${text}.${mac('mail', text).toString('base64url')}`;
    },

    /** @returns the address; undefined for a token that is not ours, or is too old */
    read(token: string): string | undefined {
      const [text = '', signature = ''] = token.split('.');
      const [given, expected] = [Buffer.from(signature, 'base64url'), mac('mail', text)];
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const [email, until] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [string, number];
      return until > Date.now() / 1000 ? email : undefined;
    },
  };
}
export type Keys = ReturnType<typeof keysOf>;
