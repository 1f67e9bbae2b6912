/**
 * Maps that end in a Sigmoid. Where it sees nothing, such a map is near zero, and ONNX Runtime's Sigmoid is exact to
 * about 1.4·10⁻⁷ only: it gives multiples of 2⁻²⁵. Two graphs whose arguments differ in the last bits then give maps of
 * 10⁻⁶ that agree to 20 dB. What a Sigmoid reads has no such floor. A Sigmoid has no attributes and is the same at
 * every operator set, so two of them compute the same if they read the same.
 */
import type { GraphProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, makeUntypedValueInfo } from '../../formats/onnx/graph.ts';

/** How far two Sigmoids of ONNX Runtime may differ on arguments that are equal but for rounding. */
export const sigmoidError = 2 ** -20;

/** What keeps the values and their order. */
const carriers: ReadonlySet<string> = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/** What the Sigmoid at the end of a graph's output reads; undefined if it ends otherwise. */
export const sigmoidArgument = ({ node }: GraphProto, output: string): string | undefined => {
  const producers = new Map(node.flatMap((each) => each.output.map((name) => [name, each] as const)));
  let end = producers.get(output);
  while (end && end.domain === '' && carriers.has(end.opType)) end = producers.get(end.input[0]!);
  return end?.domain === '' && end.opType === 'Sigmoid' ? end.input[0] : undefined;
};

/** The graph with these tensors among its outputs. */
export const exposeTensors = (graph: GraphProto, names: readonly string[]): GraphProto => {
  const existing = new Set(graph.output.map(({ name }) => name));
  const added = [...new Set(names)].filter((name) => !existing.has(name));
  return copyWith(graph, { output: [...graph.output, ...added.map(makeUntypedValueInfo)] });
};
