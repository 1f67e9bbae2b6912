/** In which form a model is quantised when it comes, from its operators alone; what an export does follows from the form. */
import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { allNodes } from '../../formats/onnx/graph.ts';
import { int8Activations } from './calibration-graph.ts';
import { foreignQuantisers, integerNodes } from './foreign-quantisers.ts';

/** The way in which the values of a model are quantised. */
export type QuantisationForm =
  /** QuantizeLinear and DequantizeLinear around activations. */
  | 'pairs'
  /** DequantizeLinear behind stored integers, and float activations. */
  | 'weights'
  /** Integer operators that find their scales as they run, and float layers beside them. */
  | 'partlyInteger'
  /** The same, with no float layer left. */
  | 'integer'
  /** Integer operators with fixed scales: QLinearConv … */
  | 'operators'
  /** Quantisers of another tool. */
  | 'foreign';

/** How a model is quantised. */
export type Quantisation = {
  readonly form: QuantisationForm;
  /** Operator → number of nodes that show it. */
  readonly operators: Readonly<Record<string, number>>;
};

/** Undefined for a float model. */
export const quantisationOf = (model: ModelProto): Quantisation | undefined => {
  const foreign = foreignQuantisers(model);
  if (foreign.length > 0) return countOperators('foreign', foreign);
  const integer = integerNodes(model);
  const fixed = integer.filter(({ opType }) => fixedScales.test(opType));
  if (fixed.length > 0) return countOperators('operators', fixed);
  if (integer.length > 0)
    return countOperators(int8Activations(model).length > 0 ? 'partlyInteger' : 'integer', integer);
  const nodes = allNodes(model).filter(({ domain }) => domain === '');
  const quantise = nodes.filter(({ opType }) => opType === 'QuantizeLinear');
  if (quantise.length > 0) return countOperators('pairs', quantise);
  const dequantise = nodes.filter(({ opType }) => opType === 'DequantizeLinear');
  return dequantise.length > 0 ? countOperators('weights', dequantise) : undefined;
};

const fixedScales = /^(QLinear|QGemm|QAttention|QEmbed|QOrdered|QMoE)/;

const countOperators = (form: QuantisationForm, nodes: readonly NodeProto[]): Quantisation => {
  const operators: Record<string, number> = {};
  for (const { opType } of nodes) operators[opType] = (operators[opType] ?? 0) + 1;
  return { form, operators };
};
