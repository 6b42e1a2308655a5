/** What a driver can do on its wire, beyond Drizzle's transactions. */
import type { Settings } from '../rls/settings.js';

/** What a driver does better than Drizzle's own transactions. */
export interface Wire {
  /** A client in place of Drizzle's, which brackets each statement. Undefined where this client has no way to. */
  bracketing(client: any, settings: Settings, session: any): object | undefined;
  /** Whether what is sent without waiting for an answer comes in turn. */
  readonly isPipelined?: boolean;
  /**
   * A client in place of Drizzle's, which runs each statement in the transaction that the client is in, behind its
   * settings and before what takes them back: nothing comes between them. Undefined where this client has no way to.
   */
  within?(client: any, settings: Settings, after: readonly string[]): object | undefined;
  /** Sets them in the transaction that the client is in. */
  set(client: any, settings: Settings): Promise<unknown>;
}
