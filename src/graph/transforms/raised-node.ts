/**
 * Rewrites a node of an older operator set for a newer one: attributes that became inputs, renamed operators, changed
 * defaults. https://onnx.ai/onnx/operators/ (versions of each operator)
 */

import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../formats/onnx/graph.ts';
import { attributeOf, intOf, intsOf, makeAttribute, makeNode } from '../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloats, tensorFromInt64s } from '../../formats/onnx/tensor.ts';
import { UserError } from '../../ground/base/errors.ts';

/** Operator set versions: the graph's, and the requested one. */
export type Raise = { readonly from: number; readonly wanted: number };

/** What is known about the tensors around a node. */
export type NodeContext = {
  /** Rank, where the graph declares it. */
  readonly ranks: ReadonlyMap<string, number | undefined>;
  /** Tensors that a node reads, or that are graph outputs. */
  readonly read: ReadonlySet<string>;
  readonly constants: ReadonlyMap<string, TensorProto>;
};

/** What replaces the node. */
export type Replacement = { readonly nodes: readonly NodeProto[]; readonly tensors: readonly TensorProto[] };

type Change = {
  /** The first opset that needs the change. */
  readonly at: number;
  readonly replace: (node: NodeProto, around: NodeContext, raise: Raise) => Replacement;
};

/**
 * The node for opset `raise.wanted`; the node itself if it does not change.
 * @throws UserError EngineUnsupported naming the operator if it has no equivalent
 */
export const raiseNode = (node: NodeProto, raise: Raise, around: NodeContext): Replacement => {
  const change = node.domain === '' ? changes[node.opType] : undefined;
  const needed = change !== undefined && raise.from < change.at && change.at <= raise.wanted;
  return needed ? change.replace(node, around, raise) : { nodes: [node], tensors: [] };
};

const onlyNode = (node: NodeProto): Replacement => ({ nodes: [node], tensors: [] });

const notRaisable = (node: NodeProto, why: string): UserError =>
  new UserError(
    'EngineUnsupported',
    `Raising the graph to a newer opset: the operator ${node.opType} that computes ${firstOutput(node)} has no equivalent there: ${why}. Export the model with opset 13 or later.`,
  );

const refuse =
  (why: string): Change['replace'] =>
  (node) => {
    throw notRaisable(node, why);
  };

const firstOutput = ({ output }: NodeProto): string => output.find((name) => name !== '') ?? '';

const withoutAttributes = (node: NodeProto, names: readonly string[]): NodeProto =>
  copyWith(node, { attribute: node.attribute.filter(({ name }) => !names.includes(name)) });

