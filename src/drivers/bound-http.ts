/** Drivers over HTTP keep no transaction open: the settings and the statement are one batch, which is a transaction. */
import type { Wire } from './wire.js';

const never = (): never => {
  throw new Error('A driver over HTTP has no transaction that stays open.');
};

/** @neondatabase/serverless */
export const neonHttp: Wire = {
  bracketing(client, { first, tenant }) {
    const send = client.query ?? client;
    return {
      async query(text: string, params: unknown[], options: object) {
        const before = [first, ...tenant].map((it) => send(it, [], options));
        return (await client.transaction([...before, send(text, params, options)], options)).at(-1);
      },
    };
  },
  set: never,
};

export const postgresHttp: Wire = {
  bracketing: (_client, { first, tenant }, session) => ({
    async query(sql: string, params: unknown[], options: object) {
      const before = [first, ...tenant].map((it) => ({ sql: it, params: [], mode: 'array' }));
      return (await session.runBatch([...before, { sql, params, ...options }])).at(-1);
    },
  }),
  set: never,
};
