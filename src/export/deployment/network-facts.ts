/** Describes an exported network for serving: its ports, preprocessing and class names. */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { ValueInfoProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { elementTypeOf, graphOf, shapeOf } from '../../formats/onnx/graph.ts';
import { lowerPlugins } from '../../graph/plugins/lower.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { NetworkFacts, outputTypes } from '../../ground/contract/deployment.ts';
import type { OpenedModel } from '../models/open-model.ts';

/** An opened model, and what its file does not say. */
export type DescribedModel = {
  readonly architecture: Architecture;
  readonly opened: Pick<
    OpenedModel,
    'model' | 'input' | 'outputs' | 'channels' | 'height' | 'width' | 'fixedBatch' | 'preprocessing'
  >;
  /** Class names in the order of the outputs; empty if unknown. */
  readonly labels: readonly string[];
  /** SHA-256 digests of what the export read, by name. */
  readonly inputs: Readonly<Record<string, string>>;
};

/** Describes a network. Sizes of plugin outputs, which graphs leave open, come from the plugin's attributes. */
export const describeNetwork = ({ architecture, opened, labels, inputs }: DescribedModel): NetworkFacts => {
  const { model, input, outputs, channels, height, width, fixedBatch, preprocessing } = opened;
  const declared = graphOf(lowerIfPossible(model)).output;
  const { order, mean, scale } = preprocessing;
  return {
    architecture,
    input: { name: input, channels, height, width, ...(fixedBatch !== undefined && { fixedBatch }) },
    outputs: outputs.map((name) => describeOutput(declared.find((each) => each.name === name)!)),
    preprocessing: {
      order,
      mean: mean.map(String),
      scale: (typeof scale === 'number' ? [scale] : scale).map(String),
    },
    labels: [...labels],
    inputs: { ...inputs },
  };
};

/** A plugin that only TensorRT can run keeps its outputs as the exporter declared them. */
const lowerIfPossible = (model: OpenedModel['model']): OpenedModel['model'] => {
  try {
    return lowerPlugins(model, 'Loop');
  } catch (thrown) {
    if (thrown instanceof UserError) return model;
    throw thrown;
  }
};

const types: Readonly<Record<number, (typeof outputTypes)[number]>> = {
  [elementType.int32]: 'int32',
  [elementType.int64]: 'int64',
};

const describeOutput = (output: ValueInfoProto): NetworkFacts['outputs'][number] => ({
  name: output.name,
  type: types[elementTypeOf(output) ?? elementType.float32] ?? 'float32',
  sizes: (shapeOf(output)?.slice(1) ?? []).map((size) => (typeof size === 'number' ? size : -1)),
});
