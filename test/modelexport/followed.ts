/** Follows the objects of a test by watches instead of polling, and acts as the kubelets. */
import { Registry } from 'prom-client';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportCacheOptions } from '../../src/cluster/modelexport/caches.ts';
import { jobCacheOptions, jobResources, podCacheOptions } from '../../src/cluster/ownedjobs/caches.ts';
import type { JobObject, PodObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { Informer } from '../../src/cluster/runtime/informer.ts';
import type { Store } from '../../src/cluster/runtime/store.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { informerMetrics } from '../../src/ground/observability/metrics.ts';
import { anEngineBuilt, anExported, aTensorfileWritten } from '../builders/objects.ts';
import { aSucceededPod } from '../builders/pods.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error };
const everywhere = { namespace: undefined } as const;

export type Followed = { readonly modelExports: Store<ModelExport>; readonly jobs: Store<JobObject> };

/** Runs until the signal aborts. Pods of Jobs succeed shortly after they are created. */
export const follow = (client: KubeClient, signal: AbortSignal): Followed => {
  const metrics = informerMetrics(new Registry());
  const deps = { client, clock: systemClock, random: () => 0.5, metrics, log: silent };
  const modelExports = new Informer(
    modelExportCacheOptions(everywhere, () => {}),
    deps,
  );
  const jobs = new Informer(
    jobCacheOptions(everywhere, () => {}),
    deps,
  );
  const pods = new Informer(
    podCacheOptions(everywhere, ({ before, after }) => {
      if (before === undefined && after) void endPod(client, after, signal).catch(() => {}); // It may be deleted.
    }),
    deps,
  );
  for (const informer of [modelExports, jobs, pods]) void informer.run(signal);
  return { modelExports: modelExports.store, jobs: jobs.store };
};

/** Long enough for the operator to observe each pending pod, and one class complete before the other. */
const msOf = (deviceClass: string | undefined): number => (deviceClass === 'cpu' ? 400 : 150);

const statusAtEnd = (stage: string | undefined) => {
  if (stage === 'tensorfile') return aSucceededPod('tensorfile', aTensorfileWritten());
  return stage === 'export'
    ? aSucceededPod('export', anExported())
    : aSucceededPod('publish', anEngineBuilt());
};

const endPod = async (client: KubeClient, { metadata }: PodObject, signal: AbortSignal): Promise<void> => {
  const { 'export.tlt.dev/device-class': deviceClass, 'export.tlt.dev/stage': stage } = metadata.labels ?? {};
  await systemClock.sleep(msOf(deviceClass), signal);
  const status = statusAtEnd(stage);
  const { namespace, name } = metadata;
  await client.mergePatch(jobResources.pods, { namespace, name, subresource: 'status' }, { status }, signal);
};
