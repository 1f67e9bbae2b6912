/**
 * Chooses the nodes that ONNX Runtime computes with integers, and the tensors that need a Q/DQ pair for that. A layer with
 * many products for each result gains more than the conversions around it cost. Any other node follows only where integers
 * come in and a later layer needs integers, so that no chain only converts.
 */
import type { GraphProto, NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { floatOf, intOf } from '../../../formats/onnx/node.ts';
import { readsOf } from '../../../formats/onnx/reads.ts';
import type { Scales } from '../qdq.ts';
import { weightOf } from '../qdq-placement.ts';
import { integerFormOf, isFolded } from './integer-forms.ts';

/** A prepared graph, its constants and scales. */
export type IntegerRequest = {
  readonly graph: GraphProto;
  readonly constants: ReadonlyMap<string, TensorProto>;
  readonly scales: Scales;
};

/** The choice. */
export type IntegerNodes = {
  readonly nodes: ReadonlySet<NodeProto>;
  /** Tensors with a pair → the tensor whose grid they have: their own, or that of the tensor that they rearrange. */
  readonly tensors: ReadonlyMap<string, string>;
};

const activations: ReadonlySet<string> = new Set(['Relu', 'Clip', 'LeakyRelu', 'PRelu']);

/** Chooses in two passes: backwards, whose integers a later layer needs; forwards, where integers come in. */
export const chooseIntegerNodes = (request: IntegerRequest): IntegerNodes => new Chooser(request).choose();

/** Products for each result from which a layer is worth two conversions: measured with AVX-512 VNNI. */
const worthConversions = 128;

class Chooser {
  readonly #request: IntegerRequest;
  readonly #readers = new Map<string, NodeProto[]>();
  readonly #ports: ReadonlySet<string>;

  constructor(request: IntegerRequest) {
    this.#request = request;
    this.#ports = new Set(request.graph.output.map(({ name }) => name));
    for (const node of request.graph.node)
      for (const name of readsOf(node)) this.#readers.set(name, [...(this.#readers.get(name) ?? []), node]);
  }

  choose(): IntegerNodes {
    const { node: graphNodes } = this.#request.graph;
    const able = graphNodes.filter((node) => this.#isAble(node));
    const wanted = this.#findWanted(able);
    const nodes = new Set<NodeProto>();
    const tensors = new Map<string, string>();
    const isAnchor = (node: NodeProto) => this.#isAnchor(node) || this.#feedsPool(node, wanted);
    for (const node of able) if (isAnchor(node)) tensors.set(node.input[0]!, node.input[0]!);
    for (const node of able) {
      const end = this.#endOf(node);
      const follows = wanted.has(end) && this.#dataOf(node).every((name) => tensors.has(name));
      if (!follows && !isAnchor(node)) continue;
      nodes.add(node);
      tensors.set(end, integerFormOf(node) === 'Passing' ? tensors.get(node.input[0]!)! : end);
    }
    return { nodes, tensors };
  }

  /** Tensors that an anchor reads, directly or through nodes that can be integer. */
  #findWanted(able: readonly NodeProto[]): ReadonlySet<string> {
    const wanted = new Set<string>();
    for (const node of able.toReversed())
      if (this.#isAnchor(node) || wanted.has(this.#endOf(node)))
        for (const name of this.#dataOf(node)) wanted.add(name);
    return wanted;
  }

  /** Whether a node has an integer form, and the tensors around it have scales. */
  #isAble(node: NodeProto): boolean {
    const { constants, scales } = this.#request;
    const form = integerFormOf(node);
    if (form === undefined || (form === 'Weighted' && !isPlain(node, constants))) return false;
    const data = this.#dataOf(node);
    return [...data, this.#endOf(node)].every((name) => scales.has(name) && !constants.has(name));
  }

  /** A layer with enough products to pay for conversions. */
  #isAnchor(node: NodeProto): boolean {
    const weight = this.#request.constants.get(node.input[1] ?? '');
    if (integerFormOf(node) !== 'Weighted' || !weight) return false;
    const dims = weight.dims.map(Number);
    const products =
      node.opType === 'Conv'
        ? dims.slice(1).reduce((all, size) => all * size, 1)
        : dims[intOf(node, 'transB', 0) === 1 ? 1 : 0]!;
    return products >= worthConversions;
  }

  /**
   * A convolution whose results, after an activation, a pool of integers reads. ONNX Runtime moves the conversion in front of the
   * pool, and pools integers fast only in the channel order that an integer convolution writes.
   */
  #feedsPool(node: NodeProto, wanted: ReadonlySet<string>): boolean {
    if (node.opType !== 'Conv') return false;
    let [reader, ...others] = this.#readers.get(node.output[0]!) ?? [];
    while (reader && others.length === 0 && activations.has(reader.opType))
      [reader, ...others] = this.#readers.get(reader.output[0]!) ?? [];
    return reader?.opType === 'MaxPool' && others.length === 0 && wanted.has(reader.output[0]!);
  }

  /** The inputs that hold numbers of images. */
  #dataOf(node: NodeProto): readonly string[] {
    return integerFormOf(node) === 'Joining' ? node.input : node.input.slice(0, 1);
  }

  /** The output of a node, or of the activation that its range replaces. */
  #endOf(node: NodeProto): string {
    const output = node.output[0]!;
    const [reader, ...others] = this.#readers.get(output) ?? [];
    if (!reader || others.length > 0 || this.#ports.has(output)) return output;
    return integerFormOf(node) !== 'Passing' && isFolded(reader.opType) ? reader.output[0]! : output;
  }
}

/** Whether a layer has a constant weight and bias, and no factors of its own. */
const isPlain = (node: NodeProto, constants: ReadonlyMap<string, TensorProto>): boolean => {
  if (weightOf(node, constants) === undefined) return false;
  if (node.input[2] && constants.get(node.input[2])?.dims.length !== 1) return false;
  if (node.opType !== 'Gemm') return true;
  return intOf(node, 'transA', 0) === 0 && floatOf(node, 'alpha', 1) === 1 && floatOf(node, 'beta', 1) === 1;
};
