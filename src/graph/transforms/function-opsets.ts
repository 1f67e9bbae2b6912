/**
 * A model-local function has its own operator set. Its body can be inlined only if its operators mean the same in the
 * model's set.
 */
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
    `Reading the ONNX model: its function ${called.domain}.${called.name} uses operator set ${from} and the model ${to}, and ${changed.opType} differs between them. Export the functions and the model with one operator set.`,
  );
};

const innerNodes = ({ attribute }: NodeProto): readonly NodeProto[] =>
  attribute
    .flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))
    .flatMap((graph) => [...graphsOf(graph)].flatMap(({ node }) => node));
