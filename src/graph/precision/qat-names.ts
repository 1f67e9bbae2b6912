/**
 * Names trained ranges. TensorRT looks tensors up by name in the final graph, where trained layers are fused or
 * renamed; each architecture's exporter has its own rules.
 */

import type { TensorRanges } from '../../formats/scales/tensor-scales.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';

/** The graph that TensorRT parses. */
export type FinalGraph = {
  readonly architecture: Architecture;
  /** Name of the graph input. */
  readonly input: string;
  /** Names of the graph inputs and of all computed tensors. */
  readonly tensors: ReadonlySet<string>;
};

/** Ranges for the calibration cache and for the JSON file. */
export type NamedRanges = { readonly cache: TensorRanges; readonly json: TensorRanges };

type Rule = {
  /** New name; undefined omits the tensor. */
  readonly rename: (name: string, graph: FinalGraph) => string | undefined;
  readonly notInCache?: readonly string[];
  /** Omits tensors that the final graph lacks. */
  readonly onlyKnown?: true;
};

const unchanged: Rule = { rename: (name) => name };

/** Padding is fused into the next convolution. */
const withoutPadding = (name: string): string | undefined => (name.includes('/Pad') ? undefined : name);

const singleShot: Rule = {
  rename: (name, { input, tensors }) =>
    name.includes('Input') && !tensors.has(name) ? input : withoutPadding(name),
};

const rules: Readonly<Record<Architecture, Rule>> = {
  classification: { rename: (name) => withoutPort(name) },
  detectnet_v2: unchanged,
  ssd: singleShot,
  dssd: singleShot,
  yolo: singleShot,
  retinanet: {
    rename: (name) => withoutPadding(name.includes('upsample') ? name.split('/')[0]! : name),
    notInCache: ['P4_upsampled', 'P5_upsampled'],
  },
  faster_rcnn: { ...unchanged, onlyKnown: true },
};

/** Renames ranges; if two tensors get one name, the larger range wins. */
export const nameRanges = (ranges: TensorRanges, graph: FinalGraph): NamedRanges => {
  const { rename, notInCache, onlyKnown } = rules[graph.architecture];
  const [cache, json] = [new Map<string, number>(), new Map<string, number>()];
  for (const [trained, range] of ranges) {
    const renamed = rename(trained, graph);
    if (renamed === undefined) continue;
    const known = [trained, ...formsOf(renamed)].find((name) => graph.tensors.has(name));
    if (known === undefined && onlyKnown) continue;
    setLarger(json, renamed, range);
    if (!notInCache?.includes(withoutPort(renamed))) setLarger(cache, known ?? renamed, range);
  }
  return { cache, json };
};

const setLarger = (ranges: Map<string, number>, name: string, range: number): void => {
  ranges.set(name, Math.max(range, ranges.get(name) ?? 0));
};

/** Converters that use TensorFlow append `:0` to names. */
const formsOf = (name: string): readonly string[] => [name, withoutPort(name), `${name}:0`];

const withoutPort = (name: string): string => name.replace(/:\d+$/, '');
