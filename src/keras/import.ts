/**
 * A Keras model as ONNX: the calls of its network in order, each through the converter of its class. Images lie as
 * N,C,H,W from the inputs to the outputs, whatever the model's data_format. Memory: the weights once, and one piece.
 */
import type { UserError } from '../base/errors.ts';
import type { ModelProto } from '../formats/generated/onnx_pb.ts';
import type { KerasFile } from '../formats/keras-file.ts';
import { elementType } from '../formats/onnx/element-type.ts';
import { type Dimension, makeModel, makeValueInfo } from '../formats/onnx/graph.ts';
import type { TensorRanges } from '../formats/tensor-scales.ts';
import { isCount, type Json, shown } from './config.ts';
import { convertNetwork, type Finished } from './convert-network.ts';
import { originOf } from './dialect.ts';
import { invalidLayer } from './fault.ts';
import { GraphBuilder } from './graph-builder.ts';
import { arranged, type Dialect } from './layer.ts';
import { type Network, parseNetwork } from './network.ts';
import { imageOrder, laidOut, plainOrder, type Size, type Value } from './value.ts';

export type ImportedModel = {
  readonly model: ModelProto;
  readonly dialect: Dialect;
  /** Of quantisation-aware training, by the names of the ONNX graph. */
  readonly ranges: TensorRanges;
  /** Why the ranges are of no use, if they are not; the model is. */
  readonly rangeFault: UserError | undefined;
  /** Layers that the outputs need, in the order of computation. */
  readonly layers: readonly Finished[];
};

export type ImportWish = {
  /** Whose padding; left out, it is judged by the file. */
  readonly dialect?: Dialect | undefined;
};

/** Every operator that comes out of this importer is in it, and every TensorRT since 8 reads it. */
const opset = 13;

/** @throws UserError ModelInvalid, ModelUnsupported, with the layer that is at fault */
export const importKeras = (file: KerasFile, { dialect }: ImportWish = {}): ImportedModel => {
  const found = originOf(file);
  const origin = { ...found, dialect: dialect ?? found.dialect };
  const graph = new GraphBuilder();
  const network = parseNetwork(file.network);
  const inputs = inputsOf(network, graph, origin.channelsLast);
  const { outputs, ...rest } = convertNetwork(network, inputs, { file, graph, origin });
  const ports = outputs.map((output) =>
    finalised(output, { graph, inputs, channelsLast: origin.channelsLast }),
  );
  const model = makeModel({
    name: 'keras',
    inputs: inputs.map(portOf),
    outputs: ports.map(portOf),
    nodes: graph.nodes,
    initializers: graph.initializers,
    opset,
  });
  return { model, dialect: origin.dialect, ...rest };
};

const portOf = (value: Value) => makeValueInfo(value.name, elementType.float32, dimensionsOf(value));

const dimensionsOf = (value: Value): Dimension[] => ['N', ...laidOut(value)];

/** One graph input for each input of the network, named like its layer. */
const inputsOf = ({ layers, inputs }: Network, graph: GraphBuilder, channelsLast: boolean): Value[] =>
  inputs.map(({ layer: name }) => {
    const { className, config } = layers.get(name)!; // parseNetwork has asked
    const shape = inputShape(config);
    if (!shape)
      throw invalidLayer(
        { path: name, className },
        `it is an input of the shape ${shown(config.batch_input_shape ?? config.batch_shape)}`,
      );
    const order = shape.length === 3 ? imageOrder(!channelsLast) : plainOrder(shape.length);
    return { name: graph.claim(name), shape, order };
  });

/** Without the batch; null is a free size. */
const inputShape = (config: Json): Size[] | undefined => {
  const shape = config.batch_input_shape ?? config.batch_shape;
  if (!Array.isArray(shape) || shape.length < 2 || shape.length > 5) return undefined;
  const sizes = shape.slice(1).map((size) => size ?? undefined);
  return sizes.every((size) => size === undefined || isCount(size)) ? sizes : undefined;
};

type Surroundings = {
  readonly graph: GraphBuilder;
  readonly inputs: readonly Value[];
  readonly channelsLast: boolean;
};

/** An output in its final order of axes; an input that goes straight through gets a node, for ONNX wants one. */
const finalised = (output: Value, { graph, inputs, channelsLast }: Surroundings): Value => {
  const rank = output.shape.length;
  const order = rank === 3 ? imageOrder(!channelsLast) : plainOrder(rank);
  const value = arranged({ graph, scope: output.name }, output, order);
  if (!inputs.some(({ name }) => name === value.name)) return value;
  return {
    ...value,
    name: graph.node('Identity', { inputs: [value.name], output: `${value.name}/Identity` }),
  };
};
