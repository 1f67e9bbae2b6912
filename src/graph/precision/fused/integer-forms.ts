/**
 * Which operators ONNX Runtime computes with integers on a CPU, as a table: it replaces an operator between DequantizeLinear and
 * QuantizeLinear nodes by an integer one (core/optimizer/qdq_transformer, version 1.30). A pair that no such operator
 * uses costs time and accuracy, so operators without a row stay float.
 */

/**
 * What an operator needs.
 * - `Weighted`: pairs on data input and output, an integer weight and an int32 bias (QLinearConv, QGemm)
 * - `Joining`: pairs on all inputs and on the output (QLinearAdd, QLinearConcat, QLinearAveragePool …)
 * - `Passing`: the same pair on input and output, because it moves integers
 */
export type IntegerForm = 'Weighted' | 'Joining' | 'Passing';

const forms: Readonly<Record<string, IntegerForm>> = {
  Conv: 'Weighted',
  Gemm: 'Weighted',
  Add: 'Joining',
  Mul: 'Joining',
  Concat: 'Joining',
  AveragePool: 'Joining',
  GlobalAveragePool: 'Joining',
  LeakyRelu: 'Joining',
  Sigmoid: 'Joining',
  MaxPool: 'Passing',
  Reshape: 'Passing',
  Flatten: 'Passing',
  Squeeze: 'Passing',
  Unsqueeze: 'Passing',
  Transpose: 'Passing',
};

/** The integer form of an operator of ONNX; undefined if it has none. */
export const integerFormOf = ({
  opType,
  domain,
}: {
  readonly opType: string;
  readonly domain: string;
}): IntegerForm | undefined => (domain === '' && Object.hasOwn(forms, opType) ? forms[opType] : undefined);

/** Activations that ONNX Runtime removes in front of a QuantizeLinear whose integers end where they clip. */
export const isFolded = (opType: string): boolean => opType === 'Relu' || opType === 'Clip';
