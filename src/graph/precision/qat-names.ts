/**
 * Which name a trained range gets. TensorRT looks tensors up by their names in the final graph, where layers of the
 * training are fused or renamed; each architecture's exporter has its own rules for that.
 */

import type { TensorRanges } from '../../formats/scales/tensor-scales.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';

export type FinalGraph = {
  readonly architecture: Architecture;
  /** Name of the graph input. */
  readonly input: string;
  /** Names of the graph's inputs and of all that its nodes compute. */
  readonly tensors: ReadonlySet<string>;
};

export type NamedRanges = { readonly cache: TensorRanges; readonly json: TensorRanges };

type Rule = {
  /** Undefined leaves the tensor out. */
  readonly rename: (name: string, graph: FinalGraph) => string | undefined;
  readonly notInCache?: readonly string[];
  /** Leaves out what the final graph does not have. */
  readonly onlyKnown?: true;
};

const asItIs: Rule = { rename: (name) => name };

/** Padding becomes part of the convolution behind it. */
const withoutPadding = (name: string): string | undefined => (name.includes('/Pad') ? undefined : name);

const singleShot: Rule = {
  rename: (name, { input, tensors }) =>
    name.includes('Input') && !tensors.has(name) ? input : withoutPadding(name),
};

const rules: Readonly<Record<Architecture, Rule>> = {
  classification: { rename: (name) => withoutPort(name) },
  detectnet_v2: asItIs,
  ssd: singleShot,
  dssd: singleShot,
  yolo: singleShot,
  retinanet: {
    rename: (name) => withoutPadding(name.includes('upsample') ? name.split('/')[0]! : name),
    notInCache: ['P4_upsampled', 'P5_upsampled'],
  },
  faster_rcnn: { ...asItIs, onlyKnown: true },
};

/** Where two tensors get one name its range is the larger one. */
export const namedRanges = (ranges: TensorRanges, graph: FinalGraph): NamedRanges => {
  const { rename, notInCache, onlyKnown } = rules[graph.architecture];
  const [cache, json] = [new Map<string, number>(), new Map<string, number>()];
  for (const [trained, range] of ranges) {
    const renamed = rename(trained, graph);
    if (renamed === undefined) continue;
    const known = [trained, ...formsOf(renamed)].find((name) => graph.tensors.has(name));
    if (known === undefined && onlyKnown) continue;
    raise(json, renamed, range);
    if (!notInCache?.includes(withoutPort(renamed))) raise(cache, known ?? renamed, range);
  }
  return { cache, json };
};

const raise = (ranges: Map<string, number>, name: string, range: number): void => {
  ranges.set(name, Math.max(range, ranges.get(name) ?? 0));
};

/** Converters by way of TensorFlow end names with `:0`. */
const formsOf = (name: string): readonly string[] => [name, withoutPort(name), `${name}:0`];

const withoutPort = (name: string): string => name.replace(/:\d+$/, '');
