/**
 * Quantisation in a form of its own: what tools leave in a graph that are not ONNX's Q/DQ pairs. Some of it runs as it is,
 * some runs nowhere here; the export reports which before any work.
 */

import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { allNodes } from '../../formats/onnx/graph.ts';
import { findOperatorTypes } from '../../formats/onnx/operator-types.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import { computedFrom } from './calibration-graph.ts';
import { layerName } from './float-layers.ts';

/** Operators of ONNX and of ONNX Runtime's own domain whose arithmetic is on integers. */
const integer =
  /^(ConvInteger|MatMulInteger\w*|DynamicQuantize\w+|QLinear\w+|QGemm|QAttention|QEmbed\w+|QOrdered\w+|QMoE|MatMulNBits|GatherBlockQuantized|MatMulFpQ4|MatMulBnb4)$/;

/** Domains of the tools that write quantisers of their own, by how they begin. */
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

/** How quantisers of other tools are called: Quant, FakeQuantize, QcQuantizeOp, FixNeuron, Int8Conv … */
const quantising = /quant|fixneuron|^int8/i;

/** @throws UserError ModelUnsupported naming the tool for quantisers that neither ONNX nor ONNX Runtime has */
export const refuseForeignQuantisers = (model: ModelProto): void => {
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

/** `ConvInteger × 2, DynamicQuantizeLinear × 2`; undefined if nothing computes with integers. */
const integerOperators = (model: ModelProto): string | undefined => {
  const counts = new Map<string, number>();
  for (const { opType } of integerNodes(model)) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  return counts.size === 0
    ? undefined
    : [...counts].map(([opType, count]) => `${opType} × ${count}`).join(', ');
};

/**
 * What an int8 export says of a model that partly computes with integers already; undefined for any other.
 * @throws UserError ModelUnsupported if no convolution and no matrix product in float is left
 */
export const integerNote = (model: ModelProto): string | undefined => {
  const operators = integerOperators(model);
  if (operators === undefined) return undefined;
  if (computedFrom(model).length > 0)
    return `Part of the model computes with integers already, and stays as it is: ${operators}. TensorRT has no such operators.`;
  throw new UserError(
    'ModelUnsupported',
    `Exporting for int8: the model is quantised already (${operators}), and no convolution or matrix product in float is left that int8 could take over. Export the float model that it was made from; ${field('dataType')} fp32 exports this one as it is.`,
  );
};
