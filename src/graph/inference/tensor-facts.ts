/** Infers type and shape of every tensor of a graph for a given input shape, by ONNX Runtime. */

import { type ElementType, elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto, ModelProto, ValueInfoProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeUntypedValueInfo, makeValueInfo } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { requireWithin } from '../../ground/base/limits.ts';
import type { TensorFacts } from './segments.ts';
import { openSession, type PortInfo } from './session.ts';

const floatBytes = 4;

/**
 * Infers facts for the input shape `dims`; sizes are known where the graph fixes them.
 * @throws UserError ModelInvalid; ModelUnsupported for a tensor above the limit
 */
export const inferTensorFacts = async (
  source: ModelProto,
  { input, dims }: { readonly input: string; readonly dims: readonly number[] },
): Promise<ReadonlyMap<string, TensorFacts>> => {
  const graph = graphOf(source);
  const fed = graph.input.map((value) =>
    value.name === input ? makeValueInfo(input, elementType.float32, dims) : value,
  );
  const written = graph.node.flatMap(({ output }) => output.filter((name) => name !== ''));
  const output = [...new Set(written)].map(makeUntypedValueInfo);
  const probe = copyWith(source, {
    graph: copyWith(withoutWeights(graph, fed), {
      output: mergeDeclared(graph.output, output),
      valueInfo: [],
    }),
  });
  const options = { optimisation: 'disabled', prepacking: false, threads: 1 } as const;
  const session = await openSession(serializeModel(probe), options);
  await session.release();
  return new Map(
    [...session.inputs, ...session.outputs].map((port) => [
      port.name,
      requireTensorLimit(port.name, factsOf(port)),
    ]),
  );
};

/** Values of small tensors can determine shapes; of a large tensor only the shape matters. */
const largeBytes = 16 * 1024;

/** Turns large weights into inputs, so that they are not loaded. */
const withoutWeights = (graph: GraphProto, fed: readonly ValueInfoProto[]): GraphProto => {
  const large = graph.initializer.filter(({ rawData }) => rawData.length >= largeBytes);
  const names = new Set(large.map(({ name }) => name));
  const weights = large.map(({ name, dataType, dims }) => makeValueInfo(name, dataType, dims.map(Number)));
  return copyWith(graph, {
    initializer: graph.initializer.filter(({ name }) => !names.has(name)),
    input: [...fed.filter(({ name }) => !names.has(name)), ...weights],
  });
};

/** Keeps the model's declarations of its outputs. */
const mergeDeclared = (
  declared: readonly ValueInfoProto[],
  all: readonly ValueInfoProto[],
): ValueInfoProto[] => {
  const names = new Set(declared.map(({ name }) => name));
  return [...declared, ...all.filter(({ name }) => !names.has(name))];
};

/** Checked before anything runs, so nothing is allocated yet. */
const requireTensorLimit = (tensor: string, facts: TensorFacts): TensorFacts => {
  requireWithin('tensorBytes', {
    claimed: facts.bytes ?? 0,
    reason: 'ModelUnsupported',
    found: `Running the model: one run makes the tensor ${tensor} of`,
  });
  return facts;
};

/** ONNX Runtime reports [] for a scalar and for a tensor of unknown rank. */
const factsOf = ({ type, shape }: PortInfo): TensorFacts => {
  const elemType = elementType[type as ElementType];
  if (shape.length === 0) return { elemType, dims: undefined, bytes: undefined };
  const fixed = shape.filter((size) => typeof size === 'number');
  const elements = fixed.reduce((product, size) => product * size, 1);
  return { elemType, dims: shape, bytes: fixed.length < shape.length ? undefined : elements * floatBytes };
};
