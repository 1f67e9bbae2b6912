/** Where Q/DQ pairs go, as tables: one table a backend, one row an operator. An operator without a row stays in float. */
import type { Backend } from '../../ground/contract/backends.ts';

/**
 * Which input of a node gets a pair.
 * - `WideWeight`: the first, of a convolution that has enough channels for int8 kernels
 * - `ConstantWeight`: the first, if the second is a constant weight
 * - `Input`: the first
 * - `ResidualBranch`: one branch of a sum
 */
export type PairRule = 'WideWeight' | 'ConstantWeight' | 'Input' | 'ResidualBranch';

/** Rules by operator of ONNX. */
export type PairRules = Readonly<Record<string, PairRule>>;

/**
 * TensorRT developer guide, "Q/DQ layer-placement recommendations": all inputs of weighted operations, one input of an
 * element-wise sum, and means; never outputs. MaxPool has no row: it commutes with Q/DQ nodes, so the builder moves those of its
 * readers in front of it.
 */
const tensorRtRules: PairRules = {
  Conv: 'WideWeight',
  ConvTranspose: 'ConstantWeight',
  Gemm: 'ConstantWeight',
  MatMul: 'ConstantWeight',
  AveragePool: 'Input',
  GlobalAveragePool: 'Input',
  Add: 'ResidualBranch',
};

/**
 * Rules by backend. Accuracy is measured and coverage reported by those of TensorRT. ONNX Runtime needs pairs on outputs, too:
 * `fused/integer-forms.ts` is its table.
 */
export const pairRules: Readonly<Record<Exclude<Backend, 'OnnxRuntime'>, PairRules>> = {
  TensorRt: tensorRtRules,
  TensorRtRtx: tensorRtRules,
};
