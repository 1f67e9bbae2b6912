/**
 * Reads what running pods report of their progress: the end of the log of the container that does the work. Pods have no token
 * and no network, so their log is the only way. The reads have a queue and workers of their own, so a kubelet that does not
 * answer delays no reconcile.
 */
import { messageOf } from '../../ground/base/errors.ts';
import { findLastReport } from '../../ground/contract/progress.ts';
import type { Stage } from '../../ground/contract/result.ts';
import type { Log } from '../../ground/observability/log.ts';
import { labels } from '../api/labels.ts';
import { parseTime } from '../api/times.ts';
import { isStatus } from '../runtime/api-error.ts';
import type { Reconcile } from '../runtime/controller.ts';
import type { Change } from '../runtime/informer.ts';
import type { WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import type { JobStores } from './caches.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';
import { isPodOf } from './ownership.ts';
import { type LogReaderDeps, readLogTail } from './read-log.ts';
import type { Reports } from './reports.ts';
import { isUnfinished } from './stuck.ts';

/** What reading reports requires. */
export type ReportReaderDeps = LogReaderDeps & {
  readonly log: Log;
  readonly stores: JobStores;
  readonly reports: Reports;
  /** Between two reads of one pod, and from the start of its container to the first, in milliseconds. */
  readonly intervalMs: number;
  /** Called with the Job of a pod that reported something new. */
  readonly onReport: (job: JobObject) => void;
};

/** How many logs are read at a time. */
export const reportWorkers = 2;
/** Pause of a worker after each read: at most 8 reads in a second, however many pods run. */
const pauseMs = 250;
/** After a failed read: the kubelet may be unreachable, or the permission missing. */
const failedIntervals = 4;

/** The container of each stage whose log has reports. */
const working: Readonly<Record<Stage, string>> = {
  calibration: 'calibrate',
  export: 'export',
  engine: 'build',
  tensorfile: 'tensorfile',
};

/** A reconcile function whose keys are pods. It rejects only when its signal aborts. */
export const makeReportReader = (deps: ReportReaderDeps): Reconcile => {
  const { clock, stores, reports, intervalMs, onReport } = deps;
  const explain = makeFailureLog(deps.log);
  return async (key, signal) => {
    const pod = stores.pods.get(key);
    const container = pod && findWorking(pod);
    const job = pod && findJob(stores, pod);
    if (pod === undefined || container === undefined || job === undefined) {
      reports.forget(key);
      return { requeueAfterMs: undefined };
    }
    const earlyMs = container.startedAtMs + intervalMs - clock.now();
    if (earlyMs > 0) return { requeueAfterMs: Math.min(earlyMs, intervalMs) };
    try {
      const report = findLastReport(await readLogTail(deps, { pod, container: container.name }, signal));
      if (report && reports.note(pod, { ...report, readAtMs: clock.now() })) onReport(job);
      await clock.sleep(pauseMs, signal);
      return { requeueAfterMs: intervalMs };
    } catch (thrown) {
      signal.throwIfAborted();
      explain(key, thrown);
      return { requeueAfterMs: failedIntervals * intervalMs };
    }
  };
};

/**
 * A listener for the cache of pods: a pod is followed from the start of its container on.
 * @param intervalMs 0 follows none
 */
export const makeReportFollower =
  (queue: WorkQueue, intervalMs: number) =>
  ({ before, after }: Change<PodObject>): void => {
    if (intervalMs > 0 && after && findWorking(after) && !(before && findWorking(before)))
      queue.addAfter(keyOf(after), intervalMs);
  };

/** Enqueues every pod whose container runs: at the start of leading, and at each resync. */
export const enqueueWorking = (queue: WorkQueue, pods: { list(): readonly PodObject[] }): void => {
  for (const pod of pods.list()) if (findWorking(pod)) queue.add(keyOf(pod), 'low');
};

const findWorking = ({
  metadata,
  status,
}: PodObject): { readonly name: string; readonly startedAtMs: number } | undefined => {
  const stage = metadata.labels?.[labels.stage] ?? '';
  if (metadata.deletionTimestamp !== undefined || !Object.hasOwn(working, stage)) return undefined;
  const name = working[stage as Stage];
  const found = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find(
    (each) => each.name === name,
  );
  const startedAtMs = parseTime(found?.state?.running?.startedAt);
  return startedAtMs === undefined ? undefined : { name, startedAtMs };
};

const findJob = ({ jobs }: JobStores, { metadata }: PodObject): JobObject | undefined => {
  const { namespace, ownerReferences = [] } = metadata;
  const [owner] = ownerReferences.filter(({ kind, controller }) => controller && kind === 'Job');
  const job = owner && jobs.get(`${namespace}/${owner.name}`);
  return job && isPodOf(metadata, job.metadata) && isUnfinished(job) ? job : undefined;
};

/** A missing permission is one warning; anything else passes by itself. */
const makeFailureLog = (log: Log) => {
  let isForbidden = false;
  return (pod: string, thrown: unknown): void => {
    const fields = { pod, error: messageOf(thrown) };
    if (isForbidden || !isStatus(thrown, 403)) log.debug('could not read the progress of a pod', fields);
    else log.warn(forbidden, fields);
    isForbidden ||= isStatus(thrown, 403);
  };
};

const forbidden =
  'the operator may not get pods/log, so status shows no progress: grant it, or set --progress-seconds=0';
