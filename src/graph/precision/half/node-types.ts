/** Which float32 parameters of a node become float16, by what ONNX's operators take and by what needs the digits. */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { NodeProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { intOf, stringOf, tensorOf } from '../../../formats/onnx/node.ts';
import { acceptsHalf, findOperatorTypes, isVariable } from '../../../formats/onnx/operator-types.ts';
import type { Form } from './scope.ts';

/** Kept in float32, though ONNX lets them take float16. */
const kept: Readonly<Record<string, (node: NodeProto) => boolean>> = {
  // Levels are not to be rounded again.
  QuantizeLinear: () => true,
  DequantizeLinear: () => true,
  // The bits of a float32 are what it is about.
  BitCast: () => true,
  // ONNX Runtime (1.30) computes these in float32 alone, and does not cast by itself.
  MeanVarianceNormalization: () => true,
  ScatterElements: (node) => reduces(node),
  ScatterND: (node) => reduces(node),
};

const reduces = (node: NodeProto): boolean => stringOf(node, 'reduction', 'none') !== 'none';

export type NodeForms = {
  /** The form that each input takes if it is a float32 tensor. */
  readonly input: (index: number) => Form;
  /** The form of each output; undefined for one that is no float32 tensor. */
  readonly output: (index: number) => Form | undefined;
};

export type Asked = {
  readonly opset: number;
  readonly isFloat: (name: string) => boolean;
  /** The node is to stay in float32. */
  readonly keep: boolean;
};

/** Operators of other domains and TensorRT's plugins stay in float32, and are taken to give float32. */
export const formsOf = (node: NodeProto, { opset, isFloat, keep }: Asked): NodeForms => {
  const types = node.domain === '' ? findOperatorTypes(node.opType, opset) : undefined;
  if (!types) return { input: () => 'float', output: () => 'float' };
  const stays = keep || types.hasSequences || kept[node.opType]?.(node) === true;
  const formOf = (letter: string): Form => (stays || !acceptsHalf(letter) ? 'float' : 'half');
  const given = new Set(node.input.flatMap((name, i) => (name === '' ? [] : [types.input(i)])));
  const floats = new Set(node.input.flatMap((name, i) => (isFloat(name) ? [types.input(i)] : [])));
  const [first] = floats;
  /** Of an output whose type no input has: an attribute says it, or it is that of an input, or the operator's own. */
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

/** They take sequences and give numbers; what else takes or gives sequences is float32 throughout, since nothing casts one. */
const counting: ReadonlySet<string> = new Set(['SequenceLength', 'OptionalHasElement']);

const attributeType = (node: NodeProto): number | undefined => {
  const named = typeAttributes.map((name) => intOf(node, name, 0)).find((type) => type !== 0);
  return named ?? tensorOf(node, 'value')?.dataType;
};

const typeAttributes = ['to', 'dtype', 'output_dtype', 'output_datatype', 'stash_type'] as const;

/** Without an attribute, their output has the type of an input. */
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
