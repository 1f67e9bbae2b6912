/** HTTP requests to one apiserver, authenticated by a function of the caller. */
import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';

/** One HTTP request. */
export type ApiRequest = {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
};

/** Connections to one apiserver. */
export interface Connection {
  /** Sends the request and resolves once the head of the response has arrived; the caller reads the body. */
  send(request: ApiRequest): Promise<http.IncomingMessage>;
  /** Closes idle keep-alive connections; connections in use stay open. */
  closeIdle(): void;
  /** Host and port, for metrics. */
  readonly host: string;
}

/**
 * Adds credentials, the certificate authority of the server, and the agent that keeps connections alive to a request.
 */
export type Authenticate = (options: https.RequestOptions) => Promise<void>;

/**
 * A connection to the server at this URL. A path in the URL precedes the path of every request, as cluster proxies
 * require.
 */
export const makeConnection = (server: string, sign: Authenticate): Connection => {
  const base = new URL(server);
  const agents = new Set<http.Agent>();
  const signed: Authenticate = async (options) => {
    await sign(options);
    if (options.agent instanceof http.Agent) agents.add(options.agent);
  };
  return {
    host: base.host,
    send: (request) => send(base, signed, request),
    closeIdle: () => {
      for (const { freeSockets } of agents)
        for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
    },
  };
};

const send = async (base: URL, sign: Authenticate, request: ApiRequest): Promise<http.IncomingMessage> => {
  const { method, path, headers, body, signal } = request;
  const { hostname, port } = urlToHttpOptions(base); // Removes the brackets of an IPv6 address.
  const options: https.RequestOptions = {
    method,
    signal,
    hostname,
    port,
    path: `${base.pathname.replace(/\/$/, '')}${path}`,
    headers: { accept: 'application/json', ...headers, ...contentLengthOf(body) },
  };
  await sign(options);
  const message = base.protocol === 'http:' ? http.request(options) : https.request(options);
  return new Promise((resolve, reject) => {
    message.on('error', reject);
    message.on('response', resolve);
    message.end(body);
  });
};

/** Node sends no Content-Length for DELETE, so the server would read the body as the next request. */
const contentLengthOf = (body: string | undefined): Readonly<Record<string, string>> =>
  body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
