/** A client of a real apiserver, whose metrics nobody reads unless a registry is given. */
import { Registry } from 'prom-client';
import { systemClock } from '../../src/base/clock.ts';
import { restMetrics } from '../../src/observability/metrics.ts';
import { type KubeClient, makeClient } from '../../src/runtime/client.ts';
import type { Connection } from '../../src/runtime/connection.ts';
import { openConnection } from '../../src/runtime/kubeconfig.ts';

export const aClient = (connection: Connection, registry = new Registry()): KubeClient =>
  makeClient({ connection, clock: systemClock, metrics: restMetrics(registry) });

/** By a kubeconfig file. */
export const aClientOf = (kubeconfig: string, registry?: Registry): KubeClient =>
  aClient(openConnection(kubeconfig), registry);
