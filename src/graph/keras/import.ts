/**
 * A Keras model as ONNX: the calls of its network in order, each through the converter of its class. Images lie as
 * N,C,H,W from the inputs to the outputs, whatever the model's data_format. A detector ends as its exporter ends it, any other
 * model as it was trained. Memory: the weights once, and one piece.
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

export type ImportedModel = {
  readonly model: ModelProto;
  readonly dialect: Dialect;
  /** Of quantisation-aware training, by the names of the ONNX graph. */
  readonly ranges: TensorRanges;
  /** Why the ranges are of no use, if they are not; the model is. */
  readonly rangeFault: UserError | undefined;
  /** Layers that the outputs need, in the order of computation. */
  readonly layers: readonly ConvertedLayer[];
};

export type ImportOptions = {
  /** Whose padding; left out, it is judged by the file. */
  readonly dialect?: Dialect | undefined;
  /** Ends the graph in TensorRT's plugin nodes. */
  readonly detector?: Detector | undefined;
};

/** Every operator that comes out of this importer is in it, and every TensorRT since 8 reads it. */
const opset = 13;

/** @throws UserError ModelInvalid, ModelUnsupported, with the layer that is at fault; SpecInvalid for another training's */
export const importKeras = (file: KerasFile, { dialect, detector }: ImportOptions = {}): ImportedModel => {
  const found = originOf(file);
  const origin = { ...found, dialect: dialect ?? found.dialect };
  const graph = new GraphBuilder();
  const ground = {
    graph,
    enter: (each: Network) => addInputs(each, graph, origin.channelsLast),
    convert: (each: Network, inputs: readonly Value[]) =>
      convertNetwork(each, inputs, { file, graph, origin }),
  };
  const network = fixSides(parseNetwork(file.network), detector?.sides);
  const { inputs, outputs, parts } = detector
    ? ends[detector.architecture](network, { ...ground, detector })
    : convertAsTrained(network, { ...ground, channelsLast: origin.channelsLast });
  const model = makeModel({
    name: 'keras',
    inputs: inputs.map(portOf),
    outputs,
    ...graph.needed(outputs.map(({ name }) => name)),
    opset,
  });
  return { model, dialect: origin.dialect, ...joinParts(parts) };
};

type Trained = {
  readonly graph: GraphBuilder;
  readonly enter: (network: Network) => readonly Value[];
  readonly convert: (network: Network, inputs: readonly Value[]) => ConvertedNetwork;
  readonly channelsLast: boolean;
};

const convertAsTrained = (
  network: Network,
  { graph, enter, convert, channelsLast }: Trained,
): EndedNetwork => {
  const inputs = enter(network);
  const part = convert(network, inputs);
  const ports = part.outputs.map((output) => portOf(finaliseOutput(output, { graph, inputs, channelsLast })));
  return { inputs, outputs: ports, parts: [part] };
};

/** What the parts of a network left. */
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

/** An output in its final order of axes; an input that goes straight through gets a node, for ONNX wants one. */
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
