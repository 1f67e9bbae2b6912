/** Small HTTP servers for the kubelet and for Prometheus. */
import http from 'node:http';
import https from 'node:https';

/** Status, content type (text/plain unless set), other headers and body. */
export type PageResponse = {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
};
/** Produces the response to one request. A rejection becomes a 500. */
export type PageHandler = (request: http.IncomingMessage) => Promise<PageResponse>;

/**
 * Address to listen on: `host:port`, `[IPv6]:port`, or `:port` for all addresses of both families. Port 0 chooses a
 * free port.
 */
export type Bind = string;

/** A server that accepts connections on `port`. */
export interface RunningServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts a server, with HTTPS if a certificate is given.
 * @param pages by path
 * @throws Error of node:net if the address is in use
 */
export const serve = async (
  bind: Bind,
  pages: Readonly<Record<string, PageHandler>>,
  certified?: { readonly key: string; readonly cert: string },
): Promise<RunningServer> => {
  const separator = bind.lastIndexOf(':');
  const answered: http.RequestListener = (request, response) => {
    const page = pages[request.url?.split('?')[0] ?? ''];
    const answer = page ? page(request) : Promise.resolve<PageResponse>({ status: 404, body: 'not found\n' });
    answer.then(
      ({ status, type = 'text/plain', headers, body }) =>
        response.writeHead(status, { 'content-type': type, ...headers }).end(body),
      () => response.writeHead(500).end('failed\n'),
    );
  };
  const server = certified ? https.createServer(certified, answered) : http.createServer(answered);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const host = bind.slice(0, separator).replace(/^\[(.*)\]$/, '$1');
    server.listen({ port: Number(bind.slice(separator + 1)), ...(host !== '' && { host }) }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

/** One line of a health page. */
export type Check = { readonly name: string; readonly holds: () => boolean };

/** A health page: 200 if all checks hold, else 503. The body lists each check. */
export const makeCheckPage =
  (checks: readonly Check[]): PageHandler =>
  async () => {
    const results = checks.map(({ name, holds }) => ({ name, ok: holds() }));
    const status = results.every(({ ok }) => ok) ? 200 : 503;
    return { status, body: results.map(({ name, ok }) => `${ok ? '[+]' : '[-]'} ${name}\n`).join('') };
  };
