/** Counts the outcomes of attempts, and measures how long objects take to become Ready. */

import type { AttemptMetrics } from '../../ground/observability/export-metrics.ts';
import { countGpus } from '../api/class-pods.ts';
import { findCondition } from '../api/conditions.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import { parseTime } from '../api/times.ts';
import type { OnPerformed, StatusWithConditions } from '../ownedjobs/apply.ts';
import type { Outcome } from '../ownedjobs/outcome.ts';

/** The metrics, and a look-up of device classes. */
export type AttemptDeps = {
  readonly metrics: AttemptMetrics;
  readonly findClass: (name: string) => ExportDeviceClass | undefined;
};

/** A listener for performed actions. */
export const makeAttemptCounter =
  ({ metrics, findClass }: AttemptDeps): OnPerformed =>
  (action, { kind, status }) => {
    if (action.kind !== 'WriteStatus') return;
    for (const outcome of action.outcomes) countOutcome(outcome, { metrics, findClass });
    const seconds = secondsToReady(status, action.status);
    if (seconds !== undefined) metrics.readySeconds.observe({ kind }, seconds);
  };

const countOutcome = (outcome: Outcome, { metrics, findClass }: AttemptDeps): void => {
  const { stage, reason, reused, waitSeconds, runSeconds } = outcome;
  const device_class = outcome.deviceClass ?? '';
  const result = reason === 'Stored' ? 'succeeded' : 'failed';
  metrics.builds.inc({ stage, device_class, result, reason });
  if (reused) metrics.reused.inc({ stage, device_class });
  if (waitSeconds !== undefined) metrics.waitSeconds.observe({ stage, device_class }, waitSeconds);
  if (runSeconds === undefined) return;
  metrics.stageSeconds.observe({ stage, device_class, result }, runSeconds);
  const found = outcome.deviceClass === undefined ? undefined : findClass(outcome.deviceClass);
  const gpus = found ? countGpus(found.spec) : 0;
  if (gpus > 0) metrics.gpuSeconds.inc({ device_class }, gpus * runSeconds);
};

/**
 * Seconds from the first status, or the last change of Ready, until Ready became True; undefined for any other change.
 */
const secondsToReady = (
  before: StatusWithConditions | undefined,
  after: StatusWithConditions,
): number | undefined => {
  const ready = findCondition(after.conditions, 'Ready');
  if (ready?.status !== 'True') return undefined;
  const last = findCondition(before?.conditions, 'Ready');
  if (last?.status === 'True') return undefined;
  const since = parseTime(last?.lastTransitionTime);
  const until = parseTime(ready.lastTransitionTime);
  return since === undefined || until === undefined ? undefined : Math.max(0, until - since) / 1000;
};
