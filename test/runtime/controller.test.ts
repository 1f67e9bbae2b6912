/** What a failed reconcile logs. */
import test from 'ava';
import { Registry } from 'prom-client';
import { runController } from '../../src/cluster/runtime/controller.ts';
import { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { NotLeading } from '../../src/cluster/runtime/write-guard.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { controllerMetrics, queueMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';

const errorsOf = async (failure: Error): Promise<{ readonly errors: number; readonly tries: number }> => {
  const clock = new HandClock();
  const registry = new Registry();
  let errors = 0;
  let tries = 0;
  const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => void errors++ };
  const queue = new WorkQueue({ name: 'test', clock, random: () => 0.5, metrics: queueMetrics(registry) });
  const reconcile = async () => {
    tries++;
    throw failure;
  };
  const metrics = controllerMetrics(registry);
  const stop = new AbortController();
  const running = runController({ queue, workers: 1, reconcile }, { clock, log, metrics }, stop.signal);
  queue.add('vision/demo');
  for (let second = 0; second < 60; second++) await clock.pass(1000);
  queue.stop();
  await running;
  return { errors, tries };
};

test('a write that is rejected without the lease is tried again, and logged where the lease is lost', async (t) => {
  const { errors, tries } = await errorsOf(new NotLeading('no lease'));
  t.is(errors, 0);
  t.true(tries > 1);
});

test('any other failure is logged at each try', async (t) => {
  const { errors, tries } = await errorsOf(new Error('broken'));
  t.is(errors, tries);
  t.true(tries > 1);
});
