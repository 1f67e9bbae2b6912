/** A real S3 server (versitygw) on a folder: each folder in it is a bucket. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../cluster/free-port.ts';
import { s3ServerBinary } from '../cluster/go-tools.ts';
import { background, eventually } from '../cluster/run.ts';

/** Credentials of the only user. */
export const rootUser = { accessKeyId: 'tester', secretAccessKey: 'not-a-real-secret' } as const;

export type S3Server = {
  readonly url: string;
  /** Path of a bucket, or of an object in it, on disk. */
  readonly at: (...names: string[]) => string;
  readonly stop: () => Promise<void>;
};

/** How a server listens. */
export type ServerOptions = {
  readonly buckets: readonly string[];
  /** Address to listen on; default: this machine only. */
  readonly address?: string;
  /** TLS certificate and key. */
  readonly tls?: { readonly cert: string; readonly key: string };
};

export const startS3Server = async (options: ServerOptions): Promise<S3Server> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-test-s3-'));
  const at = (...names: string[]) => join(folder, 'buckets', ...names);
  for (const bucket of options.buckets) mkdirSync(at(bucket), { recursive: true });
  const { address = '127.0.0.1', tls } = options;
  const port = await freePort();
  const url = `${tls ? 'https' : 'http'}://${address}:${port}`;
  const server = background(
    await s3ServerBinary(),
    [
      ...['--port', `${address}:${port}`, '--quiet', '--keep-alive', '--health', '/health'],
      ...(tls ? ['--cert', tls.cert, '--key', tls.key] : []),
      ...['posix', '--sidecar', sidecarIn(folder), at()],
    ],
    {
      log: join(folder, 'log'),
      env: { ROOT_ACCESS_KEY: rootUser.accessKeyId, ROOT_SECRET_KEY: rootUser.secretAccessKey },
    },
  );
  await eventually('the S3 server', () => isListening(address, port));
  return { url, at, stop: server.stop };
};

/** Not every file system of a temporary folder has extended attributes. */
const sidecarIn = (folder: string): string => {
  const sidecar = join(folder, 'sidecar');
  mkdirSync(sidecar);
  return sidecar;
};

const isListening = async (address: string, port: number): Promise<true | undefined> => {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    const socket = connect(port, address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(undefined));
  });
};
