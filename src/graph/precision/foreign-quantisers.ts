/**
 * Quantisation other than ONNX's Q/DQ pairs, as various tools write it. Some of it runs unchanged, some is not
 * supported; the export reports both before any work.
 */

import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { allNodes } from '../../formats/onnx/graph.ts';
import { findOperatorTypes } from '../../formats/onnx/operator-types.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import { int8Activations } from './calibration-graph.ts';
import { layerName } from './float-layers.ts';

/** Operators of ONNX and of ONNX Runtime's domain that compute with integers. */
const integer =
  /^(ConvInteger|MatMulInteger\w*|DynamicQuantize\w+|QLinear\w+|QGemm|QAttention|QEmbed\w+|QOrdered\w+|QMoE|MatMulNBits|GatherBlockQuantized|MatMulFpQ4|MatMulBnb4)$/;

/** Prefixes of the domains of tools with quantisers of their own. */
const tools: Readonly<Record<string, string>> = {
  'org.openvinotoolkit': 'OpenVINO (NNCF)',
  'onnx.brevitas': 'Brevitas',
  qonnx: 'QONNX',
  'finn.custom_op': 'FINN',
  'aimet.customop': 'AIMET',
  'com.xilinx': 'Vitis AI',
  'com.amd.quark': 'AMD Quark',
  trt: "NVIDIA's Model Optimizer (FP8 or INT4)",
  'org.pytorch._caffe2': 'Caffe2',
};

/** Operator names of such quantisers: Quant, FakeQuantize, QcQuantizeOp, FixNeuron, Int8Conv … */
const quantising = /quant|fixneuron|^int8/i;

/**
 * Checks that a model has no quantisers that ONNX and ONNX Runtime lack.
 * @throws UserError ModelUnsupported naming the tool
 */
export const requireNoForeignQuantisers = (model: ModelProto): void => {
  const foreign = foreignQuantisers(model);
  const [first] = foreign;
  if (!first) return;
  const tool = Object.entries(tools).find(([domain]) => first.domain.startsWith(domain))?.[1];
  throw new UserError(
    'ModelUnsupported',
    `Reading the ONNX model: it is quantised by ${foreign.length} nodes ${first.opType} of the domain ${first.domain || 'ai.onnx'}${tool ? `, as ${tool} writes them` : ''} (${layerName(first)} …), which neither ONNX Runtime nor the builders of engines run. Export it with QuantizeLinear and DequantizeLinear nodes, or export the float model.`,
  );
};

/** Nodes that neither ONNX nor ONNX Runtime has. */
export const foreignQuantisers = (model: ModelProto): readonly NodeProto[] =>
  allNodes(model).filter(isForeign);

const isForeign = ({ domain, opType }: NodeProto): boolean => {
  if (domain === '') return quantising.test(opType) && findOperatorTypes(opType, newest) === undefined;
  return !domain.startsWith('com.microsoft') && quantising.test(opType);
};

const newest = Number.MAX_SAFE_INTEGER;

/** Nodes of ONNX and of ONNX Runtime's own domain that compute with integers. */
export const integerNodes = (model: ModelProto): readonly NodeProto[] =>
  allNodes(model).filter(
    ({ domain, opType }) => (domain === '' || domain === 'com.microsoft') && integer.test(opType),
  );

/** Operators with counts, such as `ConvInteger × 2, DynamicQuantizeLinear × 2`; undefined if there are none. */
const listIntegerOperators = (model: ModelProto): string | undefined => {
  const counts = new Map<string, number>();
  for (const { opType } of integerNodes(model)) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  return counts.size === 0
    ? undefined
    : [...counts].map(([opType, count]) => `${opType} × ${count}`).join(', ');
};

/**
 * Warning for an int8 export of a model that already computes partly with integers; undefined for any other.
 * @throws UserError ModelUnsupported if no float convolution or matrix product is left
 */
export const describeIntegerOperators = (model: ModelProto): string | undefined => {
  const operators = listIntegerOperators(model);
  if (operators === undefined) return undefined;
  if (int8Activations(model).length > 0)
    return `Part of the model computes with integers already, and stays as it is: ${operators}. TensorRT has no such operators.`;
  throw new UserError(
    'ModelUnsupported',
    `Exporting for int8: the model is quantised already (${operators}), and no convolution or matrix product in float is left that int8 could take over. Export the float model that it was made from; ${field('dataType')} fp32 exports this one as it is.`,
  );
};
