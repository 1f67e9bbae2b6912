/** Reads one object: resumed where a connection was cut, and compared with the checksum that the server has of it. */
import type { Readable } from 'node:stream';
import type { GetObjectCommand, GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Clock } from '../../../ground/base/clock.ts';
import { UserError } from '../../../ground/base/errors.ts';
import { type LimitName, requireWithin } from '../../../ground/base/limits.ts';
import { type Checksum, chooseChecksum } from './checksum.ts';
import type { S3Connection } from './client.ts';
import { isTaken, type S3Activity } from './failures.ts';
import type { Retries } from './retry.ts';

/** An object of a bucket. */
export type S3Object = { readonly uri: string; readonly bucket: string; readonly key: string };

/** Where the content goes. */
export type ContentSink = {
  /** Called before the first bytes, and again if the content must be sent from its start. May refuse the size. */
  readonly begin: (sizeBytes: number) => Promise<void> | void;
  readonly write: (bytes: Uint8Array) => Promise<void> | void;
};

/** What reading needs. */
export type ReadContext = S3Connection & {
  readonly retries: Retries;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Milliseconds without a byte after which a connection counts as cut. */
  readonly idleMs: number;
};

/** How often an object is read again from its start, after it arrived damaged or was replaced meanwhile. */
const wholeReads = 3;

/** The object arrived with other bytes than the server has, or another object has its name now. */
class StaleRead extends Error {}

/**
 * Sends the content of the object to the sink.
 * @throws UserError InputNotFound, StorageDenied, StorageUnavailable, and the errors of the sink
 */
export const readObject = async (
  object: S3Object,
  sink: ContentSink,
  context: ReadContext,
): Promise<void> => {
  for (let read = 1; ; read++) {
    try {
      return await readOnce(object, sink, context);
    } catch (thrown) {
      if (!(thrown instanceof StaleRead)) throw thrown;
      if (read === wholeReads)
        throw new UserError(
          'StorageUnavailable',
          `Reading ${object.uri}: ${thrown.message} ${wholeReads} times. Check the network and the storage.`,
        );
    }
  }
};

type Answer = GetObjectCommandOutput & { readonly Body: NonNullable<GetObjectCommandOutput['Body']> };

type Progress = {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
  readonly expected: string | undefined;
  received: number;
};

/** One read of a whole object, over as many connections as it takes. */
type Reading = {
  readonly object: S3Object;
  readonly sink: ContentSink;
  readonly context: ReadContext;
  /** Undefined until the first answer. */
  progress: Progress | undefined;
};

const readOnce = async (object: S3Object, sink: ContentSink, context: ReadContext): Promise<void> => {
  const reading: Reading = { object, sink, context, progress: undefined };
  for (let failed = 0; ; ) {
    const before = reading.progress?.received;
    try {
      return finish(await receive(reading));
    } catch (thrown) {
      const failure = judge(thrown, reading);
      if (reading.progress?.received !== before) failed = 0; // Bytes came: the server is there.
      await context.retries.pause(activityOf(object), ++failed, failure);
    }
  }
};

/** Receives what is missing. A connection that was cut after the last byte leaves nothing to ask for. */
const receive = async (reading: Reading): Promise<Progress> => {
  const { object, sink, context } = reading;
  const known = reading.progress;
  if (known !== undefined && known.received === known.sizeBytes) return known;
  const answer = await request(object, known, context);
  const progress = known ?? beginProgress(object, answer);
  if (known === undefined) await beginSink(answer, { progress, sink });
  reading.progress = progress;
  if (progress.received < progress.sizeBytes) await drain(answer, { progress, sink }, context);
  return progress;
};

/** Returns an error after which the read can go on. @throws StaleRead if it cannot, UserError of the sink */
const judge = (thrown: unknown, { progress }: Reading): unknown => {
  if (thrown instanceof StaleRead || thrown instanceof UserError) throw thrown;
  if (progress !== undefined && isTaken(thrown)) throw new StaleRead('it was replaced while it was read');
  return thrown;
};

const activityOf = ({ uri, bucket }: S3Object): S3Activity => ({
  doing: `Reading ${uri}`,
  bucket,
  writes: false,
});

