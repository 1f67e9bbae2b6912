/** A function is written for an operator set of its own; its body may become part of a graph of another one or not. */
import type { FunctionProto, ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphsOf, opsetOf } from '../../formats/onnx/graph.ts';
import { findOperatorTypes } from '../../formats/onnx/operator-types.ts';
import { UserError } from '../../ground/base/errors.ts';

/** @throws UserError ModelUnsupported for an operator that changed between the function's operator set and the model's */
export const requireSameOperators = (model: ModelProto, called: FunctionProto): void => {
  const own = called.opsetImport.find(({ domain }) => domain === '');
  const [from, to] = [Number(own?.version ?? opsetOf(model)), opsetOf(model)];
  if (from === to) return;
  const since = ({ opType }: NodeProto, opset: number) => findOperatorTypes(opType, opset)?.since;
  const isChanged = (node: NodeProto) => node.domain === '' && since(node, from) !== since(node, to);
  const changed = called.node.flatMap((node) => [node, ...innerNodes(node)]).find(isChanged);
  if (!changed) return;
  throw new UserError(
    'ModelUnsupported',
    `Reading the ONNX model: its function ${called.domain}.${called.name} is of operator set ${from} and the model of ${to}, between which ${changed.opType} changed. Export functions and model with one operator set.`,
  );
};

const innerNodes = ({ attribute }: NodeProto): readonly NodeProto[] =>
  attribute
    .flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))
    .flatMap((graph) => [...graphsOf(graph)].flatMap(({ node }) => node));
