/**
 * Reads the events that explain why a Job or pod does not start. The apiserver has no watch cache for events, so they
 * are listed by the UID of the object while it does not start, and never watched.
 */
import type { Clock } from '../../ground/base/clock.ts';
import { messageOf } from '../../ground/base/errors.ts';
import type { Log } from '../../ground/observability/log.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Key } from '../runtime/resources.ts';
import { jobResources } from './caches.ts';
import type { Warning } from './kube-shapes.ts';

/** A Job or pod that does not start. */
export type StuckObject = { readonly namespace: string; readonly uid: string };

/** What reading events requires. */
export type WarningsDeps = {
  readonly client: Pick<KubeClient, 'list'>;
  readonly clock: Clock;
  readonly log: Log;
};

type KnownWarnings = {
  readonly since: number;
  readonly looks: number;
  /** When it is due, if its turn did not come, and how long it waits for that. */
  readonly postponed?: { readonly to: number; readonly byMs: number };
  readonly warnings: readonly Warning[];
};

/** When to list, from the first observation of the object: most pods start before the first of them. */
const lookDelaysMs = [10_000, 30_000, 120_000, 600_000] as const;
const laterIntervalMs = 1_800_000;

/**
 * Between two lists, of whatever objects. The apiserver reads every event of the namespace for each of them, and while the
 * control plane is busy, thousands of Jobs have no pod yet.
 */
const turnMs = 500;
/**
 * A list that takes long is one of many events, or of a busy apiserver: lists take at most this share of the time, as long as
 * their turns are not further apart than `longestTurnMs`.
 */
const listShare = 1 / 50;
const longestTurnMs = 5_000;
/** When an object that was due between two turns is due again: at first, and at most after several times. */
const postponedMs = { first: 5_000, longest: 160_000 } as const;

/** Reasons of events that explain why a Job has no pod or a pod does not start. */
const explainingReasons: readonly string[] = [
  'FailedCreate',
  'FailedAttachVolume',
  'FailedMount',
  'FailedScheduling',
];

/** The latest events about the objects of all owners that do not start. */
export class Warnings {
  readonly #deps: WarningsDeps;
  /** By the key of the owner, then by the uid of the Job or pod. */
  readonly #owners = new Map<Key, ReadonlyMap<string, KnownWarnings>>();

  /** When events may be listed again. */
  #nextTurn = Number.NEGATIVE_INFINITY;

  constructor(deps: WarningsDeps) {
    this.#deps = deps;
  }

  /** The events about an object as last listed, newest first. */
  about(owner: Key, uid: string): readonly Warning[] {
    return this.#owners.get(owner)?.get(uid)?.warnings ?? [];
  }

  /**
   * Lists the events of the objects that are due, and drops objects that have started.
   * @returns milliseconds until the next list is due, or undefined if all objects have started
   */
  async look(owner: Key, stuck: readonly StuckObject[], signal: AbortSignal): Promise<number | undefined> {
    if (stuck.length === 0) {
      this.#owners.delete(owner);
      return undefined;
    }
    const now = this.#deps.clock.elapsed();
    const before = this.#owners.get(owner);
    const looked = await Promise.all(
      stuck.map(async (object) => {
        const known = before?.get(object.uid) ?? { since: now, looks: 0, warnings: [] };
        if (now < computeDueTime(known)) return [object.uid, known] as const;
        const isItsTurn = now >= this.#nextTurn;
        return [
          object.uid,
          isItsTurn ? await this.#read(object, known, signal) : postpone(known, now),
        ] as const;
      }),
    );
    this.#owners.set(owner, new Map(looked));
    return Math.max(1, Math.min(...looked.map(([, each]) => computeDueTime(each))) - now);
  }

  async #read(
    { namespace, uid }: StuckObject,
    known: KnownWarnings,
    signal: AbortSignal,
  ): Promise<KnownWarnings> {
    const looks = known.looks + 1;
    const started = this.#deps.clock.elapsed();
    this.#nextTurn = Number.POSITIVE_INFINITY; // Until this list is read.
    try {
      const query = { fieldSelector: `involvedObject.uid=${uid}`, limit: '100' };
      const list = (await this.#deps.client.list(jobResources.events, { namespace, query }, signal)) as {
        readonly items: readonly RawEvent[];
      };
      return { since: known.since, looks, warnings: toWarnings(list.items) };
    } catch (thrown) {
      signal.throwIfAborted();
      this.#deps.log.warn('could not list the events of a Job or pod that does not start', {
        uid,
        error: messageOf(thrown),
      });
      return { since: known.since, looks, warnings: known.warnings };
    } finally {
      const now = this.#deps.clock.elapsed();
      this.#nextTurn = now + Math.min(longestTurnMs, Math.max(turnMs, (now - started) / listShare));
    }
  }
}

const postpone = (known: KnownWarnings, now: number): KnownWarnings => {
  const byMs = Math.min(postponedMs.longest, 2 * (known.postponed?.byMs ?? postponedMs.first / 2));
  return { ...known, postponed: { to: now + byMs, byMs } };
};

const computeDueTime = ({ since, looks, postponed }: KnownWarnings): number => {
  if (postponed !== undefined) return postponed.to;
  const extra = Math.max(0, looks - lookDelaysMs.length + 1);
  return since + lookDelaysMs[Math.min(looks, lookDelaysMs.length - 1)]! + extra * laterIntervalMs;
};

/** core/v1 Event: written by client-go's recorders of both generations. */
type RawEvent = {
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly lastObservedTime?: string } | null;
};

const toWarnings = (events: readonly RawEvent[]): readonly Warning[] =>
  events
    .filter(({ reason = '' }) => explainingReasons.includes(reason))
    .sort((a, b) => timeOf(b).localeCompare(timeOf(a)))
    .map(({ reason = '', message = '' }) => ({ reason, message }));

const timeOf = ({ series, lastTimestamp, eventTime }: RawEvent): string =>
  series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? '';