/** Exporters write 2^63 − 1 for "to the end". No dimension is that long, and a double would round it up. */
const clampInteger = (value: number): number =>
  Math.min(Math.max(value, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);

const integers = (node: NodeProto, name: string): TensorProto | undefined => {
  const values = attributeOf(node, name) && (intsOf(node, name) ?? []).map(clampInteger);
  return values && tensorFromInt64s(`${firstOutput(node)}/${name}`, [values.length], values);
};

const float = (node: NodeProto, name: string): TensorProto | undefined => {
  const attribute = attributeOf(node, name);
  return attribute && tensorFromFloats(`${firstOutput(node)}/${name}`, [], Float32Array.of(attribute.f));
};

/** Turns attributes into inputs after the first one, in this order. Absent ones stay absent. */
const asInputs =
  (names: readonly string[], tensorOf: typeof integers): Change['replace'] =>
  (node) => {
    const found = names.map((name) => tensorOf(node, name));
    const tensors = found.filter((tensor) => tensor !== undefined);
    const last = found.findLastIndex((tensor) => tensor !== undefined);
    const more = found.slice(0, last + 1).map((tensor) => tensor?.name ?? '');
    const input = [node.input[0]!, ...more];
    return { nodes: [copyWith(withoutAttributes(node, names), { input })], tensors };
  };

const pad: Change['replace'] = (node) => {
  const pads = integers(node, 'pads');
  if (!pads) throw notRaisable(node, 'it has no attribute pads');
  const value = attributeOf(node, 'value')?.f === 0 ? undefined : float(node, 'value');
  const tensors = value ? [pads, value] : [pads];
  const input = [node.input[0]!, ...tensors.map(({ name }) => name)];
  return { nodes: [copyWith(withoutAttributes(node, ['pads', 'value']), { input })], tensors };
};

const topK: Change['replace'] = (node) => {
  const k = tensorFromInt64s(`${firstOutput(node)}/k`, [1], [intOf(node, 'k', 0)]);
  const input = [node.input[0]!, k.name];
  return { nodes: [copyWith(withoutAttributes(node, ['k']), { input })], tensors: [k] };
};

/** Inference drops nothing. The mask, which was not boolean before opset 10, is removed unless it is read. */
const dropout: Change['replace'] = (node, { read }, { from }) => {
  const kept = withoutAttributes(node, ['ratio']);
  const [, mask] = node.output;
  if (!mask) return onlyNode(kept);
  if (!read.has(mask)) return onlyNode(copyWith(kept, { output: node.output.slice(0, 1) }));
  if (from < 10) throw notRaisable(node, 'its mask is read, and it had another type');
  return onlyNode(kept);
};

const batchNormalization: Change['replace'] = (node) => {
  if (intOf(node, 'spatial', 1) !== 1)
    throw notRaisable(node, 'it normalises each pixel separately (spatial 0)');
  return onlyNode(withoutAttributes(node, ['spatial']));
};

/** Upsample and the old Resize measured from the corner of pixels: `asymmetric`. */
const makeResize = (node: NodeProto, scales: string, nearest: 'floor' | 'ceil'): NodeProto =>
  copyWith(node, {
    opType: 'Resize',
    input: [node.input[0]!, '', scales],
    attribute: [
      ...node.attribute.filter(({ name }) => name === 'mode'),
      makeAttribute('coordinate_transformation_mode', { string: 'asymmetric' }),
      makeAttribute('nearest_mode', { string: nearest }),
    ],
  });

const upsample: Change['replace'] = (node) => {
  const attribute = attributeOf(node, 'scales');
  if (!attribute) return onlyNode(makeResize(node, node.input[1]!, 'floor'));
  const values = Float32Array.from(attribute.floats);
  const scales = tensorFromFloats(`${firstOutput(node)}/scales`, [values.length], values);
  return { nodes: [makeResize(node, scales.name, 'floor')], tensors: [scales] };
};

/**
 * The old Resize took the pixel before when enlarging and the pixel after when reducing (as ONNX Runtime does; the
 * specification does not say).
 */
const resize: Change['replace'] = (node, { constants }) => {
  const [, scales = ''] = node.input;
  const constant = constants.get(scales);
  const factors = constant && floatsOf(constant);
  if (!factors) throw notRaisable(node, 'its scales are computed, and its rounding depends on them');
  const reduces = factors.some((factor) => factor < 1);
  if (reduces && factors.some((factor) => factor > 1))
    throw notRaisable(node, 'it enlarges one side and reduces another');
  return onlyNode(makeResize(node, scales, reduces ? 'ceil' : 'floor'));
};

/** The old Softmax flattened its input to two dimensions at `axis`. For the last axis both mean the same. */
const softmax: Change['replace'] = (node, { ranks }) => {
  const [from, to] = [node.input[0]!, node.output[0]!];
  const axis = intOf(node, 'axis', 1);
  const rank = ranks.get(to) ?? ranks.get(from);
  const named = withoutAttributes(node, ['axis']);
  const along = (int: number) => [...named.attribute, makeAttribute('axis', { int })];
  if (axis === -1 || axis + 1 === rank) return onlyNode(copyWith(named, { attribute: along(axis) }));
  const [flat, shape, done] = [`${to}/flat`, `${to}/shape`, `${to}/done`];
  const nodes = [
    makeNode('Flatten', { inputs: [from], outputs: [flat], attributes: { axis: { int: axis } } }),
    copyWith(named, { input: [flat], output: [done], attribute: along(-1) }),
    makeNode('Shape', { inputs: [from], outputs: [shape] }),
    makeNode('Reshape', { inputs: [done, shape], outputs: [to] }),
  ];
  return { nodes, tensors: [] };
};

const roiAlign: Change['replace'] = (node) => {
  const old = makeAttribute('coordinate_transformation_mode', { string: 'output_half_pixel' });
  return onlyNode(copyWith(node, { attribute: [...node.attribute, old] }));
};

const experiment: Change = { at: 10, replace: refuse('it was experimental and was removed from ONNX') };
const axes: Change = { at: 13, replace: asInputs(['axes'], integers) };
const flattening: Change = { at: 13, replace: softmax };

/**
 * Every operator whose meaning changed between opset 7 and 16. More types, more ranks and negative axes do not count.
 */
const changes: Readonly<Record<string, Change>> = {
  Affine: experiment,
  Crop: experiment,
  ImageScaler: experiment,
  ParametricSoftplus: experiment,
  Scale: experiment,
  ScaledTanh: experiment,
  BatchNormalization: { at: 9, replace: batchNormalization },
  Clip: { at: 11, replace: asInputs(['min', 'max'], float) },
  Dropout: { at: 12, replace: dropout },
  Pad: { at: 11, replace: pad },
  Resize: { at: 11, replace: resize },
  RoiAlign: { at: 16, replace: roiAlign },
  Scan: { at: 9, replace: refuse('it had a batch dimension then') },
  Scatter: { at: 11, replace: (node) => onlyNode(copyWith(node, { opType: 'ScatterElements' })) },
  Slice: { at: 10, replace: asInputs(['starts', 'ends', 'axes'], integers) },
  Split: { at: 13, replace: asInputs(['split'], integers) },
  TopK: { at: 10, replace: topK },
  Upsample: { at: 10, replace: upsample },
  Squeeze: axes,
  Unsqueeze: axes,
  ReduceSum: axes,
  Softmax: flattening,
  LogSoftmax: flattening,
  Hardmax: flattening,
};
