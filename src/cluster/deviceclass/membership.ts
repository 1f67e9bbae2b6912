/**
 * Which nodes match which class. Each pair is evaluated once, and again only if one of the two changed. A change of a
 * node that affects no class enqueues nothing.
 */
import { isSameJson } from '../../ground/base/same-json.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { Key } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import { hardwareOf } from './hardware.ts';
import { findMismatch, type Mismatch } from './match.ts';
import type { NodeFacts } from './node.ts';

/** A class that a change of a node affects. */
export type AffectedClass = {
  readonly name: string;
  /** Whether the first node of the class appeared, or its last node disappeared. */
  readonly availability: boolean;
};

/** A node, and why it does not match, if so. */
type MatchResult = { readonly node: NodeFacts; readonly mismatch: Mismatch | undefined };

type ClassMembers = {
  readonly uid: string;
  readonly generation: number;
  readonly results: Map<Key, MatchResult>;
  members: number;
};

/** Match results of all classes, kept up to date by node changes. */
export class Membership {
  readonly #classes: Store<ExportDeviceClass>;
  readonly #nodes: Store<NodeFacts>;
  readonly #known = new Map<Key, ClassMembers>();

  constructor(classes: Store<ExportDeviceClass>, nodes: Store<NodeFacts>) {
    this.#classes = classes;
    this.#nodes = nodes;
  }

  /** Number of nodes that match the class; 0 if it does not exist. */
  count(name: string): number {
    return this.#of(name)?.members ?? 0;
  }

  /** The nodes that match the class. */
  list(name: string): readonly NodeFacts[] {
    return [...(this.#of(name)?.results.values() ?? [])].filter(isMember).map(({ node }) => node);
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  /**
   * Updates the results of a node.
   * @returns the classes that the change affects
   */
  nodeChanged(before: NodeFacts | undefined, after: NodeFacts | undefined): readonly AffectedClass[] {
    const key = (after ?? before)!.metadata.name;
    return this.#classes.list().flatMap((deviceClass) => {
      const { name } = deviceClass.metadata;
      const known = this.#current(deviceClass);
      if (known === undefined) return [{ name, availability: true }]; // Not evaluated yet: its next reconcile does so.
      const had = known.members > 0;
      const judged = after && { node: after, mismatch: findMismatch(after, deviceClass.spec) };
      const previous = known.results.get(key);
      replaceResult(known, key, judged);
      return isSameResult(previous, judged) ? [] : [{ name, availability: had !== known.members > 0 }];
    });
  }

  #of(name: string): ClassMembers | undefined {
    const deviceClass = this.#classes.get(name);
    if (deviceClass === undefined) return undefined;
    return this.#current(deviceClass) ?? this.#judge(deviceClass);
  }

  /** The results for the current generation of this class. */
  #current({ metadata }: ExportDeviceClass): ClassMembers | undefined {
    const known = this.#known.get(metadata.name);
    return known?.uid === metadata.uid && known.generation === metadata.generation ? known : undefined;
  }

  #judge({ metadata, spec }: ExportDeviceClass): ClassMembers {
    const fresh: ClassMembers = {
      uid: metadata.uid,
      generation: metadata.generation,
      results: new Map(),
      members: 0,
    };
    for (const node of this.#nodes.list())
      replaceResult(fresh, node.metadata.name, { node, mismatch: findMismatch(node, spec) });
    this.#known.set(metadata.name, fresh);
    return fresh;
  }
}

const replaceResult = (known: ClassMembers, key: Key, judged: MatchResult | undefined): void => {
  if (isMember(known.results.get(key))) known.members--;
  if (judged === undefined) known.results.delete(key);
  else known.results.set(key, judged);
  if (isMember(judged)) known.members++;
};

const isMember = (judged: MatchResult | undefined): boolean =>
  judged !== undefined && judged.mismatch === undefined;

/** Whether neither membership nor hardware changed. */
const isSameResult = (a: MatchResult | undefined, b: MatchResult | undefined): boolean =>
  isSameJson(comparableResult(a), comparableResult(b));

const comparableResult = (judged: MatchResult | undefined): unknown =>
  judged && (judged.mismatch ?? hardwareOf(judged.node));
