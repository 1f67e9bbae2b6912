/**
 * Replaces calls of model-local functions by the nodes of their bodies, so that a layer inside a function is a layer of
 * the graph. https://onnx.ai/onnx/repo-docs/IR.html#functions
 */
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
} from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf } from '../../formats/onnx/graph.ts';
import { mapGraphs, withInnerGraphs } from '../../formats/onnx/inner-graphs.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import { UserError } from '../../ground/base/errors.ts';
import { FreshNames } from './fresh-names.ts';
import { requireSameOperators } from './function-opsets.ts';

/**
 * The model without functions; the model itself if it has none. Tensors inside a call are named `<call>/<tensor>`.
 * @throws UserError ModelInvalid for a function that calls itself, ModelUnsupported as `requireSameOperators`
 */
export const inlineFunctions = (model: ModelProto): ModelProto => {
  if (model.functions.length === 0) return model;
  for (const each of model.functions) requireSameOperators(model, each);
  const inlining = new Inlining(model);
  const graph = mapGraphs(graphOf(model), (each) => inlining.inside(each));
  return copyWith(model, { graph, functions: [], opsetImport: importsOf(model) });
};

/** The model's operator sets and those that its functions use, without the functions' own. */
const importsOf = ({ opsetImport, functions }: ModelProto): OperatorSetIdProto[] => {
  const own = new Set(functions.map(({ domain }) => domain));
  const all = [...opsetImport, ...functions.flatMap((each) => each.opsetImport)];
  const first = new Map(all.toReversed().map((entry) => [entry.domain, entry]));
  return [...first.values()].filter(({ domain }) => domain === '' || !own.has(domain)).reverse();
};

const keyOf = (domain: string, name: string, overload: string): string => [domain, name, overload].join('\n');

class Inlining {
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #names: FreshNames;

  constructor(model: ModelProto) {
    this.#functions = new Map(
      model.functions.map((each) => [keyOf(each.domain, each.name, each.overload), each]),
    );
    this.#names = new FreshNames(graphOf(model));
  }

  /** The graph with calls among its own nodes replaced; inner graphs are unchanged. */
  inside(graph: GraphProto): GraphProto {
    if (!graph.node.some((node) => this.#called(node))) return graph;
    return copyWith(graph, { node: graph.node.flatMap((node) => this.#expanded(node, [])) });
  }

  #called({ domain, opType, overload }: NodeProto): FunctionProto | undefined {
    return this.#functions.get(keyOf(domain, opType, overload));
  }

  #expanded(node: NodeProto, callers: readonly FunctionProto[]): NodeProto[] {
    const called = this.#called(node);
    if (!called) return [node];
    if (callers.includes(called))
      throw new UserError(
        'ModelInvalid',
        `Reading the ONNX model: its function ${called.domain}.${called.name} calls itself. Export the model again.`,
      );
    const deeper = [...callers, called];
    const inner = (graph: GraphProto): GraphProto =>
      copyWith(graph, { node: graph.node.flatMap((each) => this.#expanded(each, deeper)) });
    return new Call(node, called, this.#names)
      .nodes()
      .map((each) => withInnerGraphs(each, (graph) => mapGraphs(graph, inner)))
      .flatMap((each) => this.#expanded(each, deeper));
  }
}

/** One call: gives the body's names and attributes their values at the caller. */
class Call {
  readonly #node: NodeProto;
  readonly #called: FunctionProto;
  readonly #label: string;
  readonly #names: FreshNames;
  readonly #renamed = new Map<string, string>();

  constructor(node: NodeProto, called: FunctionProto, names: FreshNames) {
    this.#node = node;
    this.#called = called;
    this.#names = names;
    this.#label = node.name || (node.output.find((name) => name !== '') ?? node.opType);
    for (const [i, name] of called.input.entries()) this.#renamed.set(name, node.input[i] ?? '');
    for (const [i, name] of called.output.entries())
      if (node.output[i] && !called.input.includes(name)) this.#renamed.set(name, node.output[i]);
  }

  nodes(): NodeProto[] {
    const handedOn = this.#called.output.flatMap((name, i) =>
      this.#called.input.includes(name) && this.#node.output[i]
        ? [makeNode('Identity', { inputs: [this.#nameOf(name)], outputs: [this.#node.output[i]] })]
        : [],
    );
    return [...this.#called.node.map((node) => this.#bound(node)), ...handedOn];
  }

  #nameOf(name: string): string {
    if (name === '') return '';
    const known = this.#renamed.get(name);
    if (known !== undefined) return known;
    const fresh = this.#names.fresh(`${this.#label}/${name}`);
    this.#renamed.set(name, fresh);
    return fresh;
  }

  #bound(node: NodeProto): NodeProto {
    return copyWith(node, {
      name: node.name && `${this.#label}/${node.name}`,
      input: node.input.map((name) => this.#nameOf(name)),
      output: node.output.map((name) => this.#nameOf(name)),
      attribute: node.attribute.flatMap((attribute) => this.#value(attribute)),
    });
  }

  /** A referring attribute takes the value of the call, else the function's default, else it is omitted. */
  #value(attribute: AttributeProto): AttributeProto[] {
    const { name, refAttrName } = attribute;
    if (refAttrName !== '') {
      const given =
        this.#node.attribute.find((each) => each.name === refAttrName) ??
        this.#called.attributeProto.find((each) => each.name === refAttrName);
      return given ? [copyWith(given, { name })] : [];
    }
    if (!attribute.g && attribute.graphs.length === 0) return [attribute];
    const graphs = attribute.graphs.map((each) => this.#graph(each));
    return [copyWith(attribute, { ...(attribute.g && { g: this.#graph(attribute.g) }), graphs })];
  }

  #graph(graph: GraphProto): GraphProto {
    const renamed = <T extends { readonly name: string }>(each: T): T =>
      copyWith(each, { name: this.#nameOf(each.name) } as Partial<T>);
    return copyWith(graph, {
      input: graph.input.map(renamed),
      output: graph.output.map(renamed),
      initializer: graph.initializer.map(renamed),
      valueInfo: graph.valueInfo.map(renamed),
      node: graph.node.map((node) => this.#bound(node)),
      sparseInitializer: graph.sparseInitializer.map((each) =>
        copyWith(each, { ...(each.values && { values: renamed(each.values) }) }),
      ),
    });
  }
}
