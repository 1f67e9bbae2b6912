/** Which tensors a node reads, including its bodies: branches of If and bodies of Loop and Scan read outer tensors. */
import type { GraphProto, NodeProto } from './generated/onnx_pb.ts';

/** Names of the tensors that a node reads, possibly repeated, without absent inputs. */
export const readsOf = (node: NodeProto): readonly string[] => [
  ...node.input.filter((name) => name !== ''),
  ...readsOfBodies(node),
];

/** Outer tensors that the node's bodies read; they are not inputs of the node. */
export const readsOfBodies = (node: NodeProto): readonly string[] => bodiesOf(node).flatMap(readsFromOutside);

/** Branches and bodies of a node, in the order of its attributes; empty for most nodes. */
export const bodiesOf = ({ attribute }: NodeProto): readonly GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));

const readsFromOutside = (body: GraphProto): readonly string[] => {
  const own = new Set([
    ...body.input.map(({ name }) => name),
    ...body.initializer.map(({ name }) => name),
    ...body.sparseInitializer.map(({ values }) => values?.name),
    ...body.node.flatMap(({ output }) => output),
  ]);
  const read = [...body.node.flatMap(readsOf), ...body.output.map(({ name }) => name)];
  return read.filter((name) => !own.has(name));
};
