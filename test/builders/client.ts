/** A client of a real apiserver. Its metrics go to a registry of its own unless one is given. */
import { Registry } from 'prom-client';
import { type KubeClient, makeClient } from '../../src/cluster/runtime/client.ts';
import type { Connection } from '../../src/cluster/runtime/connection.ts';
import { connectByKubeconfig } from '../../src/cluster/runtime/kubeconfig.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import { restMetrics } from '../../src/ground/observability/metrics.ts';

export const aClient = (connection: Connection, registry = new Registry()): KubeClient =>
  makeClient({ connection, clock: systemClock, metrics: restMetrics(registry) });

/** Makes a client from a kubeconfig file. */
export const aClientOf = (kubeconfig: string, registry?: Registry): KubeClient =>
  aClient(connectByKubeconfig(kubeconfig), registry);
