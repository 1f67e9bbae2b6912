/** The thread of a `SessionThread`. */
import { parentPort } from 'node:worker_threads';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { type FloatTensor, type FloatTensors, openSession, type Session } from './session.ts';
import type { ThreadRequest, ThreadResponse } from './session-thread-messages.ts';

let session: Session | undefined;

const release = async (): Promise<void> => {
  const open = session;
  session = undefined;
  await open?.release();
};

const answerTo = async (request: ThreadRequest): Promise<ThreadResponse> => {
  if (request.kind === 'run') return { kind: 'outputs', outputs: await runOnce(request.feeds) };
  await release();
  if (request.kind === 'release') return { kind: 'done' };
  session = await openSession(request.model, request.options);
  request.model.buffer.transfer(0);
  return { kind: 'done' };
};

/** Frees the inputs at once; garbage collection would wait until many have accumulated. */
const runOnce = async (feeds: FloatTensors): Promise<Record<string, FloatTensor>> => {
  const outputs = await session!.run(feeds);
  for (const { data } of Object.values(feeds)) (data.buffer as ArrayBuffer).transfer(0);
  return outputs;
};

const failureOf = (thrown: unknown): ThreadResponse =>
  thrown instanceof UserError
    ? { kind: 'refused', reason: thrown.reason, message: thrown.message }
    : { kind: 'failed', message: messageOf(thrown) };

/** Outputs are moved to the receiver, not copied. Two outputs may be one tensor. */
const send = (answer: ThreadResponse): void => {
  const tensors = answer.kind === 'outputs' ? Object.values(answer.outputs) : [];
  const buffers = new Set(tensors.map(({ data }) => data.buffer as ArrayBuffer));
  parentPort?.postMessage(answer, [...buffers]);
};

let turn: Promise<void> = Promise.resolve();
parentPort?.on('message', (request: ThreadRequest) => {
  turn = turn.then(async () => send(await answerTo(request).catch(failureOf)));
});
