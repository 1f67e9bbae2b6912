/** Between a client and a real S3 server: does to requests and answers what networks and busy servers do. */
import http from 'node:http';
import { Transform } from 'node:stream';

/** A request that passes the proxy. */
export type Passing = { readonly method: string; readonly path: string; readonly range: string | undefined };

/** What happens to it. */
export type S3Fault =
  | 'pass'
  /** The connection is cut before the server has the request, or after it has answered. */
  | 'cut before'
  | 'cut after'
  /** The first byte of the request's body is changed. */
  | 'damage request'
  /** The answer does not say how long its body is. */
  | 'no length'
  /** The answer's body is cut, or one of its bytes changed, at this byte; or it stalls there. */
  | { readonly cutAt: number }
  | { readonly damageAt: number }
  | { readonly stallAt: number }
  /** The proxy answers with an error of S3, or of STS. */
  | Refusal;

type Refusal = { readonly status: number; readonly code: string; readonly of?: 'STS' };

export interface S3Proxy {
  readonly url: string;
  /** Called for each request; by default all pass. */
  fault: (request: Passing) => S3Fault;
  /** Requests so far, such as `GET /bucket/key`. */
  readonly seen: string[];
  close(): Promise<void>;
}

export const startS3Proxy = async (server: string): Promise<S3Proxy> => {
  const target = new URL(server);
  const proxy: { -readonly [K in keyof S3Proxy]: S3Proxy[K] } = {
    url: '',
    fault: () => 'pass',
    seen: [],
    close: async () => {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  const listener = http.createServer((request, response) => {
    const { method = '', url: path = '', headers } = request;
    proxy.seen.push(`${method} ${path.split('?')[0]}`);
    const fault = proxy.fault({ method, path, range: headers.range });
    if (fault === 'cut before') return void request.socket.destroy();
    if (typeof fault === 'object' && 'status' in fault) return refuse(request, response, fault);
    const forwarded = http.request(
      { host: target.hostname, port: target.port, method, path, headers },
      (answer) => {
        if (fault === 'cut after') return void answer.resume().on('end', () => request.socket.destroy());
        const { 'content-length': length, ...unsized } = answer.headers;
        const isSized = fault !== 'no length' && length !== undefined;
        response.writeHead(answer.statusCode ?? 500, isSized ? answer.headers : unsized);
        if (typeof fault === 'object')
          answer.pipe(bodyFault(fault, () => response.socket?.destroy())).pipe(response);
        else answer.pipe(response);
      },
    );
    forwarded.on('error', () => request.socket.destroy());
    (fault === 'damage request' ? request.pipe(damageStart()) : request).pipe(forwarded);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address() as { readonly port: number };
  proxy.url = `http://127.0.0.1:${address.port}`;
  return proxy;
};

const errorText = ({ code, of }: Refusal): string => {
  const error = `<Error><Code>${code}</Code><Message>${code} of the test</Message></Error>`;
  return `<?xml version="1.0" encoding="UTF-8"?>${of === 'STS' ? `<ErrorResponse>${error}</ErrorResponse>` : error}`;
};

/** As S3 documents its errors. The answer to HEAD has no body. */
const refuse = (request: http.IncomingMessage, response: http.ServerResponse, refusal: Refusal): void => {
  request.resume().on('end', () => {
    response.writeHead(refusal.status, { 'content-type': 'application/xml' });
    response.end(request.method === 'HEAD' ? undefined : errorText(refusal));
  });
};

const damageStart = (): Transform => {
  let isDamaged = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (!isDamaged) chunk[0]! ^= 1;
      isDamaged = true;
      done(undefined, chunk);
    },
  });
};

const bodyFault = (fault: Exclude<S3Fault, string | Refusal>, cut: () => void): Transform => {
  let at = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const start = at;
      at += chunk.length;
      const place = Object.values(fault)[0] as number;
      if (place < start || place >= at) return done(undefined, chunk);
      if ('damageAt' in fault) {
        chunk[place - start]! ^= 1;
        return done(undefined, chunk);
      }
      this.push(chunk.subarray(0, place - start));
      if ('cutAt' in fault) setImmediate(cut);
    },
  });
};
