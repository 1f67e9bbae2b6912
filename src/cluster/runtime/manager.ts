/**
 * Startup and graceful shutdown. Startup: caches, lease, workers. Shutdown: queues stop, work in progress drains, the
 * lease is released last.
 */

import type { Clock } from '../../ground/base/clock.ts';
import { installation } from '../../ground/contract/installation.ts';
import type { Log } from '../../ground/observability/log.ts';
import type { Informer } from './informer.ts';
import type { Lease } from './lease.ts';
import type { WorkQueue } from './queue.ts';
import { resync } from './resync.ts';
import type { NamedObject } from './store.ts';

// biome-ignore lint/suspicious/noExplicitAny: the manager runs caches of any kind and reads none of them
type AnyInformer = Informer<NamedObject & any>;

/** A controller and its queue. */
export type ManagedController = {
  readonly queue: WorkQueue;
  /** Adds every object to the queue, with low priority. */
  readonly enqueueAll: () => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Everything that the manager starts and stops. */
export type ManagerParts = {
  readonly informers: readonly AnyInformer[];
  readonly controllers: readonly ManagedController[];
  /** Undefined if leader election is disabled: this process leads at once. */
  readonly lease: Lease | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
};

/** Time for work in progress to finish after a stop. */
const drainMs = installation.drainSeconds * 1000;

/**
 * Runs until `stop` aborts.
 * @throws Error if the lease is lost: the process must exit
 */
export const runManager = async (parts: ManagerParts, stop: AbortSignal): Promise<void> => {
  const { informers, controllers, lease, clock, log } = parts;
  for (const { queue } of controllers) queue.hold();
  const caches = Promise.all(informers.map((informer) => informer.run(stop)));
  await waitForSync(informers, clock, stop);
  log.info('caches are synced', { caches: informers.length });
  if (lease) await lease.acquire(stop);
  await runWhileLeading(parts, stop);
  await caches;
};

const waitForSync = async (
  informers: readonly AnyInformer[],
  clock: Clock,
  stop: AbortSignal,
): Promise<void> => {
  while (!informers.every(({ synced }) => synced)) await clock.sleep(20, stop);
};

const runWhileLeading = async (parts: ManagerParts, stop: AbortSignal): Promise<void> => {
  const { controllers, lease, clock, log } = parts;
  const cut = new AbortController();
  const work = Promise.all(
    controllers.map((controlled) => runManagedController(controlled, parts, cut.signal)),
  );
  const stopped = new Promise<'stopped'>((resolve) => {
    stop.addEventListener('abort', () => resolve('stopped'), { once: true });
    if (stop.aborted) resolve('stopped');
  });
  const ending = lease
    ? await Promise.race([stopped, lease.keep(stop).then(() => 'lost' as const)])
    : await stopped;
  for (const { queue } of controllers) queue.stop();
  if (ending === 'lost' && !stop.aborted) {
    cut.abort(new Error('lost the leader lease'));
    throw new Error('lost the leader lease: another process may lead now');
  }
  log.info('shutting down: draining in-flight work');
  const late = clock.sleep(drainMs, cut.signal).then(
    () => cut.abort(new Error('the drain time is over')),
    () => {}, // The work finished in time.
  );
  await work;
  cut.abort();
  await late;
  await lease?.release(AbortSignal.timeout(5000));
};

/** Queues drop keys until here: the caches hold every object. */
const runManagedController = async (
  { queue, enqueueAll, run }: ManagedController,
  { clock, random }: ManagerParts,
  signal: AbortSignal,
): Promise<void> => {
  queue.resume();
  enqueueAll();
  const over = new AbortController();
  const resyncing = resync({ clock, random, enqueueAll }, over.signal);
  await run(signal);
  over.abort();
  await resyncing;
};
