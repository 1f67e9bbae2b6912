/**
 * Opset 11 and 12 graphs as opset 13, where QuantizeLinear has an axis: operators whose attributes became inputs, and
 * softmax, which used to flatten. From 13 to 16 nothing that stood there changed its meaning. https://onnx.ai/onnx/operators/ (version tables of each operator)
 */
import { UserError } from '../base/errors.ts';
import type { ModelProto, NodeProto, TensorProto } from '../formats/generated/onnx_pb.ts';
import { copyWith, graphOf, opsetOf } from '../formats/onnx/graph.ts';
import { attributeOf, intOf, intsOf, makeAttribute } from '../formats/onnx/node.ts';
import { tensorFromInt64s } from '../formats/onnx/tensor.ts';

const oldest = 11;
export const quantisableOpset = 13;

/** Operators whose attribute of this name is the next input from opset 13 on. */
const movedAttribute: Readonly<Record<string, string>> = {
  Squeeze: 'axes',
  Unsqueeze: 'axes',
  ReduceSum: 'axes',
  Split: 'split',
};

/**
 * `wanted` is at most 16.
 * @throws UserError EngineUnsupported for a graph that is older, or that relies on the old softmax
 */
export const raiseOpset = (model: ModelProto, wanted = quantisableOpset): ModelProto => {
  const version = opsetOf(model);
  if (version >= wanted) return model;
  if (version >= quantisableOpset) return withOpset(model, wanted);
  if (version < oldest)
    throw new UserError(
      'EngineUnsupported',
      `Raising the graph to opset ${quantisableOpset}: it is of opset ${version}, and ${oldest} is the oldest that can be raised. Export the model with opset ${quantisableOpset} or later.`,
    );
  const graph = graphOf(model);
  const added: TensorProto[] = [];
  const node = graph.node.map((each) => raised(each, added));
  return copyWith(withOpset(model, wanted), {
    graph: copyWith(graph, { node, initializer: [...graph.initializer, ...added] }),
  });
};

const withOpset = (model: ModelProto, version: number): ModelProto =>
  copyWith(model, {
    opsetImport: model.opsetImport.map((entry) =>
      entry.domain === '' || entry.domain === 'ai.onnx'
        ? copyWith(entry, { version: BigInt(version) })
        : entry,
    ),
  });

const raised = (node: NodeProto, added: TensorProto[]): NodeProto => {
  const moved = movedAttribute[node.opType];
  if (moved !== undefined) return withInput(node, moved, added);
  return ['Softmax', 'LogSoftmax', 'Hardmax'].includes(node.opType) ? oldSoftmax(node) : node;
};

const withInput = (node: NodeProto, name: string, added: TensorProto[]): NodeProto => {
  const values = intsOf(node, name);
  if (values === undefined) return node;
  const tensor = tensorFromInt64s(`${node.output[0]}/${name}`, [values.length], values);
  added.push(tensor);
  return copyWith(node, {
    input: [node.input[0]!, tensor.name],
    attribute: node.attribute.filter((attribute) => attribute.name !== name),
  });
};

/** The old one flattened from `axis` (1) on; on [N, C], what classifiers end with, both mean the same. */
const oldSoftmax = (node: NodeProto): NodeProto =>
  attributeOf(node, 'axis')
    ? node
    : copyWith(node, {
        attribute: [...node.attribute, makeAttribute('axis', { int: intOf(node, 'axis', 1) })],
      });
