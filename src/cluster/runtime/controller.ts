/** Workers take keys from a queue and reconcile them. The type of a thrown error decides when a key is retried. */
import type { Clock } from '../../ground/base/clock.ts';
import { messageOf } from '../../ground/base/errors.ts';
import type { Log } from '../../ground/observability/log.ts';
import type { ControllerMetrics } from '../../ground/observability/metrics.ts';
import { ApiError, isStatus } from './api-error.ts';
import type { WorkQueue } from './queue.ts';
import type { Key } from './resources.ts';
import { NotLeading } from './write-guard.ts';

/**
 * Result of one reconcile. `requeueAfterMs`: reconcile again after this time, even without a change; undefined waits
 * for the next change.
 */
export type ReconcileResult = { readonly requeueAfterMs: number | undefined };

/** The shorter of two delays; undefined stands for no requeue. */
export const earlierRequeue = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Reconciles one object. A rejection is retried with backoff. */
export type Reconcile = (key: Key, signal: AbortSignal) => Promise<ReconcileResult>;

/** One controller: its queue, which has its name, its number of workers and its reconcile function. */
export type ControllerOptions = {
  readonly queue: WorkQueue;
  readonly workers: number;
  readonly reconcile: Reconcile;
};

/** What all controllers share. */
export type ControllerDeps = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: ControllerMetrics;
};

/**
 * Runs until the queue is stopped and the keys in progress are finished.
 * @param signal aborts the reconciles in progress
 */
export const runController = async (
  options: ControllerOptions,
  deps: ControllerDeps,
  signal: AbortSignal,
): Promise<void> => {
  const controller = options.queue.name;
  deps.metrics.errors.inc({ controller }, 0);
  deps.metrics.panics.inc({ controller }, 0);
  deps.metrics.maxWorkers.set({ controller }, options.workers);
  await Promise.all(Array.from({ length: options.workers }, () => runWorker(options, deps, signal)));
};

const runWorker = async (
  options: ControllerOptions,
  deps: ControllerDeps,
  signal: AbortSignal,
): Promise<void> => {
  for (let key = await options.queue.take(); key !== undefined; key = await options.queue.take()) {
    await reconcileOne(options, deps, { key, signal });
    options.queue.done(key);
  }
};

type ReconcileRequest = { readonly key: Key; readonly signal: AbortSignal };

const reconcileOne = async (
  options: ControllerOptions,
  deps: ControllerDeps,
  { key, signal }: ReconcileRequest,
): Promise<void> => {
  const { queue, reconcile } = options;
  const controller = queue.name;
  const started = deps.clock.elapsed();
  deps.metrics.active.inc({ controller });
  try {
    const { requeueAfterMs } = await reconcile(key, signal);
    queue.forget(key);
    if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
    deps.metrics.total.inc({
      controller,
      result: requeueAfterMs === undefined ? 'success' : 'requeue_after',
    });
  } catch (thrown) {
    if (!signal.aborted) handleFailure(options, deps, { key, thrown });
  } finally {
    deps.metrics.active.dec({ controller });
    deps.metrics.seconds.observe({ controller }, (deps.clock.elapsed() - started) / 1000);
  }
};

/**
 * A conflict means only that the cache was outdated, and a lost lease that another process leads, which is logged where
 * the lease is kept: both are retried without an error log.
 */
const handleFailure = (
  { queue }: ControllerOptions,
  { log, metrics }: ControllerDeps,
  { key, thrown }: { readonly key: Key; readonly thrown: unknown },
): void => {
  const controller = queue.name;
  const conflict = isStatus(thrown, 409) || thrown instanceof NotLeading;
  metrics.total.inc({ controller, result: conflict ? 'conflict' : 'error' });
  queue.retry(key, thrown instanceof ApiError ? thrown.retryAfterMs : 0);
  if (conflict) return;
  metrics.errors.inc({ controller });
  if (isDefect(thrown)) metrics.panics.inc({ controller });
  const stack = thrown instanceof ApiError || !(thrown instanceof Error) ? undefined : thrown.stack;
  log.error('reconcile failed; retrying', {
    controller,
    key,
    error: messageOf(thrown),
    ...(stack && { stack }),
  });
};

/** What only the program itself can cause. */
const isDefect = (thrown: unknown): boolean =>
  thrown instanceof TypeError || thrown instanceof RangeError || thrown instanceof ReferenceError;
