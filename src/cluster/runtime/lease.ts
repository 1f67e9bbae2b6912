/**
 * Leader election on a coordination.k8s.io Lease, by the rules of client-go: a holder that renews in time stays the
 * leader; a lease that was not renewed for its duration, by the monotonic clock of the observer, may be taken.
 */

import type { Clock } from '../../ground/base/clock.ts';
import { messageOf } from '../../ground/base/errors.ts';
import type { Log } from '../../ground/observability/log.ts';
import type { LeaderMetrics } from '../../ground/observability/metrics.ts';
import { isStatus } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { formatMicroTime } from './micro-time.ts';
import { startTimeLimit } from './time-limit.ts';

/** Name and times of the lease, in milliseconds. */
export type LeaseOptions = {
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process; a restarted pod has another one. */
  readonly identity: string;
  readonly durationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
  /** How often a standby reads the lease. A renewal seen late delays a takeover by as much. */
  readonly lookMs?: number;
};

/** What the election requires. */
export type LeaseDeps = {
  /** Uses its own connection, so that a flood of other requests cannot delay a renewal. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: LeaderMetrics;
};

const resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' } as const;

type LeaseObject = {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number;
  };
};

/** This process's view of the lease, and its attempts to hold it. */
export class Lease {
  readonly #options: Required<LeaseOptions>;
  readonly #deps: LeaseDeps;
  #leader = false;
  /** When the request of the last renewal was sent, by both clocks. */
  #renewed = { elapsed: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };
  /**
   * The last observed resourceVersion, and when it was observed by our own clock: clocks of other machines are not
   * trusted.
   */
  #seen: { readonly version: string; readonly at: number } | undefined;

  constructor(options: LeaseOptions, deps: LeaseDeps) {
    this.#options = {
      durationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryMs: 2_000,
      lookMs: 500,
      ...options,
    };
    this.#deps = deps;
    this.#setLeader(false);
  }

  /**
   * Whether writes are allowed now. False as soon as the renewal is overdue by either clock: the monotonic clock stops
   * while a virtual machine is suspended, and the wall clock may be set back.
   */
  get held(): boolean {
    const { clock } = this.#deps;
    const age = Math.max(clock.elapsed() - this.#renewed.elapsed, clock.now() - this.#renewed.wall);
    return this.#leader && age < this.#options.renewDeadlineMs;
  }

  /** Resolves once this process holds the lease. */
  async acquire(signal: AbortSignal): Promise<void> {
    while (!(await this.#try(signal))) await this.#deps.clock.sleep(this.#untilNextLook(), signal);
    this.#deps.log.info('acquired the leader lease', {
      lease: this.#options.name,
      identity: this.#options.identity,
    });
  }

  /** Renews until the signal aborts; resolves early if the lease is lost. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const renewed = await this.#renewLater(signal).catch(() => false); // Aborted, perhaps during a request.
      if (signal.aborted || renewed || this.held) continue;
      this.#setLeader(false);
      this.#deps.log.error('lost the leader lease', { lease: this.#options.name });
      return;
    }
  }

  /** Releases the lease, so that a successor does not wait until it expires. */
  async release(signal: AbortSignal): Promise<void> {
    if (!this.held) return;
    this.#setLeader(false);
    const current = await this.#read(signal);
    if (current?.spec?.holderIdentity !== this.#options.identity) return;
    await this.#write(current, { holderIdentity: '', leaseDurationSeconds: 1 }, signal);
  }

  async #renewLater(signal: AbortSignal): Promise<boolean> {
    await this.#deps.clock.sleep(this.#options.retryMs, signal);
    return this.#try(signal);
  }

  /** Milliseconds until the next read, at most until the lease may be taken. */
  #untilNextLook(): number {
    const { durationMs, lookMs } = this.#options;
    if (this.#seen === undefined) return lookMs;
    const free = this.#seen.at + durationMs - this.#deps.clock.elapsed();
    return Math.min(lookMs, Math.max(free, 0) + 1);
  }

  #setLeader(leader: boolean): void {
    this.#leader = leader;
    this.#deps.metrics.status.set({ name: this.#options.name }, leader ? 1 : 0);
  }

  /** Tries once to take or renew the lease. */
  async #try(signal: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#deps;
    const started = { elapsed: clock.elapsed(), wall: clock.now() };
    const limitMs = this.#options.renewDeadlineMs;
    const limit = startTimeLimit(signal, {
      clock,
      limitMs,
      reason: () => new Error('the renewal exceeded its deadline'),
    });
    try {
      const current = await this.#read(limit.signal);
      if (current && !this.#mayTake(current)) {
        this.#setLeader(false);
        return false;
      }
      await this.#write(current, this.#takenSpec(current, started.wall), limit.signal);
      this.#renewed = started;
      this.#setLeader(true);
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      if (!isStatus(thrown, 409)) log.warn('could not renew the leader lease', { error: messageOf(thrown) });
      return false;
    } finally {
      limit.end();
    }
  }

  #takenSpec(current: LeaseObject | undefined, wall: number): object {
    const { identity, durationMs } = this.#options;
    const now = formatMicroTime(wall);
    const transitions = (current?.spec?.leaseTransitions ?? -1) + 1;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: durationMs / 1000,
      renewTime: now,
      ...(current?.spec?.holderIdentity !== identity && { acquireTime: now, leaseTransitions: transitions }),
    };
  }

  /** False if another process holds it. A leader that observes this stops at once. */
  #mayTake({ metadata, spec }: LeaseObject): boolean {
    if (!spec?.holderIdentity || spec.holderIdentity === this.#options.identity) return true;
    const now = this.#deps.clock.elapsed();
    if (this.#seen?.version !== metadata.resourceVersion)
      this.#seen = { version: metadata.resourceVersion, at: now };
    return now - this.#seen.at > this.#options.durationMs;
  }

  async #read(signal: AbortSignal): Promise<LeaseObject | undefined> {
    const { namespace, name } = this.#options;
    try {
      return (await this.#deps.client.read(resource, { namespace, name }, signal)) as LeaseObject;
    } catch (thrown) {
      if (isStatus(thrown, 404)) return undefined;
      throw thrown;
    }
  }

  async #write(current: LeaseObject | undefined, spec: object, signal: AbortSignal): Promise<void> {
    const { namespace, name } = this.#options;
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...current?.metadata, namespace, name },
      spec: { ...current?.spec, ...spec },
    };
    if (current) await this.#deps.client.replace(resource, { namespace, name }, body, signal);
    else await this.#deps.client.create(resource, { namespace }, body, signal);
  }
}