const request = async (
  { bucket: Bucket, key: Key }: S3Object,
  progress: Progress | undefined,
  { sdk, client, signal }: ReadContext,
): Promise<Answer> => {
  const resumed = progress && { Range: `bytes=${progress.received}-`, IfMatch: progress.etag };
  const command = new sdk.GetObjectCommand({ Bucket, Key, ...resumed });
  if (resumed === undefined) askForChecksums(command);
  return (await client.send(command, { abortSignal: signal })) as Answer;
};

/** With `ChecksumMode`, the SDK would compute them, too, and only for reads that are not resumed. */
const askForChecksums = (command: GetObjectCommand): void =>
  command.middlewareStack.add(
    (next) => (given) => {
      const { headers } = given.request as { readonly headers: Record<string, string> };
      headers['x-amz-checksum-mode'] = 'ENABLED';
      return next(given);
    },
    { step: 'build' },
  );

/** A body of unknown size could neither be refused before it is read, nor be distinguished from one that was cut. */
const beginProgress = ({ uri }: S3Object, answer: Answer): Progress => {
  if (answer.ContentLength === undefined) {
    streamOf(answer.Body).destroy();
    throw new UserError(
      'StorageUnavailable',
      `Reading ${uri}: the server gave no Content-Length. Check whether a proxy in between changes its answers.`,
    );
  }
  const { make, expected } = chooseChecksum(answer) ?? {};
  return {
    etag: answer.ETag ?? '',
    sizeBytes: answer.ContentLength,
    checksum: make?.(),
    expected,
    received: 0,
  };
};

/** A sink that refuses the size ends the answer, too. */
const beginSink = async ({ Body: body }: Answer, { progress, sink }: Receiving): Promise<void> => {
  try {
    await sink.begin(progress.sizeBytes);
  } catch (thrown) {
    streamOf(body).destroy();
    throw thrown;
  }
};

const streamOf = (body: Answer['Body']) => body as unknown as Readable;

type Receiving = { readonly progress: Progress; readonly sink: ContentSink };

/** Reads the body to its end. A body that stalls is destroyed, which looks like a cut connection. */
const drain = async (
  { Body: body }: Answer,
  { progress, sink }: Receiving,
  context: ReadContext,
): Promise<void> => {
  const stream = streamOf(body);
  const ended = new AbortController();
  const abort = () => stream.destroy(context.signal.reason as Error);
  context.signal.addEventListener('abort', abort);
  void destroyIfIdle(stream, progress, { ...context, signal: ended.signal });
  try {
    for await (const chunk of stream) {
      const bytes = chunk as Buffer;
      progress.checksum?.update(bytes);
      await sink.write(bytes);
      progress.received += bytes.length;
    }
  } finally {
    ended.abort();
    context.signal.removeEventListener('abort', abort);
  }
  if (progress.received < progress.sizeBytes) throw networkError('ECONNRESET', 'the body ended early');
};

/** Looks once in `idleMs` whether bytes came, until the signal says that the body has ended. */
const destroyIfIdle = async (
  stream: Readable,
  progress: Progress,
  { clock, idleMs, signal }: ReadContext,
): Promise<void> => {
  for (let seen = -1; seen !== progress.received; ) {
    seen = progress.received;
    const isOver = await clock.sleep(idleMs, signal).then(
      () => false,
      () => true, // The body has ended.
    );
    if (isOver) return;
  }
  stream.destroy(networkError('ETIMEDOUT', 'no byte arrived'));
};

const networkError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

const finish = ({ checksum, expected, received, sizeBytes }: Progress): void => {
  const isDamaged = received !== sizeBytes || checksum?.digest() !== expected;
  if (isDamaged) throw new StaleRead('it arrived with another checksum than the storage has');
};

/** The content in memory. Its size is compared with the limit before a byte is read. @throws UserError as `readObject` */
export const readWhole = async (
  object: S3Object,
  limit: LimitName,
  context: ReadContext,
): Promise<Uint8Array> => {
  let bytes = Buffer.alloc(0);
  let at = 0;
  const begin = (sizeBytes: number): void => {
    requireWithin(limit, {
      claimed: sizeBytes,
      reason: 'InputNotFound',
      found: `Reading ${object.uri}: it has`,
    });
    bytes = Buffer.alloc(sizeBytes);
    at = 0;
  };
  const write = (chunk: Uint8Array): void => {
    bytes.set(chunk, at);
    at += chunk.length;
  };
  await readObject(object, { begin, write }, context);
  return bytes;
};
