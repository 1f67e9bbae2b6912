/** A program as a process with bounded time, output and diagnostics: bytes in, bytes out, a key on descriptor 3, no shell. */
import { type ChildProcess, spawn } from 'node:child_process';
import { kill } from 'node:process';
import type { Readable, Writable } from 'node:stream';
import type { Diagnostics } from './diagnostics.ts';
import type { Sink } from './sinks.ts';

export type ProgramCall = {
  /** The program and its arguments. */
  readonly words: readonly string[];
  readonly input: Uint8Array;
  readonly key: string;
  /** Gets standard output. */
  readonly sink: Sink;
  readonly signal: AbortSignal;
  readonly limitMs: number;
};

export type End =
  | { readonly kind: 'Exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'NotStarted'; readonly cause: Error }
  | { readonly kind: 'TooLong' | 'TooMuch' | 'Interrupted' };

/** Of standard error, the end is kept: that is where programs say why they failed. */
const diagnosticsLimit = 8192;

export type Ended = { readonly end: End; readonly diagnostics: Diagnostics };

export const runProgram = async (call: ProgramCall): Promise<Ended> => {
  const child = started(call.words);
  if (child instanceof Error) return { end: { kind: 'NotStarted', cause: child }, diagnostics: silence };
  const stop = Promise.withResolvers<End>();
  child.on('error', (cause) => stop.resolve({ kind: 'NotStarted', cause }));
  child.on('close', (code, signal) => stop.resolve({ kind: 'Exited', code, signal }));
  child.stdout.on('data', (part: Buffer) => {
    if (!call.sink.take(part)) stop.resolve({ kind: 'TooMuch' });
  });
  const diagnostics = tail(child.stderr, diagnosticsLimit);
  feed(child.stdio[3] as Writable, Buffer.from(call.key));
  feed(child.stdin, call.input);
  const late = AbortSignal.timeout(call.limitMs);
  whenAborted(late, () => stop.resolve({ kind: 'TooLong' }));
  whenAborted(call.signal, () => stop.resolve({ kind: 'Interrupted' }));
  const end = await stop.promise;
  if (end.kind !== 'Exited') endGroup(child);
  return { end, diagnostics: diagnostics() };
};

/** The tool's own signal outlives a call, but a tool makes only a few. */
const whenAborted = (signal: AbortSignal, then: () => void): void => {
  if (signal.aborted) then();
  signal.addEventListener('abort', then);
};

const silence: Diagnostics = { bytes: Buffer.alloc(0), cut: false };

/** A group of its own, so that what a wrapper script started ends with it. */
const started = ([program = '', ...words]: readonly string[]) => {
  try {
    return spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true });
  } catch (thrown) {
    return thrown as Error; // Node throws some of the system's refusals and tells others by an event.
  }
};

/** A program that does not read all of it closes its end: its exit code and its output judge it, not this. */
const feed = (stream: Writable, bytes: Uint8Array): void => {
  stream.on('error', () => undefined);
  stream.end(bytes);
};

const tail = (stream: Readable, limit: number): (() => Diagnostics) => {
  let bytes = Buffer.alloc(0);
  let cut = false;
  stream.on('data', (part: Buffer) => {
    cut ||= bytes.length + part.length > limit;
    bytes = Buffer.concat([bytes, part]).subarray(-limit);
  });
  return () => ({ bytes, cut });
};

const endGroup = (child: ChildProcess): void => {
  for (const stream of child.stdio) stream?.destroy();
  try {
    if (child.pid !== undefined) kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
};
