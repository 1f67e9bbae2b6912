/** One connection's worth of addresses and credentials: the only place that touches client-node. */
import http from 'node:http';
import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

export type Exchange = {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
};

export interface Connection {
  /** Sends the request and resolves with the answer as soon as its head is there; the body is still to be read. */
  send(exchange: Exchange): Promise<http.IncomingMessage>;
  /** Host and port, for metrics. */
  readonly host: string;
}

/** The kubeconfig file if one is named, else the pod's own ServiceAccount, else the user's default context. */
export const openConnection = (kubeconfig?: string): Connection => {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('no cluster: set KUBECONFIG, or run inside a pod');
  const base = new URL(server);
  return { host: base.host, send: (exchange) => send(config, base, exchange) };
};

const send = async (config: KubeConfig, base: URL, exchange: Exchange): Promise<http.IncomingMessage> => {
  const { method, path, headers, body, signal } = exchange;
  const options: https.RequestOptions = {
    method,
    signal,
    hostname: base.hostname,
    port: base.port,
    path: `${base.pathname.replace(/\/$/, '')}${path}`,
    headers: { accept: 'application/json', ...headers, ...lengthOf(body) },
  };
  await config.applyToHTTPSOptions(options);
  keepAlive(options.agent);
  const request = base.protocol === 'http:' ? http.request(options) : https.request(options);
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', resolve);
    request.end(body);
  });
};

/** Node itself states no length for DELETE: the server would take the body for the next request of the connection. */
const lengthOf = (body: string | undefined): Readonly<Record<string, string>> =>
  body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };

/** client-node makes one agent per cluster but leaves out keep-alive, so each request would open a TLS session. */
const keepAlive = (agent: unknown): void => {
  if (agent instanceof http.Agent && !(agent as { keepAlive?: boolean }).keepAlive)
    Object.assign(agent, { keepAlive: true });
};
