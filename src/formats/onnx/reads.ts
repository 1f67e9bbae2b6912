/** What a node reads, its bodies included: branches of If and bodies of Loop and Scan read the graph around them. */
import type { GraphProto, NodeProto } from './generated/onnx_pb.ts';

/** Names of the tensors that a node needs before it can run; a name can appear twice, an absent input never. */
export const readsOf = (node: NodeProto): readonly string[] => [
  ...node.input.filter((name) => name !== ''),
  ...readByBodies(node),
];

/** Only those that its bodies read: no input of the node names them. */
export const readByBodies = (node: NodeProto): readonly string[] => bodiesOf(node).flatMap(readFromOutside);

/** Branches and bodies in the order of the attributes; empty for nearly every node. */
export const bodiesOf = ({ attribute }: NodeProto): readonly GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));

const readFromOutside = (body: GraphProto): readonly string[] => {
  const own = new Set([
    ...body.input.map(({ name }) => name),
    ...body.initializer.map(({ name }) => name),
    ...body.sparseInitializer.map(({ values }) => values?.name),
    ...body.node.flatMap(({ output }) => output),
  ]);
  const read = [...body.node.flatMap(readsOf), ...body.output.map(({ name }) => name)];
  return read.filter((name) => !own.has(name));
};
