/** Runs the whole operator in this process on a real apiserver. */
import { Registry } from 'prom-client';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { runManager } from '../../src/cluster/runtime/manager.ts';
import type { Namespaces } from '../../src/cluster/runtime/scoped-cache.ts';
import { makeControllers } from '../../src/controllers.ts';
import { type Clock, systemClock } from '../../src/ground/base/clock.ts';
import type { Log } from '../../src/ground/observability/log.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What differs from an operator of all namespaces with the defaults of its flags. */
type Settings = {
  readonly namespaces?: Namespaces;
  readonly progressMs?: number;
  readonly clock?: Clock;
};

/** Resolves when the operator has stopped after the signal. */
export const runOperator = (
  client: KubeClient,
  stop: AbortSignal,
  { namespaces, progressMs = 15_000, clock = systemClock }: Settings = {},
): Promise<void> => {
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
    progressMs,
    instance: 'test',
  });
  return runManager({ ...parts, lease: undefined, clock, random, log: silent }, stop);
};
