/** Renames tensors of a model. */
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf } from '../../src/formats/onnx/graph.ts';

/** Renames outputs of the graph (`coverage:0` → `renamed/coverage`) in all nodes. */
export const withRenamedOutputs = (model: ModelProto): ModelProto => {
  const graph = graphOf(model);
  const names = new Map(graph.output.map(({ name }) => [name, rename(name)]));
  const other = (name: string): string => names.get(name) ?? name;
  const node = graph.node.map((each) =>
    copyWith(each, { input: each.input.map(other), output: each.output.map(other) }),
  );
  const output = graph.output.map((each) => copyWith(each, { name: other(each.name) }));
  return copyWith(model, { graph: copyWith(graph, { node, output }) });
};

export const rename = (name: string): string => `renamed/${name.replace(/:0$/, '')}`;
