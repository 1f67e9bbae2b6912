/** Counts the outcomes of attempts, and measures how long objects take to become Ready. */

import type { Architecture } from '../../ground/contract/architectures.ts';
import type { AttemptMetrics } from '../../ground/observability/export-metrics.ts';
import { countGpus } from '../api/class-pods.ts';
import { findCondition } from '../api/conditions.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import { parseTime } from '../api/times.ts';
import type { OnPerformed, Owner, StatusWithConditions } from '../ownedjobs/apply.ts';
import type { Outcome } from '../ownedjobs/outcome.ts';

/** The metrics, and look-ups of what their labels and values need. */
export type AttemptDeps = {
  readonly metrics: AttemptMetrics;
  /** The architecture of a ModelExport. */
  readonly findArchitecture: (owner: Owner) => Architecture | undefined;
  readonly findClass: (name: string) => ExportDeviceClass | undefined;
};

/** A listener for performed actions. */
export const makeAttemptCounter =
  ({ metrics, findClass, findArchitecture }: AttemptDeps): OnPerformed =>
  (action, owner) => {
    if (action.kind !== 'WriteStatus') return;
    const { kind, status } = owner;
    for (const outcome of action.outcomes) {
      countOutcome(outcome, { metrics, findClass });
      const rate = imagesPerSecond(outcome);
      const architecture = findArchitecture(owner);
      if (rate !== undefined && architecture) metrics.calibrationRate.observe({ architecture }, rate);
    }
    const seconds = secondsToReady(status, action.status);
    if (seconds !== undefined) metrics.readySeconds.observe({ kind }, seconds);
  };

const imagesPerSecond = ({ pass }: Outcome): number | undefined => {
  const seconds = Number(pass?.seconds);
  return pass && seconds > 0 ? pass.images / seconds : undefined;
};

const countOutcome = (
  outcome: Outcome,
  { metrics, findClass }: Pick<AttemptDeps, 'metrics' | 'findClass'>,
): void => {
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
