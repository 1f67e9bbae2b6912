/** Publishes events through events.k8s.io/v1. Events are best effort: a failure to store one is logged. */

import type { Clock } from '../../ground/base/clock.ts';
import { sha256 } from '../../ground/base/digest.ts';
import { messageOf } from '../../ground/base/errors.ts';
import { truncateToBytes } from '../../ground/base/text.ts';
import { installation } from '../../ground/contract/installation.ts';
import type { Event } from '../../ground/observability/event.ts';
import type { Log } from '../../ground/observability/log.ts';
import { isStatus } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { formatMicroTime } from './micro-time.ts';

/** What the recorder requires. */
export type RecorderDeps = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Name of this process, for example the pod's. */
  readonly instance: string;
};

/** Publishes one event; never rejects. */
export type Recorder = (event: Event, signal: AbortSignal) => Promise<void>;

const resource = { group: 'events.k8s.io', version: 'v1', plural: 'events' } as const;

/** Maximum length of a note in bytes (events.k8s.io/v1, ValidateEventUpdate). */
const noteLimit = 1024;

/** A recorder for this process. An event that repeats within a minute is stored once. */
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

/** The name is a hash of content and minute, so that repeating an event within a minute creates no second object. */
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
    reportingController: installation.controller,
    reportingInstance: instance,
    type,
    reason,
    action,
    note: truncateToBytes(note, noteLimit),
    regarding,
  };
};
