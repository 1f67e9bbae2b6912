/** Names for new tensors that are unused in the model, inner graphs included. */
import type { GraphProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphsOf } from '../../formats/onnx/graph.ts';

/** Hands out names that no tensor of the graph, or of its inner graphs, has. */
export class FreshNames {
  readonly #taken: Set<string>;

  constructor(graph: GraphProto) {
    this.#taken = new Set(
      [...graphsOf(graph)].flatMap(({ input, initializer, sparseInitializer, node }) => [
        ...[...input, ...initializer].map(({ name }) => name),
        ...sparseInitializer.map(({ values }) => values?.name ?? ''),
        ...node.flatMap(({ output }) => output),
      ]),
    );
  }

  /** The wanted name, or the wanted name with the first free number appended. Reserves it. */
  fresh(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}_${i}`;
    this.#taken.add(name);
    return name;
  }
}
