/**
 * Normal form of ONNX models: exporters write the same graph in several ways. In normal form:
 *
 * - the default operator set has one name, the empty one, in nodes and imports; it is imported once, at version 7 or
 *   later;
 * - there are no model-local functions: their bodies are part of the graph;
 * - every constant is a dense initializer or the dense value of a Constant node;
 * - a graph input is an input to feed: no initializer has its name, at any IR version.
 *
 * https://onnx.ai/onnx/repo-docs/IR.html
 */
import type {
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
} from '../../formats/onnx/generated/onnx_pb.ts';
import {
  copyWith,
  graphOf,
  inputsOf,
  isDefaultDomain,
  opsetOf,
  withGraph,
} from '../../formats/onnx/graph.ts';
import { mapGraphs, mapNodes, mapOrSame } from '../../formats/onnx/inner-graphs.ts';
import { attributeOf, makeAttribute } from '../../formats/onnx/node.ts';
import { toDense } from '../../formats/onnx/sparse.ts';
import { UserError } from '../../ground/base/errors.ts';
import { inlineFunctions } from './inline-functions.ts';

/** Older operator sets broadcast by attributes, and some of their operators ran only in training. */
export const oldestOpset = 7;

/** First IR version in which an initializer need not be a graph input as well. */
const freeInitializersIr = 4n;

/** Result of the conversion. */
export type NormalForm = {
  /** The given model itself if it is in normal form already. */
  readonly model: ModelProto;
  /** Whether nodes or constants changed. If so, the source file is not what is built. */
  readonly isRewritten: boolean;
};

/**
 * Converts a model to normal form.
 * @throws UserError ModelUnsupported for an operator set older than 7, or a function with another operator set;
 * ModelInvalid for contradicting imports, sparse tensors or functions
 */
export const toNormalForm = (source: ModelProto): NormalForm => {
  const named = withDefaultDomain(source);
  requireOpset(named);
  const inlined = inlineFunctions(named);
  const graph = mapGraphs(graphOf(inlined), withDenseConstants);
  const dense = withGraph(inlined, graph);
  return { model: withFreeInitializers(dense), isRewritten: graph !== graphOf(source) };
};

/** `ai.onnx` is the long name of the default domain. */
const withDefaultDomain = (model: ModelProto): ModelProto => {
  const short = <T extends { readonly domain: string }>(each: T): T =>
    isDefaultDomain(each.domain) && each.domain !== '' ? copyWith(each, { domain: '' } as Partial<T>) : each;
  const imports = (list: OperatorSetIdProto[]) => removeDuplicateImports(mapOrSame(list, short));
  const node = mapNodes(graphOf(model).node, short);
  const graph = node === graphOf(model).node ? graphOf(model) : copyWith(graphOf(model), { node });
  const functions = model.functions.map((each) =>
    copyWith(short(each), {
      opsetImport: imports(each.opsetImport),
      node: mapNodes(each.node, short),
    }),
  );
  const opsetImport = imports(model.opsetImport);
  const isSame = graph === model.graph && opsetImport === model.opsetImport && functions.length === 0;
  return isSame ? model : copyWith(model, { graph, functions, opsetImport });
};

const removeDuplicateImports = (imports: OperatorSetIdProto[]): OperatorSetIdProto[] => {
  const byDomain = Map.groupBy(imports, ({ domain }) => domain);
  if (byDomain.size === imports.length) return imports;
  for (const [domain, entries] of byDomain)
    if (new Set(entries.map(({ version }) => version)).size > 1)
      throw new UserError(
        'ModelInvalid',
        `Reading the ONNX model: it imports the operator set ${domain || 'ai.onnx'} in versions ${entries.map(({ version }) => version).join(' and ')}. Export it again with one version.`,
      );
  return [...byDomain.values()].map(([first]) => first!);
};

const requireOpset = (model: ModelProto): void => {
  const opset = opsetOf(model);
  if (opset >= oldestOpset) return;
  throw new UserError(
    'ModelUnsupported',
    `Reading the ONNX model: it uses operator set ${opset}; ONNX Runtime and TensorRT require ${oldestOpset} or later. Export the model with operator set 13 or later, or convert it with onnx.version_converter.`,
  );
};

const withDenseConstants = (graph: GraphProto): GraphProto => {
  const node = mapOrSame(graph.node, withDenseValue);
  if (graph.sparseInitializer.length === 0 && node === graph.node) return graph;
  const dense = graph.sparseInitializer.map(toDense);
  return copyWith(graph, { node, initializer: [...graph.initializer, ...dense], sparseInitializer: [] });
};

const withDenseValue = (node: NodeProto): NodeProto => {
  const sparse = node.opType === 'Constant' && attributeOf(node, 'sparse_value')?.sparseTensor;
  if (!sparse) return node;
  return copyWith(node, { attribute: [makeAttribute('value', { tensor: toDense(sparse) })] });
};

const withFreeInitializers = (model: ModelProto): ModelProto => {
  const graph = mapGraphs(graphOf(model), (each) => {
    const input = inputsOf(each);
    return input.length === each.input.length ? each : copyWith(each, { input });
  });
  if (graph === model.graph) return model;
  const irVersion = model.irVersion < freeInitializersIr ? freeInitializersIr : model.irVersion;
  return copyWith(model, { graph, irVersion });
};
