/**
 * Runs a command in a container, and reads its standard output as it arrives: over the WebSocket of `pods/exec`, as kubectl does.
 * The log of a container is no alternative: kubelets rotate it, and it is text.
 */
import { PassThrough, Writable } from 'node:stream';
import { Exec, type KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../ground/base/clock.ts';
import { ApiError } from './api-error.ts';
import { startTimeLimit } from './time-limit.ts';
import { Watchdog } from './watch-events.ts';

/** A container and a command, without a shell. */
export type PodCommand = {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
};

/**
 * The output of the command. Ends when the command succeeded.
 * @throws CommandFailed; ApiError if the apiserver refuses, or if the connection breaks or is silent for a minute
 */
export type PodExec = (command: PodCommand, signal: AbortSignal) => AsyncGenerator<Buffer>;

/** The command ended with another exit code than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  /** Undefined if the command did not start. */
  readonly exitCode: number | undefined;
  constructor(exitCode: number | undefined, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The part of `ws` that is used; client-node has no types for it. */
type Socket = {
  on(event: 'message' | 'close', listener: () => void): void;
  pause(): void;
  resume(): void;
  terminate(): void;
};

/** metav1.Status, as the kubelet sends it at the end. */
type EndStatus = {
  readonly status?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
};

/** Time limit for the start of the command. */
const answerTimeoutMs = 30_000;
const silenceMs = 60_000;
/** Bytes that wait for a slow reader before the connection is paused. */
const waitingBytes = 2 ** 20;
/** Enough for the error messages of one command. */
const errorLimit = 4096;

/** Runs commands in the cluster of this configuration. */
export const makePodExec = (config: KubeConfig, clock: Clock): PodExec =>
  async function* (command, signal) {
    signal.throwIfAborted();
    const stdout = new PassThrough({ highWaterMark: waitingBytes });
    stdout.on('error', () => {}); // Thrown by the loop below; before it starts, the time limit reports the same abort.
    const abort = () => stdout.destroy(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const { socket, end } = await openSocket(config, { command, stdout, signal, clock });
    try {
      using watchdog = new Watchdog(stdout, { clock, silenceMs });
      for await (const chunk of stdout) {
        watchdog.heard();
        yield chunk as Buffer;
      }
      requireSuccess(end());
    } finally {
      signal.removeEventListener('abort', abort);
      socket.terminate();
    }
  };

type End = { readonly status: EndStatus; readonly stderr: string };

type Opening = {
  readonly command: PodCommand;
  readonly stdout: PassThrough;
  readonly signal: AbortSignal;
  readonly clock: Clock;
};

/** `end` is valid once `stdout` has ended. */
const openSocket = async (
  config: KubeConfig,
  { command: { namespace, pod, container, command }, stdout, signal, clock }: Opening,
): Promise<{ readonly socket: Socket; readonly end: () => End }> => {
  const what = `exec in pod ${namespace}/${pod}`;
  let text = '';
  let status: EndStatus = {};
  const stderr = new Writable({
    write: (part: Buffer, _encoding, done) => {
      text = (text + part.toString('utf8')).slice(0, errorLimit);
      done();
    },
  });
  const onStatus = (found: object): void => {
    status = found;
  };
  const opened = new Exec(config).exec(
    namespace,
    pod,
    container,
    [...command],
    stdout,
    stderr,
    null,
    false,
    onStatus,
  );
  const limit = startTimeLimit(signal, {
    clock,
    limitMs: answerTimeoutMs,
    reason: () => unreachable(`${what}: no response within ${answerTimeoutMs / 1000} s`),
  });
  const socket = await Promise.race([opened, whenAborted(limit.signal)])
    .catch((thrown: unknown) => {
      throw limit.signal.aborted ? thrown : explainRefusal(what, thrown);
    })
    .finally(limit.end);
  pauseWhileFull(socket as unknown as Socket, stdout, what);
  return { socket: socket as unknown as Socket, end: () => ({ status, stderr: text }) };
};

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

const pauseWhileFull = (socket: Socket, stdout: PassThrough, what: string): void => {
  socket.on('message', () => {
    if (!stdout.writableNeedDrain) return;
    socket.pause();
    stdout.once('drain', () => socket.resume());
  });
  socket.on('close', () => {
    if (!stdout.writableEnded) stdout.destroy(unreachable(`${what}: the connection closed before its end`));
  });
};

const unreachable = (message: string): ApiError =>
  new ApiError({ status: 0, reason: 'Unreachable', message });

/** `ws` reports the HTTP status of a refused handshake in the text of an ErrorEvent. */
const explainRefusal = (what: string, thrown: unknown): ApiError => {
  const { message = String(thrown) } = Object(thrown) as { readonly message?: string };
  const code = /Unexpected server response: (\d{3})/.exec(message)?.[1];
  return code === undefined
    ? unreachable(`${what}: ${message}`)
    : new ApiError({ status: Number(code), reason: 'Unknown', message: `${what}: ${code}` });
};

const requireSuccess = ({ status, stderr }: End): void => {
  if (status.status === 'Success') return;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  const message = stderr.trim() === '' ? (status.message ?? 'no status') : stderr.trim();
  throw new CommandFailed(cause === undefined ? undefined : Number(cause), message);
};
