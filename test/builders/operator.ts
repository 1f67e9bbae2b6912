/** Runs the whole operator in this process on a real apiserver. */
import { Registry } from 'prom-client';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { runManager } from '../../src/cluster/runtime/manager.ts';
import type { Namespaces } from '../../src/cluster/runtime/scoped-cache.ts';
import { makeControllers } from '../../src/controllers.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import type { Log } from '../../src/ground/observability/log.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Resolves when the operator has stopped after the signal. */
export const runOperator = (
  client: KubeClient,
  stop: AbortSignal,
  namespaces: Namespaces = undefined,
): Promise<void> => {
  const clock = systemClock;
  const random = () => 0.5;
  const parts = makeControllers({
    client,
    clock,
    random,
    log: silent,
    registry: new Registry(),
    namespaces,
    images: { worker: 'worker:dev', rtx: 'rtx:dev' },
    workers: 2,
    metricsPerObject: true,
    instance: 'test',
  });
  return runManager({ ...parts, lease: undefined, clock, random, log: silent }, stop);
};
