/**
 * Converts a Keras model to ONNX: the calls of its network in order, each by the converter of its class. Images are
 * N,C,H,W from inputs to outputs, whatever the model's data_format. A detector gets the end of its exporter, any other
 * model ends as trained. Peak memory: the weights once, plus one chunk.
 */

import type { KerasFile } from '../../formats/hdf5/keras-file.ts';
import { elementType } from '../../formats/onnx/element-type.ts';
import type { ModelProto, ValueInfoProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { type Dimension, makeModel, makeValueInfo } from '../../formats/onnx/graph.ts';
import type { TensorRanges } from '../../formats/scales/tensor-scales.ts';
import type { UserError } from '../../ground/base/errors.ts';
import { type ConvertedLayer, type ConvertedNetwork, convertNetwork } from './convert-network.ts';
import type { Detector } from './detectors/detector.ts';
import type { EndedNetwork } from './detectors/end.ts';
import { ends } from './detectors/ends.ts';
import { originOf } from './dialect.ts';
import { GraphBuilder } from './graph-builder.ts';
import { addInputs, fixSides } from './inputs.ts';
import { type Dialect, rearrange } from './layer.ts';
import { type Network, parseNetwork } from './network.ts';
import { imageOrder, plainOrder, sizesInOrder, type Value } from './value.ts';

/** A converted Keras model. */
export type ImportedModel = {
  readonly model: ModelProto;
  readonly dialect: Dialect;
  /** Ranges of quantisation-aware training, by tensor names of the ONNX graph. */
  readonly ranges: TensorRanges;
  /** Why the ranges cannot be used, if so; the model still can. */
  readonly rangeFault: UserError | undefined;
  /** Layers that the outputs need, in order of computation. */
  readonly layers: readonly ConvertedLayer[];
};

/** What the file alone does not determine. */
export type ImportOptions = {
  /** Padding convention; detected from the file if undefined. */
  readonly dialect?: Dialect | undefined;
  /** Detector whose TensorRT plugin nodes end the graph. */
  readonly detector?: Detector | undefined;
};

/** It has every operator that this importer emits, and TensorRT supports it since version 8. */
const opset = 13;

/**
 * Converts the network of a Keras file.
 * @throws UserError ModelInvalid, ModelUnsupported naming the layer; SpecInvalid for the spec of another training
 */
export const importKeras = (file: KerasFile, { dialect, detector }: ImportOptions = {}): ImportedModel => {
  const found = originOf(file);
  const origin = { ...found, dialect: dialect ?? found.dialect };
  const graph = new GraphBuilder();
  const context = {
    graph,
    enter: (each: Network) => addInputs(each, graph, origin.channelsLast),
    convert: (each: Network, inputs: readonly Value[]) =>
      convertNetwork(each, inputs, { file, graph, origin }),
  };
  const network = fixSides(parseNetwork(file.network), detector?.sides);
  const { inputs, outputs, parts } = detector
    ? ends[detector.architecture](network, { ...context, detector })
    : convertAsTrained(network, { ...context, channelsLast: origin.channelsLast });
  const model = makeModel({
    name: 'keras',
    inputs: inputs.map(portOf),
    outputs,
    ...graph.needed(outputs.map(({ name }) => name)),
    opset,
  });
  return { model, dialect: origin.dialect, ...joinParts(parts) };
};

type TrainedContext = {
  readonly graph: GraphBuilder;
  readonly enter: (network: Network) => readonly Value[];
  readonly convert: (network: Network, inputs: readonly Value[]) => ConvertedNetwork;
  readonly channelsLast: boolean;
};

const convertAsTrained = (
  network: Network,
  { graph, enter, convert, channelsLast }: TrainedContext,
): EndedNetwork => {
  const inputs = enter(network);
  const part = convert(network, inputs);
  const ports = part.outputs.map((output) => portOf(finaliseOutput(output, { graph, inputs, channelsLast })));
  return { inputs, outputs: ports, parts: [part] };
};

/** Merges the results of several converted networks. */
const joinParts = (parts: readonly ConvertedNetwork[]) => ({
  ranges: new Map(parts.flatMap(({ ranges }) => [...ranges])),
  rangeFault: parts.find(({ rangeFault }) => rangeFault)?.rangeFault,
  layers: parts.flatMap(({ layers }) => layers),
});

const portOf = (value: Value): ValueInfoProto =>
  makeValueInfo(value.name, elementType.float32, dimensionsOf(value));

const dimensionsOf = (value: Value): Dimension[] => ['N', ...sizesInOrder(value)];

type OutputContext = {
  readonly graph: GraphBuilder;
  readonly inputs: readonly Value[];
  readonly channelsLast: boolean;
};

/**
 * An output in its final order of axes. An output that is an input gets an Identity node, because ONNX requires a node.
 */
const finaliseOutput = (output: Value, { graph, inputs, channelsLast }: OutputContext): Value => {
  const rank = output.shape.length;
  const order = rank === 3 ? imageOrder(!channelsLast) : plainOrder(rank);
  const value = rearrange({ graph, scope: output.name }, output, order);
  if (!inputs.some(({ name }) => name === value.name)) return value;
  return {
    ...value,
    name: graph.node('Identity', { inputs: [value.name], output: `${value.name}/Identity` }),
  };
};
