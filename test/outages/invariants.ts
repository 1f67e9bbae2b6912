/** Invariants under all faults, checked by watching the apiserver. */
import { Registry } from 'prom-client';
import { labels, ownerLabels } from '../../src/cluster/api/labels.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { JobObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { Informer } from '../../src/cluster/runtime/informer.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { informerMetrics } from '../../src/ground/observability/metrics.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error };

export type Guard = {
  /** Violations so far. */
  readonly broken: readonly string[];
  readonly exports: () => readonly ModelExport[];
  /** Whether every export is Ready at its current generation, or suspended without an active Job. */
  readonly settled: () => boolean;
};

/**
 * How long a Job may be active after its export is suspended: the time for the operator to observe and act, faults
 * included.
 */
const suspensionGraceMs = 20_000;

export const guard = (client: KubeClient, signal: AbortSignal): Guard => {
  const broken: string[] = [];
  const deps = {
    client,
    clock: systemClock,
    random: Math.random,
    metrics: informerMetrics(new Registry()),
    log: silent,
  };
  const jobs = new Informer<JobObject>(
    {
      resource: jobResources.jobs,
      project: (raw) => raw as JobObject,
      onChange: ({ after }) => after && checkTwins(after),
    },
    deps,
  );
  const exports = new Informer<ModelExport>(
    {
      resource: modelExportResource,
      project: (raw) => raw as ModelExport,
      onChange: ({ before, after }) => before && after && checkKept(before, after),
    },
    deps,
  );
  const liveJobs = () => jobs.store.list().filter(isLive);
  const checkTwins = (job: JobObject): void => {
    const twins = liveJobs().filter((other) => contentOf(other) === contentOf(job));
    if (twins.length > 1)
      broken.push(`two live Jobs of ${contentOf(job)}: ${twins.map(({ metadata }) => metadata.name)}`);
  };
  const checkKept = (before: ModelExport, after: ModelExport): void => {
    if (before.metadata.uid !== after.metadata.uid) return;
    const lost = resultsIn(before).filter((result) => !resultsIn(after).includes(result));
    if (lost.length > 0 && before.metadata.generation === after.metadata.generation)
      broken.push(`${after.metadata.name} lost ${lost.join(', ')}`);
  };
  const suspendedSince = new Map<string, number>();
  const noteSuspensions = (): void => {
    for (const { metadata, spec } of exports.store.list()) {
      if (!spec.suspend) suspendedSince.delete(metadata.uid);
      else if (!suspendedSince.has(metadata.uid)) suspendedSince.set(metadata.uid, systemClock.elapsed());
    }
  };
  const checkSuspended = (): void => {
    noteSuspensions();
    for (const job of liveJobs()) {
      const owner = job.metadata.labels?.[ownerLabels.ModelExport.uid] ?? '';
      const age = systemClock.elapsed() - (suspendedSince.get(owner) ?? Number.POSITIVE_INFINITY);
      if (age > suspensionGraceMs && job.spec.suspend !== true)
        broken.push(`${job.metadata.name} runs although its export is suspended`);
    }
  };
  const timer = setInterval(checkSuspended, 1000);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  for (const informer of [jobs, exports]) void informer.run(signal);
  return {
    broken,
    exports: () => exports.store.list(),
    settled: () =>
      exports.store.list().every((each) => isReady(each) || (each.spec.suspend && !hasJob(each))),
  };
  function hasJob({ metadata }: ModelExport): boolean {
    return liveJobs().some(
      ({ metadata: own, spec }) =>
        own.labels?.[ownerLabels.ModelExport.uid] === metadata.uid && spec.suspend !== true,
    );
  }
};

const isLive = ({ metadata, status }: JobObject): boolean =>
  metadata.deletionTimestamp === undefined &&
  !status?.conditions?.some(
    ({ type, status: value }) => ['Complete', 'Failed'].includes(type) && value === 'True',
  );

/** The artifact and the owner of a Job. */
const contentOf = ({ metadata }: JobObject): string => {
  const of = (label: string) => metadata.labels?.[label] ?? '';
  return [
    of(ownerLabels.ModelExport.uid),
    of(labels.stage),
    of(labels.deviceClass),
    of(labels.artifactKey),
  ].join('/');
};

const resultsIn = ({ status }: ModelExport): readonly string[] => [
  ...(status?.export?.etlt ? [status.export.etlt.uri] : []),
  ...(status?.engines ?? []).flatMap(({ uri }) => uri ?? []),
];

const isReady = ({ metadata, status }: ModelExport): boolean =>
  status?.observedGeneration === metadata.generation &&
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
