/** Whom the end of a Job enqueues besides its owner: those in its namespace that wait for it. */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import type { JobObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import { Refusals, refusalPauseMs } from '../../src/cluster/ownedjobs/refusals.ts';
import { findWaiting, makeRoomListener, waitingIndex } from '../../src/cluster/ownedjobs/waiting.ts';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import type { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { type NamedObject, Store } from '../../src/cluster/runtime/store.ts';
import { HandClock } from '../base/hand-clock.ts';
import { aModelExport } from '../builders/objects.ts';

const withReason = (name: string, namespace: string, reason: string): ModelExport => {
  const condition = {
    type: 'Built',
    status: 'False',
    reason,
    message: 'm',
    lastTransitionTime: 't',
  } as const;
  return aModelExport({
    metadata: { name, namespace },
    status: { engines: [{ deviceClass: 'cpu', conditions: [condition] }] },
  });
};

const aWorld = () => {
  const clock = new HandClock();
  const enqueued: string[] = [];
  const queue = { addAfter: (key: string) => void enqueued.push(key) } as unknown as WorkQueue;
  const exports = new Store<ModelExport>({ [waitingIndex]: findWaiting });
  exports.set(withReason('twin', 'vision', 'WaitingForTwin'));
  exports.set(withReason('refused', 'vision', 'JobRefused'));
  exports.set(withReason('building', 'vision', 'Building'));
  exports.set(withReason('elsewhere', 'radar', 'JobRefused'));
  const owners = () => ({ ModelExport: exports, CalibrationTensorfile: new Store<NamedObject>() });
  const refusals = new Refusals(clock);
  const queues = { ModelExport: queue, CalibrationTensorfile: queue };
  return { clock, enqueued, refusals, roomMade: makeRoomListener({ queues, owners, refusals }) };
};

const aJob = (conditions: readonly { type: string; status: string }[] = []): JobObject =>
  ({
    metadata: { name: 'job', namespace: 'vision', uid: 'uid' },
    spec: {},
    suspendedByUs: false,
    status: { conditions },
  }) as unknown as JobObject;
const complete = aJob([{ type: 'Complete', status: 'True' }]);

test('a Job that completes or is deleted enqueues the objects of its namespace that wait', (t) => {
  for (const after of [complete, undefined]) {
    const { enqueued, roomMade } = aWorld();
    roomMade({ before: aJob(), after, initial: false });
    t.deepEqual(enqueued, ['vision/twin', 'vision/refused']);
  }
});

test('a Job that starts, or had ended before, enqueues nobody', (t) => {
  const { enqueued, roomMade } = aWorld();
  roomMade({ before: undefined, after: aJob(), initial: false });
  roomMade({ before: aJob(), after: aJob(), initial: false });
  roomMade({ before: complete, after: undefined, initial: false });
  t.deepEqual(enqueued, []);
});

const exceeded = new ApiError({ status: 403, reason: 'Forbidden', message: 'exceeded quota' });
const invalid = new ApiError({ status: 422, reason: 'Invalid', message: 'a label is invalid' });

test('each end lets one rejected create of the namespace be repeated at once, the oldest first', async (t) => {
  const { clock, refusals, roomMade } = aWorld();
  refusals.note('vision/invalid', invalid);
  refusals.note('radar/other', exceeded);
  for (const name of ['first', 'second']) refusals.note(`vision/${name}`, exceeded);
  const due = () =>
    ['vision/invalid', 'radar/other', 'vision/first', 'vision/second'].filter(
      (job) => refusals.of(job)!.isDue,
    );
  t.deepEqual(due(), []);
  roomMade({ before: aJob(), after: complete, initial: false });
  t.deepEqual(due(), ['vision/first']);
  refusals.note('vision/first', exceeded);
  t.deepEqual(due(), [], 'it was rejected again, and goes to the end');
  roomMade({ before: aJob(), after: complete, initial: false });
  t.deepEqual(due(), ['vision/second']);
  await clock.pass(refusalPauseMs);
  t.true(due().includes('vision/first'), 'each is repeated every minute all the same');
});
