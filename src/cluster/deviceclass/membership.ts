/**
 * Which nodes belong to which class: judged once per class and node, and again only when one of the two has changed.
 * A change of a node that concerns no class wakes nobody.
 */
import { canonicalJson } from '../../ground/base/digest.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { Key } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import { hardwareOf } from './hardware.ts';
import { findMismatch, type Mismatch } from './match.ts';
import type { NodeFacts } from './node.ts';

/** A class to which a node's change makes a difference. */
export type AffectedClass = {
  readonly name: string;
  /** Whether the class has got its first node, or lost its last one. */
  readonly availability: boolean;
};

/** A node that belongs to the class, or what keeps it out. */
type MatchResult = { readonly node: NodeFacts; readonly mismatch: Mismatch | undefined };

type ClassMembers = {
  readonly uid: string;
  readonly generation: number;
  readonly results: Map<Key, MatchResult>;
  members: number;
};

export class Membership {
  readonly #classes: Store<ExportDeviceClass>;
  readonly #nodes: Store<NodeFacts>;
  readonly #known = new Map<Key, ClassMembers>();

  constructor(classes: Store<ExportDeviceClass>, nodes: Store<NodeFacts>) {
    this.#classes = classes;
    this.#nodes = nodes;
  }

  /** Number of nodes that belong to the class of this name; 0 if there is no such class. */
  count(name: string): number {
    return this.#of(name)?.members ?? 0;
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  /** Takes in a node's change. */
  nodeChanged(before: NodeFacts | undefined, after: NodeFacts | undefined): readonly AffectedClass[] {
    const key = (after ?? before)!.metadata.name;
    return this.#classes.list().flatMap((deviceClass) => {
      const { name } = deviceClass.metadata;
      const known = this.#current(deviceClass);
      if (known === undefined) return [{ name, availability: true }]; // Judged as a whole when it is looked at.
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

  /** What is known of this very class, at this generation. */
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

/** Labels that neither decide on membership nor name the hardware make no difference. */
const isSameResult = (a: MatchResult | undefined, b: MatchResult | undefined): boolean =>
  canonicalJson(comparableResult(a)) === canonicalJson(comparableResult(b));

const comparableResult = (judged: MatchResult | undefined): unknown =>
  judged && (judged.mismatch ?? hardwareOf(judged.node));
