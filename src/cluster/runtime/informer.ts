/**
 * A cache of one resource that follows the apiserver: a paged list, then a watch, and both again after every error. It
 * never stops by itself. A deletion during a gap between watches is reported after the next list, and so is, every ten
 * hours, whatever a watch failed to report. Own code instead of the informer of client-node, which stops at an error.
 */
import { connectionBackoff, jitteredDelayOf } from '../../ground/base/backoff.ts';
import type { Clock } from '../../ground/base/clock.ts';
import { messageOf } from '../../ground/base/errors.ts';
import type { Log } from '../../ground/observability/log.ts';
import type { InformerMetrics } from '../../ground/observability/metrics.ts';
import { ApiError, isStatus } from './api-error.ts';
import type { KubeClient, Query } from './client.ts';
import type { UnreadText, WatchEvent } from './event-lines.ts';
import { type Key, keyOf, type Resource } from './resources.ts';
import { type Indexes, type NamedObject, Store } from './store.ts';
import { startTimeLimit } from './time-limit.ts';
import { readEvents, SilentWatch } from './watch-events.ts';

/**
 * A change of one object. `before` is undefined for a new object, `after` for a deleted one; `initial` marks the first
 * list.
 */
export type Change<T> = {
  readonly before: T | undefined;
  readonly after: T | undefined;
  readonly initial: boolean;
};

/** What is cached: the resource, the namespace and the selectors. */
export type InformerOptions<T extends NamedObject> = {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly selectors?: { readonly labelSelector?: string; readonly fieldSelector?: string };
  /** The part of an object that is kept in memory; drop fields that nobody reads. It may share parts of the cached object. */
  readonly project: (raw: unknown, cached?: T) => T;
  /** Text of the resource's events that `project` does not read. */
  readonly unread?: UnreadText;
  readonly indexes?: Indexes<T>;
  readonly onChange: (change: Change<T>) => void;
  /** Shared by caches of one resource in several namespaces; a new one if left out. */
  readonly store?: Store<T>;
};

/** The client, and what delays, jitter, metrics and logs require. */
export type InformerDeps = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: InformerMetrics;
  readonly log: Log;
  readonly silenceMs?: number;
};

/** Tenants can grow an object to 1.5 MB, so a page of this size must fit into the operator's memory. */
const pageSize = 25;
const defaultSilenceMs = 70_000;

/**
 * Age at which a watch is ended for a new list, which reports every object: an event that was lost then costs hours at
 * most. A resync, as controller-runtime's, looks only at what the cache already has.
 */
const relistMs = 10 * 60 * 60 * 1000;

/** A watch that ends sooner counts as a failed attempt, whatever ended it. client-go's "very short watch" is 1 s. */
const shortWatchMs = 10_000;

/** Fills a store from a list and a watch, and reports each change to `onChange`. */
export class Informer<T extends NamedObject> {
  readonly store: Store<T>;
  readonly #options: InformerOptions<T>;
  readonly #deps: InformerDeps;
  readonly #name: string;
  #synced = false;
  /** The resourceVersion of the store; undefined requires a list. */
  #version: string | undefined;
  /** Consecutive attempts without a watch of some length; they set the backoff. */
  #attempts = 0;
  /** When data last arrived from the apiserver, by the monotonic clock. */
  #heard: number;
  /** When the next list is due although nothing failed; it differs by ±10 %, so that caches do not list at the same time. */
  #relistAt = Number.POSITIVE_INFINITY;

