/** One log line per action about an object, and per change of its Ready condition. */
import { unreachable } from '../../ground/base/unreachable.ts';
import type { Fields, Log } from '../../ground/observability/log.ts';
import { findCondition } from '../api/conditions.ts';
import { labels } from '../api/labels.ts';
import type { Job } from '../jobs/job.ts';
import type { OnPerformed, OnRefused, Owner, StatusWithConditions } from './apply.ts';
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
        return log.info('created a Job', { ...about, ...describeJob(nameOfNew(action.job)) });
      case 'DeleteJob':
        return log.info('deleted a Job', { ...about, ...describeJob(action), why: action.why });
      case 'SuspendJob':
        return log.info(action.suspend ? 'suspended a Job' : 'resumed a Job', {
          ...about,
          ...describeJob(action),
        });
      case 'WriteStatus': {
        for (const outcome of action.outcomes) logOutcome(log, about, outcome);
        return logReadiness(log, { about, before: owner.status, after: action.status });
      }
      case 'PublishEvent': {
        const { type, reason, note } = action.event;
        return log.info('published an event', { ...about, type, reason, detail: note });
      }
      default:
        return unreachable(action);
    }
  };

/** A listener for Jobs that the apiserver rejected for the first time. */
export const makeRefusalLog =
  (log: Log): OnRefused =>
  (job, owner, { message }) =>
    log.warn('the apiserver rejected a Job', {
      ...describeOwner(owner),
      ...describeJob(nameOfNew(job)),
      detail: message,
    });

const describeOwner = ({ kind, metadata }: Owner): Fields => ({
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
});

type LoggedJob = {
  readonly name: string;
  readonly stage: string | undefined;
  readonly deviceClass: string | undefined;
  readonly key: string | undefined;
};

const nameOfNew = ({ metadata: { name, labels: own } }: Job): LoggedJob => ({
  name,
  stage: own[labels.stage],
  deviceClass: own[labels.deviceClass],
  key: own[labels.artifactKey],
});

const describeJob = ({ name, stage, deviceClass, key }: LoggedJob): Fields => ({
  stage,
  ...(deviceClass !== undefined && { deviceClass }),
  job: name,
  key,
});

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
    log.info('status changed', { ...about, ready: status, reason, detail: message });
  }
};
