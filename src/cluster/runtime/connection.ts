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
  const { hostname, port } = urlToHttpOptions(base); // Removes the brackets of an IPv6 address.
  const target = { hostname, port, folder: base.pathname.replace(/\/$/, ''), ask: askOf(base) };
  const agents = new Set<http.Agent>();
  const signed: Authenticate = async (options) => {
    await sign(options);
    if (options.agent instanceof http.Agent) agents.add(options.agent);
  };
  return {
    host: base.host,
    send: (request) => send(target, signed, request),
    closeIdle: () => {
      for (const { freeSockets } of agents)
        for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
    },
  };
};

type Target = Pick<https.RequestOptions, 'hostname' | 'port'> & {
  /** Precedes every path. */
  readonly folder: string;
  readonly ask: typeof https.request;
};

const askOf = ({ protocol }: URL): typeof https.request =>
  protocol === 'http:' ? http.request : https.request;

const send = async (
  { folder, ask, ...at }: Target,
  sign: Authenticate,
  request: ApiRequest,
): Promise<http.IncomingMessage> => {
  const { method, path, headers, body, signal } = request;
  const options: https.RequestOptions = {
    ...at,
    method,
    path: `${folder}${path}`,
    headers: { accept: 'application/json', ...headers, ...contentLengthOf(body) },
  };
  await sign(options);
  const message = ask(options);
  endWith(signal, message);
  return new Promise((resolve, reject) => {
    message.on('error', reject);
    message.on('response', resolve);
    message.end(body);
  });
};

/** Like the option `signal` of node:http, which costs several times as much for each request. */
const endWith = (signal: AbortSignal, message: http.ClientRequest): void => {
  const abort = () => {
    message.destroy(signal.reason as Error);
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  message.once('close', () => signal.removeEventListener('abort', abort));
};

/** Node sends no Content-Length for DELETE, so the server would read the body as the next request. */
const contentLengthOf = (body: string | undefined): Readonly<Record<string, string>> =>
  body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
