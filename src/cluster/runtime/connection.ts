/** Requests to one apiserver, signed by a function of the caller's. */
import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';

export type ApiRequest = {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
};

export interface Connection {
  /** Sends the request and resolves with the answer as soon as its head is there; the body is still to be read. */
  send(exchange: ApiRequest): Promise<http.IncomingMessage>;
  /** Closes the connections that are kept for later requests; those in use stay. */
  closeIdle(): void;
  /** Host and port, for metrics. */
  readonly host: string;
}

/** Adds to a request what proves who asks, by whom the server must be known, and the agent that keeps connections. */
export type Authenticate = (options: https.RequestOptions) => Promise<void>;

/** The server's address may have a path before that of every request, as proxies for clusters have it. */
export const makeConnection = (server: string, sign: Authenticate): Connection => {
  const base = new URL(server);
  const agents = new Set<http.Agent>();
  const signed: Authenticate = async (options) => {
    await sign(options);
    if (options.agent instanceof http.Agent) agents.add(options.agent);
  };
  return {
    host: base.host,
    send: (exchange) => send(base, signed, exchange),
    closeIdle: () => {
      for (const { freeSockets } of agents)
        for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
    },
  };
};

const send = async (base: URL, sign: Authenticate, exchange: ApiRequest): Promise<http.IncomingMessage> => {
  const { method, path, headers, body, signal } = exchange;
  const { hostname, port } = urlToHttpOptions(base); // an IPv6 address without its brackets
  const options: https.RequestOptions = {
    method,
    signal,
    hostname,
    port,
    path: `${base.pathname.replace(/\/$/, '')}${path}`,
    headers: { accept: 'application/json', ...headers, ...contentLengthOf(body) },
  };
  await sign(options);
  const request = base.protocol === 'http:' ? http.request(options) : https.request(options);
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', resolve);
    request.end(body);
  });
};

/** Node itself states no length for DELETE: the server would take the body for the next request of the connection. */
const contentLengthOf = (body: string | undefined): Readonly<Record<string, string>> =>
  body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
