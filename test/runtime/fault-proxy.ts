/** Between the operator and a real apiserver: counts writes, and does to connections what networks do. */
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { Transform } from 'node:stream';

export type Exchange = { readonly method: string; readonly path: string };

/**
 * What to do with a request: `handled` by the fault itself; or passed on as it is, 3 s `late`, 30 s `very late`, with its
 * answer `cut after` the apiserver has given it, with every line of the answer twice and a little late (`stutter`), or with
 * every second line missing (`lossy`); the last two are for watches.
 */
export type Passage = 'handled' | 'pass' | 'late' | 'very late' | 'cut after' | 'stutter' | 'lossy';
export type Fault = (request: http.IncomingMessage, response: http.ServerResponse) => Passage;

export type ProxyOptions = {
  /** Kubeconfig of the real apiserver. */
  readonly kubeconfig: string;
  readonly folder: string;
  readonly name: string;
};

export interface FaultProxy {
  readonly url: string;
  /** A kubeconfig that leads through the proxy. */
  readonly kubeconfig: string;
  /** Called for each request; by default all pass. */
  fault: Fault;
  /** Called for each write that the apiserver has answered, before the response is passed on. */
  onWritten: (exchange: Exchange, status: number) => void;
  /** Cuts every open connection. */
  cut(): void;
  close(): Promise<void>;
}

type Target = { readonly url: URL; readonly token: string; readonly ca: string };

const targetOf = (kubeconfig: string): Target => {
  const { clusters, users } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
    users: [{ user: { token: string } }];
  };
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  return { url: new URL(server), token: users[0].user.token, ca: Buffer.from(ca, 'base64').toString() };
};

const writing: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

export const startFaultProxy = async ({ kubeconfig, folder, name }: ProxyOptions): Promise<FaultProxy> => {
  const target = targetOf(kubeconfig);
  const agent = new https.Agent({ keepAlive: true, ca: target.ca });
  const server = http.createServer((request, response) => {
    const passage = proxy.fault(request, response);
    if (passage === 'handled') return;
    if (passage === 'late' || passage === 'very late')
      setTimeout(() => pass(request, response, 'pass'), lateMs[passage]);
    else pass(request, response, passage);
  });
  const pass = (request: http.IncomingMessage, response: http.ServerResponse, passage: Passage): void => {
    const { method = 'GET', url = '/' } = request;
    const headers = { ...request.headers, host: target.url.host, authorization: `Bearer ${target.token}` };
    const { hostname, port } = target.url;
    const onward = https.request({ agent, hostname, port, method, path: url, headers }, (answer) => {
      if (writing.includes(method)) proxy.onWritten({ method, path: url }, answer.statusCode ?? 0);
      if (passage === 'cut after') return void response.destroy();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      if (passage === 'stutter') answer.pipe(twice()).pipe(response);
      else if (passage === 'lossy') answer.pipe(everySecond()).pipe(response);
      else answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const path = join(folder, `${name}.kubeconfig`);
  writeFileSync(path, throughProxy(url));
  const proxy: FaultProxy = {
    url,
    kubeconfig: path,
    fault: () => 'pass',
    onWritten: () => {},
    cut: () => server.closeAllConnections(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
  return proxy;
};

const lateMs = { late: 3000, 'very late': 30_000 } as const;

/** Whole lines through `change`, after a pause. */
const byLines = (change: (lines: readonly string[]) => readonly string[], pauseMs: number): Transform => {
  let rest = '';
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      const lines = (rest + part.toString()).split('\n');
      rest = lines.pop()!;
      const changed = change(lines).map((line) => `${line}\n`);
      setTimeout(() => done(null, changed.join('')), pauseMs);
    },
  });
};

const twice = (): Transform => byLines((lines) => lines.flatMap((line) => [line, line]), 500);

const everySecond = (): Transform => {
  let count = 0;
  return byLines((lines) => lines.filter(() => count++ % 2 === 1), 0);
};

const throughProxy = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'proxy', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    'current-context': 'proxy',
  });
