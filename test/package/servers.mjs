/**
 * What the drivers of platforms ask, on this machine, in front of one PostgreSQL: Neon's proxy of a socket and its
 * answers over HTTP, and Amazon's Data API. They do what the clients need here, and no more.
 */
import { createServer } from 'node:http';
import { connect } from 'node:net';

const listening = (server) => new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(server.address().port)));
const bodyOf = async (request) => JSON.parse(Buffer.concat(await request.toArray()).toString() || '{}');
const asText = { getTypeParser: () => (it) => it };

/**
 * @param url of the PostgreSQL that they ask
 * @param modules `pg` and `ws`, of the application's folder
 * @returns the variables of the programs, and what ends them
 */
export async function startServers(url, { pg, ws }) {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => {});

  /** Several queries are one transaction. */
  const inTransaction = async (queries, ask) => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const results = [];
      for (const it of queries) results.push(await ask(it, client));
      await client.query('commit');
      return results;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  };

  const neon = createServer(async (request, response) => {
    try {
      const { query, params, queries } = await bodyOf(request);
      const rowMode = request.headers['neon-array-mode'] === 'true' ? 'array' : undefined;
      const ask = async ({ query: text, params: values = [] }, on = pool) => {
        const types = request.url === '/sql' ? asText : undefined;
        const { rows, fields, command, rowCount } = await on.query({ text, values, rowMode, types });
        return { rows, fields, command, rowCount };
      };
      const answer = queries ? { results: await inTransaction(queries, ask) } : await ask({ query, params });
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch ({ message, code, severity }) {
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ message, code, severity }));
    }
  });

  const proxy = createServer();
  new ws.WebSocketServer({ server: proxy }).on('connection', (socket, request) => {
    const [host, port] = new URL(request.url, 'http://x').searchParams.get('address').split(':');
    const to = connect(Number(port), host);
    socket.on('message', (it) => to.write(it));
    to.on('data', (it) => socket.send(it));
    socket.on('close', () => to.destroy());
    to.on('close', () => socket.close());
    for (const it of [socket, to]) it.on('error', () => {});
  });

  const transactions = new Map();
  const field = (value) =>
    value === null
      ? { isNull: true }
      : typeof value === 'number'
        ? { longValue: value }
        : typeof value === 'boolean'
          ? { booleanValue: value }
          : { stringValue: String(value) };
  const actions = {
    async BeginTransaction() {
      const client = await pool.connect();
      await client.query('begin');
      const transactionId = crypto.randomUUID();
      transactions.set(transactionId, client);
      return { transactionId };
    },
    CommitTransaction: async ({ transactionId }) => end(transactionId, 'commit'),
    RollbackTransaction: async ({ transactionId }) => end(transactionId, 'rollback'),
    async Execute({ sql, parameters = [], transactionId, includeResultMetadata }) {
      const values = parameters.map(({ value }) => (value.isNull ? null : Object.values(value)[0]));
      const text = sql.replace(/(?<!:):(\d+)/g, '$$$1');
      const types = {
        getTypeParser: (oid) => (it) => ([20, 21, 23].includes(oid) ? Number(it) : oid === 16 ? it === 't' : it),
      };
      const { rows, fields, rowCount } = await (transactions.get(transactionId) ?? pool).query({
        text,
        values,
        rowMode: 'array',
        types,
      });
      const columnMetadata = fields?.map(({ name }) => ({ name }));
      return {
        numberOfRecordsUpdated: rowCount ?? 0,
        records: rows?.map((row) => row.map(field)),
        ...(includeResultMetadata ? { columnMetadata } : {}),
      };
    },
  };
  const end = async (transactionId, text) => {
    const client = transactions.get(transactionId);
    transactions.delete(transactionId);
    await client.query(text);
    client.release();
    return { transactionStatus: text };
  };
  const dataApi = createServer(async (request, response) => {
    try {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(await actions[request.url.slice(1)](await bodyOf(request))));
    } catch ({ message }) {
      response
        .writeHead(400, { 'content-type': 'application/json', 'x-amzn-errortype': 'DatabaseErrorException' })
        .end(JSON.stringify({ message }));
    }
  });

  const [http, socket, data] = [await listening(neon), await listening(proxy), await listening(dataApi)];
  return {
    env: {
      DATABASE_URL: url,
      NEON_HTTP: `http://127.0.0.1:${http}/sql`,
      PROXY: `http://127.0.0.1:${http}/proxy`,
      NEON_SOCKET: `127.0.0.1:${socket}`,
      DATA_API: `http://127.0.0.1:${data}`,
    },
    async stop() {
      for (const it of [neon, proxy, dataApi]) it.closeAllConnections(), it.close();
      for (const it of transactions.values()) it.release(true);
      await pool.end();
    },
  };
}
