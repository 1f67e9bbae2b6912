/**
 * Converts the calls of a network in order. A nested model is a network too; the names of its layers follow its own.
 */

import type { KerasFile, KerasWeight } from '../../formats/hdf5/keras-file.ts';
import type { TensorRanges } from '../../formats/scales/tensor-scales.ts';
import type { UserError } from '../../ground/base/errors.ts';
import { requireWithin } from '../../ground/base/limits.ts';
import { Config } from './config.ts';
import { mostDepth, type Origin } from './dialect.ts';
import { invalidLayer, unsupportedLayer } from './fault.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { Layer } from './layer.ts';
import { LayerWeights } from './layer-weights.ts';
import { findConverter, removePackage } from './layers/table.ts';
import { type LayerSpec, type Network, networkClasses, parseNetwork, type TensorRef } from './network.ts';
import { type Call, callKey, orderCalls } from './order.ts';
import { adaptToRegions, unwrapLayer } from './regions.ts';
import type { Size, Value } from './value.ts';

/** The file, the graph to add to, and the Keras that wrote the file. */
export type ConversionContext = {
  readonly file: KerasFile;
  readonly graph: GraphBuilder;
  readonly origin: Origin;
};

/** A converted call of a layer. */
export type ConvertedLayer = {
  readonly path: string;
  readonly className: string;
  /** Output shape in Keras's order of axes, without the batch. */
  readonly shape: readonly Size[];
};

/** Outputs of a converted network, and the ranges that training left in it. */
export type ConvertedNetwork = {
  readonly outputs: readonly Value[];
  readonly ranges: TensorRanges;
  /** Why the ranges cannot be used, if so. */
  readonly rangeFault: UserError | undefined;
  readonly layers: readonly ConvertedLayer[];
};

/**
 * Converts all calls that the outputs need. `inputs` are in the order of the network's inputs.
 * @throws UserError ModelInvalid, ModelUnsupported naming the layer
 */
export const convertNetwork = (
  network: Network,
  inputs: readonly Value[],
  context: ConversionContext,
): ConvertedNetwork => {
  const ranges = new Map<string, number>();
  const faults: UserError[] = [];
  const layers: ConvertedLayer[] = [];
  const { file } = context;
  const count = { calls: 0 };
  const state = { ...context, count, ranges, faults, layers, weights: new Map<string, LayerWeights>() };
  const outputs = convertCalls(network, inputs, { ...state, path: [], arraysOf: file.weightsOf });
  return { outputs, ranges, rangeFault: faults[0], layers };
};

type ConversionState = ConversionContext & {
  /** Calls of all networks together: nested models multiply them. */
  readonly count: { calls: number };
  readonly ranges: Map<string, number>;
  readonly faults: UserError[];
  readonly layers: ConvertedLayer[];
  /** By path: calls of a shared layer share its weights. */
  readonly weights: Map<string, LayerWeights>;
  /** Names of the enclosing models. */
  readonly path: readonly string[];
  readonly arraysOf: (layer: string, isModel: boolean) => readonly KerasWeight[];
};

const convertCalls = (network: Network, inputs: readonly Value[], state: ConversionState): Value[] => {
  const values = new Map<string, readonly Value[]>();
  const resolve = (reference: TensorRef): Value => {
    const value = values.get(callKey(reference))?.[reference.tensor];
    if (value) return value;
    const { className } = network.layers.get(reference.layer)!;
    throw invalidLayer({ path: reference.layer, className }, `it has no output ${reference.tensor}`);
  };
  for (const [i, reference] of network.inputs.entries())
    values.set(callKey(reference), inputs.slice(i, i + 1));
  for (const { layer, call } of orderCalls(network)) {
    const key = callKey({ layer: layer.name, call });
    if (values.has(key)) continue;
    const taken = layer.calls[call]!;
    values.set(key, convertCall({ layer, call }, taken.map(resolve), { ...state, network }));
  }
  return network.outputs.map(resolve);
};

const convertCall = (
  { layer: spec, call }: Call,
  inputs: readonly Value[],
  state: ConversionState & { network: Network },
) => {
  const label = { path: [...state.path, spec.name].join('/'), className: spec.className };
  state.count.calls += 1;
  requireWithin('kerasCalls', {
    claimed: state.count.calls,
    reason: 'ModelUnsupported',
    found: `Converting the layer ${label.path}: the network has`,
  });
  if (networkClasses.has(spec.className)) return convertInner(spec, inputs, state);
  const applied = unwrapLayer(spec, label);
  const convert = adaptToRegions(findConverter({ ...label, ...applied }, applied.config), applied);
  const taken = spec.calls[call]!;
  const layer: Layer = {
    ...label,
    ...state.origin,
    config: new Config(applied.config, label),
    weights: weightsOf(spec, label, state),
    graph: state.graph,
    scope: call === 0 ? label.path : `${label.path}_${call}`,
    noteRange: (tensor, range) =>
      void state.ranges.set(tensor, Math.max(range, state.ranges.get(tensor) ?? 0)),
    rejectRanges: (why) => void state.faults.push(why),
    isBehindQdq: (index) => isQdq(state.network.layers.get(taken[index]?.layer ?? '')),
  };
  const value = convert(layer, inputs);
  state.layers.push({ ...label, shape: value.shape });
  return [value];
};

const isQdq = (layer: LayerSpec | undefined): boolean =>
  layer !== undefined && removePackage(layer.className) === 'QDQ';

const weightsOf = (
  { name }: LayerSpec,
  label: Pick<Layer, 'path' | 'className'>,
  state: ConversionState,
): LayerWeights => {
  const known = state.weights.get(label.path);
  if (known) return known;
  const weights = new LayerWeights(label, () => state.arraysOf(name, false));
  state.weights.set(label.path, weights);
  return weights;
};

const convertInner = (spec: LayerSpec, inputs: readonly Value[], state: ConversionState): Value[] => {
  const path = [...state.path, spec.name];
  const label = { path: path.join('/'), className: spec.className };
  if (path.length > mostDepth) throw unsupportedLayer(label, 'it is nested in too many models');
  const network = parseNetwork({ class_name: spec.className, config: spec.config });
  if (network.inputs.length !== inputs.length)
    throw invalidLayer(label, `it takes ${network.inputs.length} tensors and gets ${inputs.length}`);
  let arrays: readonly KerasWeight[] | undefined;
  const arraysOf = (layer: string, isModel: boolean) => {
    arrays ??= state.arraysOf(spec.name, true);
    const own = arraysIn(arrays, layer);
    return isModel && own.length === 0 ? arrays : own;
  };
  return convertCalls(network, inputs, { ...state, path, arraysOf });
};

/**
 * A nested model has one group of arrays for all its layers. Each array's name contains the name of its layer, to which
 * TensorFlow may have appended a number. Only Keras 3 includes the names of deeper models.
 */
const arraysIn = (arrays: readonly KerasWeight[], layer: string): readonly KerasWeight[] => {
  const scopesOf = ({ name }: KerasWeight) => name.split('/').slice(0, -1);
  const exact = arrays.filter((array) => scopesOf(array).includes(layer));
  if (exact.length > 0) return exact;
  const numbered = (scope: string) =>
    scope.startsWith(`${layer}_`) && /^\d+$/.test(scope.slice(layer.length + 1));
  return arrays.filter((array) => scopesOf(array).some(numbered));
};
