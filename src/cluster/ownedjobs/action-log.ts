/** One log line per action about an object, and per change of its Ready condition. */
import type { Fields, Log } from '../../ground/observability/log.ts';
import { findCondition } from '../api/conditions.ts';
import { labels } from '../api/labels.ts';
import type { Job } from '../jobs/job.ts';
import type { OnPerformed, Owner, StatusWithConditions } from './apply.ts';
import type { Outcome } from './outcome.ts';

/**
 * A listener for performed actions. Status writes that change neither an attempt nor the Ready condition are logged at
 * level debug.
 */
export const makeActionLog =
  (log: Log): OnPerformed =>
  (action, owner) => {
    const about = describeOwner(owner);
    switch (action.kind) {
      case 'CreateJob':
        return log.info('created a Job', { ...about, ...describeJob(action.job) });
      case 'DeleteJob':
        return log.info('deleted a Job that is no longer needed', { ...about, job: action.name });
      case 'SuspendJob':
        return log.info(action.suspend ? 'suspended a Job' : 'resumed a Job', { ...about, job: action.name });
      case 'WriteStatus': {
        for (const outcome of action.outcomes) logOutcome(log, about, outcome);
        return logReadiness(log, { about, before: owner.status, after: action.status });
      }
      default:
        return undefined; // The event contains it.
    }
  };

const describeOwner = ({ kind, metadata }: Owner): Fields => ({
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
});

const describeJob = ({ metadata: { name, labels: own } }: Job): Fields => {
  const deviceClass = own[labels.deviceClass];
  return {
    stage: own[labels.stage],
    ...(deviceClass !== undefined && { deviceClass }),
    job: name,
    key: own[labels.artifactKey],
  };
};

const logOutcome = (log: Log, about: Fields, outcome: Outcome): void => {
  const { reason, stage, deviceClass, job, reused, waitSeconds, runSeconds } = outcome;
  const fields = {
    ...about,
    stage,
    ...(deviceClass !== undefined && { deviceClass }),
    job,
    ...(waitSeconds !== undefined && { waitSeconds }),
    ...(runSeconds !== undefined && { runSeconds }),
  };
  if (reason === 'Stored')
    log.info(reused ? 'found finished work of the same content' : 'stored an artifact', fields);
  else log.warn('an attempt failed', { ...fields, reason });
};

type Readiness = {
  readonly about: Fields;
  readonly before: StatusWithConditions | undefined;
  readonly after: StatusWithConditions;
};

const logReadiness = (log: Log, { about, before, after }: Readiness): void => {
  const ready = findCondition(after.conditions, 'Ready');
  if (ready === undefined || ready.reason === findCondition(before?.conditions, 'Ready')?.reason)
    log.debug('wrote status', about);
  else {
    const { status, reason, message } = ready;
    log.info('status changed', { ...about, ready: status, reason, message });
  }
};
