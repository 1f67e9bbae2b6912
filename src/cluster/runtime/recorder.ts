/** Publishes events through events.k8s.io/v1. An event is a courtesy: one that cannot be stored is logged and forgotten. */

import type { Clock } from '../../ground/base/clock.ts';
import { sha256 } from '../../ground/base/digest.ts';
import { messageOf } from '../../ground/base/errors.ts';
import { truncateToBytes } from '../../ground/base/text.ts';
import type { Event } from '../../ground/observability/event.ts';
import type { Log } from '../../ground/observability/log.ts';
import { isStatus } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { formatMicroTime } from './micro-time.ts';

export type RecorderDeps = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Name of this process, for example the pod's. */
  readonly instance: string;
};

export type Recorder = (event: Event, signal: AbortSignal) => Promise<void>;

const resource = { group: 'events.k8s.io', version: 'v1', plural: 'events' } as const;

/** The apiserver's own limit for a note, in bytes (events.k8s.io/v1, ValidateEventUpdate). */
const noteLimit = 1024;

export const makeRecorder =
  ({ client, clock, log, instance }: RecorderDeps): Recorder =>
  async (event, signal) => {
    const namespace = event.regarding.namespace ?? 'default';
    const body = makeEventObject(event, { namespace, instance, now: clock.now() });
    try {
      await client.create(resource, { namespace }, body, signal);
    } catch (thrown) {
      if (!isStatus(thrown, 409))
        log.warn('could not store an event', { reason: event.reason, error: messageOf(thrown) });
    }
  };

type EventContext = { readonly namespace: string; readonly instance: string; readonly now: number };

/** Named after its content and its minute, so that a loop that says the same again adds nothing. */
const makeEventObject = (event: Event, { namespace, instance, now }: EventContext): object => {
  const { type, reason, note, action, regarding } = event;
  const identity = sha256(
    JSON.stringify([type, reason, note, regarding.uid, Math.floor(now / 60_000)]),
  ).slice(0, 16);
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${regarding.name}.${identity}`, namespace },
    eventTime: formatMicroTime(now),
    reportingController: 'export.tlt.dev/operator',
    reportingInstance: instance,
    type,
    reason,
    action,
    note: truncateToBytes(note, noteLimit),
    regarding,
  };
};
