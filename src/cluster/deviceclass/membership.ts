/**
 * Which nodes belong to which class: judged once per class and node, and again only when one of the two has changed.
 * A change of a node that concerns no class wakes nobody.
 */
import { canonicalJson } from '../../ground/base/digest.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { Key } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import { hardwareOf } from './hardware.ts';
import { type Mismatch, mismatchOf } from './match.ts';
import type { NodeFacts } from './node.ts';

/** A class to which a node's change makes a difference. */
export type Concerned = {
  readonly name: string;
  /** Whether the class has got its first node, or lost its last one. */
  readonly availability: boolean;
};

/** A node that belongs to the class, or what keeps it out. */
type Judged = { readonly node: NodeFacts; readonly mismatch: Mismatch | undefined };

type ClassOfNodes = {
  readonly uid: string;
  readonly generation: number;
  readonly judged: Map<Key, Judged>;
  members: number;
};

export class Membership {
  readonly #classes: Store<ExportDeviceClass>;
  readonly #nodes: Store<NodeFacts>;
  readonly #known = new Map<Key, ClassOfNodes>();

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
  nodeChanged(before: NodeFacts | undefined, after: NodeFacts | undefined): readonly Concerned[] {
    const key = (after ?? before)!.metadata.name;
    return this.#classes.list().flatMap((deviceClass) => {
      const { name } = deviceClass.metadata;
      const known = this.#current(deviceClass);
      if (known === undefined) return [{ name, availability: true }]; // Judged as a whole when it is looked at.
      const had = known.members > 0;
      const judged = after && { node: after, mismatch: mismatchOf(after, deviceClass.spec) };
      const previous = known.judged.get(key);
      replace(known, key, judged);
      return sameVerdict(previous, judged) ? [] : [{ name, availability: had !== known.members > 0 }];
    });
  }

  #of(name: string): ClassOfNodes | undefined {
    const deviceClass = this.#classes.get(name);
    if (deviceClass === undefined) return undefined;
    return this.#current(deviceClass) ?? this.#judge(deviceClass);
  }

  /** What is known of this very class, at this generation. */
  #current({ metadata }: ExportDeviceClass): ClassOfNodes | undefined {
    const known = this.#known.get(metadata.name);
    return known?.uid === metadata.uid && known.generation === metadata.generation ? known : undefined;
  }

  #judge({ metadata, spec }: ExportDeviceClass): ClassOfNodes {
    const fresh: ClassOfNodes = {
      uid: metadata.uid,
      generation: metadata.generation,
      judged: new Map(),
      members: 0,
    };
    for (const node of this.#nodes.list())
      replace(fresh, node.metadata.name, { node, mismatch: mismatchOf(node, spec) });
    this.#known.set(metadata.name, fresh);
    return fresh;
  }
}

const replace = (known: ClassOfNodes, key: Key, judged: Judged | undefined): void => {
  if (isMember(known.judged.get(key))) known.members--;
  if (judged === undefined) known.judged.delete(key);
  else known.judged.set(key, judged);
  if (isMember(judged)) known.members++;
};

const isMember = (judged: Judged | undefined): boolean =>
  judged !== undefined && judged.mismatch === undefined;

/** Labels that neither decide on membership nor name the hardware make no difference. */
const sameVerdict = (a: Judged | undefined, b: Judged | undefined): boolean =>
  canonicalJson(verdictOf(a)) === canonicalJson(verdictOf(b));

const verdictOf = (judged: Judged | undefined): unknown =>
  judged && (judged.mismatch ?? hardwareOf(judged.node));