  constructor(options: InformerOptions<T>, deps: InformerDeps) {
    this.store = options.store ?? new Store(options.indexes);
    this.#options = options;
    this.#deps = deps;
    this.#name = options.resource.plural;
    this.#heard = deps.clock.elapsed();
    deps.metrics.age(this.#name, () => this.silentMs / 1000);
    deps.metrics.objects(this.#name, () => this.store.size);
  }

  /** Whether the first list is in the store. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Milliseconds since the last event or bookmark, or since the last list. */
  get silentMs(): number {
    return this.#deps.clock.elapsed() - this.#heard;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const askedMs = await this.#follow(signal).catch((thrown) => {
        if (!signal.aborted) this.#note(thrown);
        return thrown instanceof ApiError ? (thrown.retryAfterMs ?? 0) : 0;
      });
      if (this.#attempts > 0) await this.#pause(askedMs, signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<number> {
    this.#attempts++;
    if (this.#deps.clock.elapsed() >= this.#relistAt) this.#version = undefined;
    this.#version ??= await this.#list(signal);
    await this.#watch(this.#version, signal);
    this.#deps.metrics.restarts.inc({ resource: this.#name, reason: 'closed' });
    return 0;
  }

  async #pause(askedMs: number, signal: AbortSignal): Promise<void> {
    const delay = jitteredDelayOf(connectionBackoff, this.#attempts, this.#deps.random());
    await this.#deps.clock.sleep(Math.max(askedMs, delay), signal).catch(() => {}); // Aborted: the loop sees it.
  }

  #note(thrown: unknown): void {
    // 410: the server no longer has our resourceVersion. A malformed line may have been an event, so list again too.
    if (isStatus(thrown, 410) || thrown instanceof SyntaxError) this.#version = undefined;
    const reason = isStatus(thrown, 410) ? 'expired' : thrown instanceof SilentWatch ? 'silent' : 'error';
    this.#deps.metrics.restarts.inc({ resource: this.#name, reason });
    if (reason === 'error')
      this.#deps.log.warn('watch failed; retrying', {
        resource: this.#name,
        error: messageOf(thrown),
      });
  }

  /** Reads every page, replaces the content of the store, and returns the resourceVersion to watch from. */
  async #list(signal: AbortSignal): Promise<string> {
    const { resource, namespace, selectors, project } = this.#options;
    const found = new Map<Key, T>();
    let token = '';
    for (;;) {
      const query = { ...selectors, limit: String(pageSize), ...(token !== '' && { continue: token }) };
      const page = (await this.#deps.client.list(resource, { namespace, query }, signal)) as Page;
      for (const item of page.items) {
        const object = project(item, this.store.get(keyOf(item)));
        found.set(keyOf(object), object);
      }
      token = page.metadata.continue ?? '';
      if (token !== '') continue;
      this.#replace(found);
      return page.metadata.resourceVersion;
    }
  }

  #replace(found: ReadonlyMap<Key, T>): void {
    this.#deps.metrics.relists.inc({ resource: this.#name });
    const initial = !this.#synced;
    for (const key of this.store.keysIn(this.#options.namespace))
      if (!found.has(key)) this.#tell(this.store.remove(key), undefined, initial);
    const isDue = initial || this.#deps.clock.elapsed() >= this.#relistAt;
    for (const object of found.values()) {
      const before = this.store.set(object);
      // A server that expires every version costs a list each time, but no look at every object.
      if (isDue || JSON.stringify(before) !== JSON.stringify(object)) this.#tell(before, object, initial);
    }
    this.#synced = true;
    this.#heard = this.#deps.clock.elapsed();
    this.#relistAt = this.#heard + relistMs * (0.9 + 0.2 * this.#deps.random());
  }

  /** Applies changes until the server closes the watch, or a new list is due. */
  async #watch(from: string, caller: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const limitMs = this.#relistAt - clock.elapsed();
    const limit = startTimeLimit(caller, { clock, limitMs, reason: () => new Error('a new list is due') });
    try {
      await this.#watchUntil(from, limit.signal);
    } catch (thrown) {
      if (caller.aborted || !limit.signal.aborted) throw thrown;
    } finally {
      limit.end();
    }
  }

  async #watchUntil(from: string, signal: AbortSignal): Promise<void> {
    const { client, clock, silenceMs = defaultSilenceMs } = this.#deps;
    const { resource, namespace, selectors, unread } = this.#options;
    const query: Query = { ...selectors, watch: 'true', allowWatchBookmarks: 'true', resourceVersion: from };
    const answer = await client.stream(resource, { namespace, query }, signal);
    const opened = clock.elapsed();
    try {
      await readEvents(answer, { clock, silenceMs, unread }, (event) => {
        this.#heard = clock.elapsed();
        this.#version = this.#take(event) ?? this.#version;
      });
    } finally {
      if (clock.elapsed() - opened > shortWatchMs) this.#attempts = 0;
    }
  }

  #take({ type, object }: WatchEvent): string | undefined {
    if (type === 'ERROR') {
      const message = 'message' in object ? String(object.message) : 'watch error';
      throw new ApiError({ status: object.code ?? 0, reason: 'WatchError', message });
    }
    if (type !== 'BOOKMARK') {
      const projected = this.#options.project(object, this.store.get(keyOf(object as NamedObject)));
      if (type === 'DELETED') this.#tell(this.store.remove(keyOf(projected)) ?? projected, undefined, false);
      else this.#tell(this.store.set(projected), projected, false);
    }
    return object.metadata?.resourceVersion;
  }

  /** A listener that throws must not stop the cache. */
  #tell(before: T | undefined, after: T | undefined, initial: boolean): void {
    try {
      this.#options.onChange({ before, after, initial });
    } catch (thrown) {
      this.#deps.log.error('change listener failed', { resource: this.#name, error: messageOf(thrown) });
    }
  }
}

type Page = {
  readonly items: readonly NamedObject[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
};
