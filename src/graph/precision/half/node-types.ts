/**
 * Decides which float32 parameters of a node become float16, from the types that ONNX's operators accept and the
 * precision that they need.
 */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { NodeProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { intOf, stringOf, tensorOf } from '../../../formats/onnx/node.ts';
import { acceptsHalf, findOperatorTypes, isVariable } from '../../../formats/onnx/operator-types.ts';
import type { Form } from './scope.ts';

/** Operators kept in float32, although ONNX accepts float16. */
const keptInFloat: Readonly<Record<string, (node: NodeProto) => boolean>> = {
  // Quantised values must not be rounded twice.
  QuantizeLinear: () => true,
  DequantizeLinear: () => true,
  // It reinterprets the bits of a float32.
  BitCast: () => true,
  // ONNX Runtime (1.30) has only float32 kernels for these, and adds no Cast.
  MeanVarianceNormalization: () => true,
  ScatterElements: (node) => reduces(node),
  ScatterND: (node) => reduces(node),
};

const reduces = (node: NodeProto): boolean => stringOf(node, 'reduction', 'none') !== 'none';

/** Forms of a node's parameters. */
export type NodeForms = {
  /** Form of each input that is a float32 tensor. */
  readonly input: (index: number) => Form;
  /** Form of each output; undefined if it is not a float32 tensor. */
  readonly output: (index: number) => Form | undefined;
};

/** What decides the forms of a node. */
export type FormRequest = {
  readonly opset: number;
  readonly isFloat: (name: string) => boolean;
  /** Whether the node stays float32. */
  readonly keep: boolean;
};

/**
 * Decides the forms of a node. Operators of other domains and TensorRT's plugins stay float32, and are assumed to
 * return float32.
 */
export const formsOf = (node: NodeProto, { opset, isFloat, keep }: FormRequest): NodeForms => {
  const types = node.domain === '' ? findOperatorTypes(node.opType, opset) : undefined;
  if (!types) return { input: () => 'float', output: () => 'float' };
  const stays = keep || types.hasSequences || keptInFloat[node.opType]?.(node) === true;
  const formOf = (letter: string): Form => (stays || !acceptsHalf(letter) ? 'float' : 'half');
  const given = new Set(node.input.flatMap((name, i) => (name === '' ? [] : [types.input(i)])));
  const floats = new Set(node.input.flatMap((name, i) => (isFloat(name) ? [types.input(i)] : [])));
  const [first] = floats;
  /** For an output whose type no input has: an attribute, an input or the operator itself defines it. */
  const named = (letter: string): Form | undefined => {
    const type = attributeType(node);
    if (type === undefined && first === undefined) return followsInput.has(node.opType) ? undefined : 'float';
    if (type === undefined) return acceptsHalf(letter) ? formOf(first!) : 'float';
    if (type !== elementType.float32) return undefined;
    return node.opType === 'Cast' ? formOf(letter) : 'float';
  };
  const isSequence = (letter: string) => letter === '.' && types.hasSequences && !counting.has(node.opType);
  return {
    input: (index) => formOf(types.input(index)),
    output: (index) => {
      const letter = types.output(index);
      if (letter === 'f') return 'float';
      if (given.has(letter) && letter !== '.') return floats.has(letter) ? formOf(letter) : undefined;
      return isVariable(letter) || isSequence(letter) ? named(letter) : undefined;
    },
  };
};

/**
 * Operators that take sequences and return numbers. All other sequences stay float32, because Cast does not accept
 * them.
 */
const counting: ReadonlySet<string> = new Set(['SequenceLength', 'OptionalHasElement']);

const attributeType = (node: NodeProto): number | undefined => {
  const named = typeAttributes.map((name) => intOf(node, name, 0)).find((type) => type !== 0);
  return named ?? tensorOf(node, 'value')?.dataType;
};

const typeAttributes = ['to', 'dtype', 'output_dtype', 'output_datatype', 'stash_type'] as const;

/** Operators whose output has the type of an input unless an attribute states it. */
const followsInput: ReadonlySet<string> = new Set([
  'EyeLike',
  'RandomNormalLike',
  'RandomUniformLike',
  'Bernoulli',
  'DequantizeLinear',
  'SequenceAt',
  'SequenceConstruct',
  'SequenceInsert',
  'SequenceErase',
  'SplitToSequence',
  'ConcatFromSequence',
  'Optional',
  'OptionalGetElement',
]);
