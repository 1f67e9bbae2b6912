/**
 * Reads the claims of an object that is not Ready, and their volumes, one by one: a cache of all volumes of a cluster would cost
 * more than the few that exports use. Without the permission, decisions go on without them, and the scheduler finds out.
 * What cannot be read for another reason is not absent: Jobs would be replaced because of it.
 */
import type { Clock } from '../../ground/base/clock.ts';
import { messageOf } from '../../ground/base/errors.ts';
import { parsePvcUri } from '../../ground/base/pvc-uri.ts';
import type { Log } from '../../ground/observability/log.ts';
import { findTrue } from '../api/conditions.ts';
import type { Requirement } from '../api/node-labels.ts';
import { isStatus } from '../runtime/api-error.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Resource } from '../runtime/resources.ts';
import type { Owner } from './apply.ts';
import type { ClaimFacts, FindClaim } from './claim-facts.ts';

/** What reading claims requires. */
export type ClaimsDeps = {
  readonly client: Pick<KubeClient, 'read'>;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly log: Log;
};

const claimResource: Resource = { group: '', version: 'v1', plural: 'persistentvolumeclaims' };
const volumeResource: Resource = { group: '', version: 'v1', plural: 'persistentvolumes' };

/** How long facts are used, in milliseconds. A claim can be bound, deleted or created again. */
export const claimFactsMs = 60_000;
/** Bounds the memory: more claims than exports of one minute use. */
const mostKnown = 10_000;

type Known = { readonly readAtMs: number; readonly facts: ClaimFacts | undefined };

/** The claims that were read last, by `<namespace>/<name>`. */
export class Claims {
  readonly #deps: ClaimsDeps;
  readonly #known = new Map<string, Known>();
  readonly #denied = new Set<string>();

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
  }

  /** The facts about the claims of a namespace. */
  in(namespace: string): FindClaim {
    return (claim) => this.#known.get(`${namespace}/${claim}`)?.facts;
  }

  /**
   * Reads the claims that an object names, unless they were read within the last minute or the object is Ready. If one cannot be
   * read, what was read of it before stays.
   * @throws ApiError if nothing was read of it before
   */
  async look(owner: ClaimOwner, signal: AbortSignal): Promise<void> {
    const { namespace, generation } = owner.metadata;
    const isReady = findTrue(owner.status?.conditions, 'Ready') !== undefined;
    if (isReady && owner.status?.observedGeneration === generation) return;
    for (const name of listClaimNames(owner.spec)) {
      const key = `${namespace}/${name}`;
      const now = this.#deps.clock.elapsed();
      const known = this.#known.get(key);
      if (known && now - known.readAtMs < claimFactsMs) continue;
      const facts = await this.#read({ namespace, name }, signal).catch((thrown: unknown) => {
        if (signal.aborted || known === undefined) throw thrown;
        this.#deps.log.debug('could not read a claim again', { claim: key, error: messageOf(thrown) });
        return known.facts;
      });
      if (this.#known.size >= mostKnown) this.#known.clear();
      this.#known.set(key, { readAtMs: now, facts });
    }
  }

  async #read(
    at: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<ClaimFacts | undefined> {
    const claim = (await this.#get(claimResource, at, signal)) as RawClaim | undefined;
    if (claim === undefined) return undefined;
    const { accessModes = [], volumeName } = claim.spec ?? {};
    if (!volumeName) return { accessModes };
    const volume = (await this.#get(volumeResource, { name: volumeName }, signal)) as RawVolume | undefined;
    const nodeTerms = readTerms(volume);
    return { accessModes, ...(nodeTerms && { nodeTerms }) };
  }

  /** Undefined if it does not exist or may not be read: what it would forbid is then found by the scheduler. */
  async #get(
    resource: Resource,
    at: { readonly namespace?: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      return await this.#deps.client.read(resource, at, signal);
    } catch (thrown) {
      if (isStatus(thrown, 403)) this.#reportDenied(resource.plural, thrown);
      else if (!isStatus(thrown, 404)) throw thrown;
      return undefined;
    }
  }

  #reportDenied(plural: string, thrown: unknown): void {
    if (this.#denied.has(plural)) return;
    this.#denied.add(plural);
    const detail = `the operator may not get ${plural}: access modes and zones of volumes are found by the scheduler alone; grant it for an early message`;
    this.#deps.log.warn(detail, { error: messageOf(thrown) });
  }
}

/** An object whose spec names claims. */
export type ClaimOwner = Owner & {
  readonly metadata: { readonly generation?: number };
  readonly spec?: unknown;
};

/** The claims of all `pvc://` URIs in a spec. */
const listClaimNames = (spec: unknown): readonly string[] => [...new Set(listUris(spec))].sort();

const listUris = (value: unknown): readonly string[] => {
  if (typeof value === 'string') {
    const claim = parsePvcUri(value)?.claim;
    return claim ? [claim] : [];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(listUris) : [];
};

type RawClaim = {
  readonly spec?: { readonly accessModes?: readonly string[]; readonly volumeName?: string };
};
type RawTerm = {
  readonly matchExpressions?: readonly Requirement[];
  readonly matchFields?: readonly unknown[];
};
type RawVolume = {
  readonly spec?: {
    readonly nodeAffinity?: { readonly required?: { readonly nodeSelectorTerms?: readonly RawTerm[] } };
  };
};

/** Undefined for a volume that any node can access, and for terms about node fields, which are not compared. */
const readTerms = (volume: RawVolume | undefined): ClaimFacts['nodeTerms'] => {
  const terms = volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  if (terms.length === 0 || terms.some(({ matchFields = [] }) => matchFields.length > 0)) return undefined;
  return terms.map(({ matchExpressions = [] }) => matchExpressions);
};
