/** What must hold whatever goes wrong, checked by watching the apiserver itself and not by asking the operator. */
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
import { roleOf } from './user-actions.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error };

export type Invariants = {
  /** What was violated so far, in words. */
  readonly violations: readonly string[];
  readonly exports: () => readonly ModelExport[];
  /** Jobs created so far. */
  readonly jobCount: () => number;
  /** What is not yet as it must be once everything has come to rest, in words. */
  readonly unsettled: (expected: ReadonlySet<string>) => readonly string[];
};

/** How long a Job may outlive its export, or the suspension of it: what a successor and the slowest fault take. */
const graceMs = 90_000;

export const watchInvariants = (client: KubeClient, signal: AbortSignal): Invariants => {
  const violations: string[] = [];
  const violate = (text: string): void => {
    if (!violations.includes(text)) violations.push(text);
  };
  const clock = systemClock;
  const deps = { client, clock, random: Math.random, metrics: informerMetrics(new Registry()), log: silent };
  /** By what they make: the uids of all Jobs that ever did. */
  const made = new Map<string, Set<string>>();
  const jobs = new Informer<JobObject>(
    {
      resource: jobResources.jobs,
      project: (raw) => raw as JobObject,
      onChange: ({ after }) => after && checkJob(after),
    },
    deps,
  );
  const exports = new Informer<ModelExport>(
    {
      resource: modelExportResource,
      project: (raw) => raw as ModelExport,
      onChange: ({ before, after }) => before && after && lostBetween(before, after).forEach(violate),
    },
    deps,
  );
  const liveJobs = () => jobs.store.list().filter(isLive);
  const checkJob = (job: JobObject): void => {
    const content = contentOf(job);
    const uids = made.get(content) ?? new Set();
    made.set(content, uids.add(job.metadata.uid));
    if (uids.size > 1)
      violate(`${uids.size} Jobs were made for ${content}, the last one ${job.metadata.name}`);
    const twins = liveJobs().filter((other) => contentOf(other) === content);
    if (twins.length > 1)
      violate(`two live Jobs of ${content}: ${twins.map(({ metadata }) => metadata.name)}`);
  };
  /** Why a live Job should not be, by the uid of its export; undefined if it may run. */
  const unwantedFor = (uid: string): string | undefined => {
    const owner = exports.store.list().find(({ metadata }) => metadata.uid === uid);
    if (owner === undefined) return 'its export is deleted';
    return owner.spec.suspend ? 'its export is suspended' : undefined;
  };
  const unwantedJobs = () =>
    liveJobs()
      .filter(({ spec }) => spec.suspend !== true)
      .flatMap(({ metadata: { name, uid, labels: own } }) => {
        const why = unwantedFor(own?.[ownerLabels.ModelExport.uid] ?? '');
        return why === undefined ? [] : [{ uid, text: `${name} runs although ${why}` }];
      });
  const unwantedSince = new Map<string, number>();
  const checkUnwanted = (): void => {
    const found = unwantedJobs();
    for (const uid of unwantedSince.keys())
      if (!found.some((each) => each.uid === uid)) unwantedSince.delete(uid);
    for (const { uid, text } of found) {
      const since = unwantedSince.get(uid) ?? clock.elapsed();
      unwantedSince.set(uid, since);
      if (clock.elapsed() - since > graceMs) violate(text);
    }
  };
  const timer = setInterval(checkUnwanted, 1000);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  for (const informer of [jobs, exports]) void informer.run(signal);
  return {
    violations,
    exports: () => exports.store.list(),
    jobCount: () => [...made.values()].reduce((sum, { size }) => sum + size, 0),
    unsettled: (expected) => {
      const found = new Map(exports.store.list().map((each) => [each.metadata.name, each]));
      return [
        ...[...expected].filter((name) => !found.has(name)).map((name) => `${name} is not seen`),
        ...[...found.keys()].filter((name) => !expected.has(name)).map((name) => `${name} is not deleted`),
        ...[...found.values()].flatMap(unsettledIn),
        ...unwantedJobs().map(({ text }) => text),
      ];
    },
  };
};

const isLive = ({ metadata, status }: JobObject): boolean =>
  metadata.deletionTimestamp === undefined &&
  !status?.conditions?.some(
    ({ type, status: value }) => ['Complete', 'Failed'].includes(type) && value === 'True',
  );

/** What a Job makes, and for which object. */
const contentOf = ({ metadata }: JobObject): string => {
  const of = (label: string) => metadata.labels?.[label] ?? '';
  return [
    of(ownerLabels.ModelExport.name),
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

/** A result that is known stays in status while the object asks for the same. */
const lostBetween = (before: ModelExport, after: ModelExport): readonly string[] => {
  if (before.metadata.uid !== after.metadata.uid) return [];
  if (before.metadata.generation !== after.metadata.generation) return [];
  const kept = resultsIn(after);
  return resultsIn(before)
    .filter((result) => !kept.includes(result))
    .map((result) => `${after.metadata.name} lost ${result}`);
};

/** The condition that each role must end in, once nothing moves. */
const unsettledIn = ({ metadata, spec, status }: ModelExport): readonly string[] => {
  const conditions = status?.observedGeneration === metadata.generation ? (status.conditions ?? []) : [];
  const holds = (type: string, value: string, reason: string) =>
    conditions.some((each) => each.type === type && each.status === value && each.reason === reason);
  const isStopped = spec.suspend && holds('Ready', 'False', 'Suspended');
  const isRight =
    roleOf(metadata.name) === 'broken'
      ? holds('Stalled', 'True', 'WrongKey')
      : holds('Ready', 'True', 'Ready');
  if (isRight || isStopped) return [];
  const { reason, message } = status?.conditions?.find(({ type }) => type === 'Ready') ?? {};
  return [`${metadata.name} is ${reason}: ${message}`];
};
