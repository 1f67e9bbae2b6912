/** What a test follows of a cluster, by watches and not by asking again and again; and the kubelets' part, played by it. */
import { Registry } from 'prom-client';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportCacheOptions } from '../../src/cluster/modelexport/caches.ts';
import { jobCacheOptions, jobResources, podCacheOptions } from '../../src/cluster/ownedjobs/caches.ts';
import type { JobObject, PodObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import { isStatus } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { Informer } from '../../src/cluster/runtime/informer.ts';
import type { Store } from '../../src/cluster/runtime/store.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { informerMetrics } from '../../src/ground/observability/metrics.ts';
import { anEngineBuilt, anExported, aTensorfileWritten } from '../builders/objects.ts';
import { aFailedPod, aSucceededPod } from '../builders/pods.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error };
const everywhere = { namespace: undefined } as const;

export type Followed = { readonly modelExports: Store<ModelExport>; readonly jobs: Store<JobObject> };

type Labels = Readonly<Record<string, string>>;

/** Pods of exports named `…broken` fail, and with them the exports. */
const failBroken = (labels: Labels): FailureReason | undefined =>
  labels['export.tlt.dev/model-export']?.endsWith('broken') ? 'WrongKey' : undefined;

/** How a pod runs whose status has times. */
export type Run = {
  readonly ms: number;
  /** Whether it finds its work done. */
  readonly reused: boolean;
};

/**
 * Runs until the signal aborts. Pods of Jobs end shortly after they are created.
 * @param failureOf how the pod with these labels fails, if it does
 * @param runOf how the pod with these labels runs; without it, all are short, and no status has times
 */
export const follow = (
  client: KubeClient,
  signal: AbortSignal,
  failureOf: (labels: Labels) => FailureReason | undefined = failBroken,
  runOf?: (labels: Labels) => Run,
): Followed => {
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
      if (before === undefined && after)
        void endPod(client, after, { signal, failureOf, runOf }).catch(() => {}); // The test is over.
    }),
    deps,
  );
  for (const informer of [modelExports, jobs, pods]) void informer.run(signal);
  return { modelExports: modelExports.store, jobs: jobs.store };
};

/** Long enough that an operator sees each pod wait, and one class done before the other. */
const msOf = (deviceClass: string | undefined): number => (deviceClass === 'cpu' ? 400 : 150);

const statusAtEnd = (stage: string | undefined, run: Run | undefined) => {
  const { reused = false } = run ?? {};
  if (stage === 'tensorfile') return aSucceededPod('tensorfile', { ...aTensorfileWritten(), reused });
  if (stage !== 'export') return aSucceededPod('publish', { ...anEngineBuilt(), reused });
  const pass = run && { calibrationPass: { images: 80, seconds: (run.ms / 1000).toFixed(3) } };
  return aSucceededPod('export', anExported({ ...pass, reused }));
};

type Ending = {
  readonly signal: AbortSignal;
  readonly failureOf: (labels: Labels) => FailureReason | undefined;
  readonly runOf: ((labels: Labels) => Run) | undefined;
};

/** The status with the time at which the container started. */
const startedAt = (started: Date, status: ReturnType<typeof aFailedPod>) => ({
  ...status,
  containerStatuses: status.containerStatuses.map((container) => ({
    ...container,
    state: { terminated: { ...container.state.terminated, startedAt: started.toISOString() } },
  })),
});

const endPod = async (
  client: KubeClient,
  { metadata }: PodObject,
  { signal, failureOf, runOf }: Ending,
): Promise<void> => {
  const { labels = {}, namespace, name } = metadata;
  const { 'export.tlt.dev/device-class': deviceClass, 'export.tlt.dev/stage': stage } = labels;
  const started = new Date();
  const run = runOf?.(labels);
  await systemClock.sleep(run?.ms ?? msOf(deviceClass), signal);
  const failure = failureOf(labels);
  const end = failure
    ? aFailedPod(stage === 'engine' ? 'build' : 'export', failure)
    : statusAtEnd(stage, run);
  const status = run === undefined ? end : startedAt(started, end);
  const at = { namespace, name, subresource: 'status' };
  for (;;) {
    try {
      await client.mergePatch(jobResources.pods, at, { status }, signal);
      return;
    } catch (thrown) {
      if (isStatus(thrown, 404)) return; // Its Job was suspended or deleted.
      await systemClock.sleep(500, signal); // The apiserver does not answer: a kubelet repeats what it has to say.
    }
  }
};
