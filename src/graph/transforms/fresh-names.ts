/** Names for new tensors: none that the model has already, inner graphs included. */
import type { GraphProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphsOf } from '../../formats/onnx/graph.ts';

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

  /** The wanted name, or that name with the first free number behind it. */
  fresh(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}_${i}`;
    this.#taken.add(name);
    return name;
  }
}
