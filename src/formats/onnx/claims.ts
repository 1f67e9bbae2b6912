/**
 * Limits sizes that a graph states by constants: a node of a few bytes can make a runtime allocate any amount of memory
 * or run forever. Sizes that follow from the input's shape are checked elsewhere, after ONNX Runtime has inferred them.
 */
import { UserError } from '../../ground/base/errors.ts';
import { type LimitName, limits } from '../../ground/base/limits.ts';
import { elementType } from './element-type.ts';
import type { GraphProto, ModelProto, NodeProto, TensorProto } from './generated/onnx_pb.ts';
import { attributeOf, intsOf, tensorOf } from './node.ts';
import { elementCountOf, floatsOf } from './tensor.ts';

/**
 * Checks every node, including those of inner graphs and functions.
 * @throws UserError ModelUnsupported naming the node
 */
export const requireBoundedClaims = (model: ModelProto): void => {
  if (model.graph) checkGraph(model.graph, new Map());
  for (const { node } of model.functions) checkNodes(node, new Map());
};

/** Small constants by name; an inner graph also sees those of its outer graphs. */
type SmallConstants = ReadonlyMap<string, TensorProto>;

const checkGraph = ({ initializer, node }: GraphProto, outer: SmallConstants): void =>
  checkNodes(node, new Map([...outer, ...initializer.map((tensor) => [tensor.name, tensor] as const)]));

const checkNodes = (nodes: readonly NodeProto[], outer: SmallConstants): void => {
  const created = nodes.flatMap((node) => {
    const tensor = node.opType === 'Constant' ? tensorOf(node, 'value') : undefined;
    return tensor ? [[node.output[0] ?? '', tensor] as const] : [];
  });
  const constants = new Map([...outer, ...created]);
  for (const node of nodes) {
    requireBounded(node, constants);
    for (const { g, graphs } of node.attribute)
      for (const inner of g ? [g, ...graphs] : graphs) checkGraph(inner, constants);
  }
};

const requireBounded = (node: NodeProto, constants: SmallConstants): void => {
  const elements = elementsOf[node.opType]?.(node, (index) =>
    readConstant(constants.get(node.input[index] ?? '')),
  );
  if (elements !== undefined) requireBelowLimit(node, 'tensorBytes', elements * bytesPerElement);
  if (node.opType === 'Loop') requireBelowLimit(node, 'loopTrips', countTrips(node, constants));
};

/** float32, the type of nearly all tensors. */
const bytesPerElement = 4;

const requireBelowLimit = (node: NodeProto, name: LimitName, claimed: number): void => {
  const { max, unit, remedy } = limits[name];
  if (claimed <= max) return;
  const label = node.name || node.output.find((output) => output !== '') || 'without a name';
  throw new UserError(
    'ModelUnsupported',
    `Reading the ONNX model: the node ${label} (${node.opType}) asks for ${claimed.toLocaleString('en')} ${unit}; at most ${max.toLocaleString('en')} are accepted. ${remedy}`,
  );
};

/** Values of a constant input; undefined for any other input. */
type InputAt = (index: number) => readonly number[] | undefined;

/** Sizes below 1 mean "copy from the input", and count as 1. */
const product = (sizes: readonly number[] | undefined): number =>
  (sizes ?? []).reduce((all, size) => all * Math.max(1, size), 1);

const shapeInput =
  (index: number) =>
  (_node: NodeProto, inputAt: InputAt): number =>
    product(inputAt(index));

const shapeAttribute = (node: NodeProto): number => product(intsOf(node, 'shape'));

const window = (_node: NodeProto, inputAt: InputAt): number => inputAt(0)?.[0] ?? 0;

/** Number of output elements as far as constants determine it: a lower bound. */
const elementsOf: Readonly<Record<string, (node: NodeProto, inputAt: InputAt) => number>> = {
  ConstantOfShape: shapeInput(0),
  Expand: shapeInput(1),
  Tile: shapeInput(1),
  Resize: shapeInput(3),
  MaxUnpool: shapeInput(2),
  OneHot: (_node, inputAt) => inputAt(1)?.[0] ?? 0,
  Range: (_node, inputAt) => {
    const [from, to, step] = [inputAt(0)?.[0], inputAt(1)?.[0], inputAt(2)?.[0]];
    return from === undefined || to === undefined || !step ? 0 : Math.ceil((to - from) / step);
  },
  Pad: (node, inputAt) => {
    const pads = inputAt(1) ?? intsOf(node, 'pads') ?? [];
    const rank = pads.length / 2;
    return product(pads.slice(0, rank).map((before, axis) => before + pads[axis + rank]!));
  },
  ConvTranspose: (node) => product(intsOf(node, 'output_shape')),
  RandomNormal: shapeAttribute,
  RandomUniform: shapeAttribute,
  HannWindow: window,
  HammingWindow: window,
  BlackmanWindow: window,
};

/** A shape has one entry per axis; a longer constant is not a shape. */
const mostEntries = 64;

const readConstant = (tensor: TensorProto | undefined): readonly number[] | undefined =>
  tensor && numeric.has(tensor.dataType) && elementCountOf(tensor) <= mostEntries
    ? [...floatsOf(tensor)]
    : undefined;

const numeric: ReadonlySet<number> = new Set([
  elementType.float32,
  elementType.float64,
  elementType.int32,
  elementType.int64,
]);

/** Iterations of a loop that only its count can end; 0 if a condition can end it. */
const countTrips = (node: NodeProto, constants: SmallConstants): number => {
  const [count = '', condition = ''] = node.input;
  const startsTrue = condition === '' || isTrue(constants.get(condition));
  const body = attributeOf(node, 'body')?.g;
  if (!body || !isEndless(body, startsTrue)) return 0;
  return count === '' ? Number.POSITIVE_INFINITY : (readConstant(constants.get(count))?.[0] ?? 0);
};

const isTrue = (tensor: TensorProto | undefined): boolean =>
  tensor?.rawData[0] === 1 || tensor?.int32Data[0] === 1;

/** True if the body returns its condition unchanged, or a constant true. */
const isEndless = ({ input, output, node, initializer }: GraphProto, startsTrue: boolean): boolean => {
  const [given, condition] = [input[1]?.name, output[0]?.name];
  const maker = node.find((each) => condition !== undefined && each.output.includes(condition));
  if (condition === given || (maker?.opType === 'Identity' && maker.input[0] === given)) return startsTrue;
  const constant = maker?.opType === 'Constant' ? tensorOf(maker, 'value') : undefined;
  return isTrue(constant ?? initializer.find(({ name }) => name === condition));
};
