/** A program as a process with bounded time, output and diagnostics: bytes in, bytes out, a key on descriptor 3, no shell. */
import { type ChildProcess, spawn } from 'node:child_process';
import { kill } from 'node:process';
import type { Readable, Writable } from 'node:stream';
import type { Diagnostics } from './diagnostics.ts';

export type ProgramCall = {
  /** The program and its arguments. */
  readonly words: readonly string[];
  readonly input: Uint8Array;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly limitMs: number;
};

export type End =
  | { readonly kind: 'Exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'NotStarted'; readonly cause: Error }
  | { readonly kind: 'TooLong' | 'TooMuch' | 'Interrupted' };

/** Ciphers add a few bytes; this leaves room for armour and compression, and none for a program gone mad. */
export const outputLimit = ({ length }: Uint8Array): number => 2 * length + 2 ** 20;

/** Of standard error, the end is kept: that is where programs say why they failed. */
const diagnosticsLimit = 8192;

export type Ended = { readonly end: End; readonly output: Uint8Array; readonly diagnostics: Diagnostics };

export const runProgram = async (call: ProgramCall): Promise<Ended> => {
  const child = started(call.words);
  if (child instanceof Error) return { end: { kind: 'NotStarted', cause: child }, ...nothing };
  const stop = Promise.withResolvers<End>();
  child.on('error', (cause) => stop.resolve({ kind: 'NotStarted', cause }));
  child.on('close', (code, signal) => stop.resolve({ kind: 'Exited', code, signal }));
  const output = gathered(child.stdout, outputLimit(call.input), () => stop.resolve({ kind: 'TooMuch' }));
  const diagnostics = tail(child.stderr, diagnosticsLimit);
  feed(child.stdio[3] as Writable, Buffer.from(call.key));
  feed(child.stdin, call.input);
  const late = AbortSignal.timeout(call.limitMs);
  whenAborted(late, () => stop.resolve({ kind: 'TooLong' }));
  whenAborted(call.signal, () => stop.resolve({ kind: 'Interrupted' }));
  const end = await stop.promise;
  if (end.kind !== 'Exited') endGroup(child);
  return { end, output: output(), diagnostics: diagnostics() };
};

/** The tool's own signal outlives a call, but a tool makes only a few. */
const whenAborted = (signal: AbortSignal, then: () => void): void => {
  if (signal.aborted) then();
  signal.addEventListener('abort', then);
};

const nothing = { output: Buffer.alloc(0), diagnostics: { bytes: Buffer.alloc(0), cut: false } };

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

const gathered = (stream: Readable, limit: number, tooMuch: () => void): (() => Uint8Array) => {
  const parts: Buffer[] = [];
  let length = 0;
  stream.on('data', (part: Buffer) => {
    length += part.length;
    if (length > limit) return tooMuch();
    parts.push(part);
  });
  return () => Buffer.concat(parts);
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
