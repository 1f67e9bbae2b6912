/** One network in the forms that different exporters write; all compute the same function. */
import { create } from '@bufbuild/protobuf';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import {
  FunctionProtoSchema,
  type ModelProto,
  type NodeProto,
  SparseTensorProtoSchema,
  type TensorProto,
} from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { mapNodes } from '../../src/formats/onnx/inner-graphs.ts';
import { makeAttribute, makeNode } from '../../src/formats/onnx/node.ts';
import { floatsOf, tensorFromFloats, tensorFromInt64s } from '../../src/formats/onnx/tensor.ts';

/** Like PyTorch's keep_initializers_as_inputs, which ONNX required before IR version 4. */
export const withListedWeights = (model: ModelProto, irVersion: bigint): ModelProto => {
  const graph = graphOf(model);
  const listed = graph.initializer.map(({ name, dataType, dims }) =>
    makeValueInfo(name, dataType, dims.map(Number)),
  );
  return copyWith(model, { irVersion, graph: copyWith(graph, { input: [...graph.input, ...listed] }) });
};

/** Nodes that name the default domain explicitly. */
export const withLongDomain = (model: ModelProto): ModelProto => {
  const long = <T extends { readonly domain: string }>(each: T): T =>
    each.domain === '' ? copyWith(each, { domain: 'ai.onnx' } as Partial<T>) : each;
  const node = mapNodes(graphOf(model).node, long);
  const functions = model.functions.map((each) =>
    copyWith(each, { node: each.node.map(long), opsetImport: each.opsetImport.map(long) }),
  );
  const opsetImport = model.opsetImport.map(long);
  return copyWith(model, { graph: copyWith(graphOf(model), { node }), functions, opsetImport });
};

/** Imports the default domain under both of its names. */
export const withTwoImports = (model: ModelProto): ModelProto => {
  const [own] = model.opsetImport;
  return copyWith(model, { opsetImport: [copyWith(own!, { domain: 'ai.onnx' }), own!] });
};

/** Stores every float weight as a sparse tensor, with linear or per-dimension indices. */
export const withSparseWeights = (model: ModelProto, places: 'Flat' | 'Coordinates'): ModelProto => {
  const graph = graphOf(model);
  const isFloat = ({ dataType }: TensorProto) => dataType === elementType.float32;
  const sparseInitializer = graph.initializer.filter(isFloat).map((tensor) => sparseOf(tensor, places));
  const initializer = graph.initializer.filter((tensor) => !isFloat(tensor));
  return copyWith(model, { graph: copyWith(graph, { initializer, sparseInitializer }) });
};

const sparseOf = (tensor: TensorProto, form: 'Flat' | 'Coordinates') => {
  const all = floatsOf(tensor);
  const at = [...all.keys()].filter((i) => all[i] !== 0);
  const sizes = tensor.dims.map(Number);
  const coordinates = (place: number) =>
    sizes.map((size, axis) => Math.floor(place / sizes.slice(axis + 1).reduce((a, b) => a * b, 1)) % size);
  return create(SparseTensorProtoSchema, {
    values: tensorFromFloats(
      tensor.name,
      [at.length],
      Float32Array.from(at, (i) => all[i]!),
    ),
    indices:
      form === 'Flat'
        ? tensorFromInt64s('', [at.length], at)
        : tensorFromInt64s('', [at.length, sizes.length], at.flatMap(coordinates)),
    dims: tensor.dims,
  });
};

const own = 'pkg.layers';

/**
 * Replaces each Conv and Relu by a call of a function with attributes, as onnxscript writes layers. `Layer` calls
 * `Act`, and both reference the attributes of their caller.
 */
export const withFunctions = (model: ModelProto): ModelProto => {
  const [onnx] = model.opsetImport;
  const act = create(FunctionProtoSchema, {
    ...{ name: 'Act', domain: own, input: ['x'], output: ['y'], opsetImport: [onnx!] },
    node: [
      makeNode('Relu', { inputs: ['x'], outputs: ['t'], name: 'relu' }),
      makeNode('Identity', { inputs: ['t'], outputs: ['y'] }),
    ],
  });
  const imports = [onnx!, copyWith(onnx!, { domain: own, version: 1n })];
  const conv = makeNode('Conv', { inputs: ['x', 'w', 'b'], outputs: ['c'], name: 'conv' });
  const layer = create(FunctionProtoSchema, {
    ...{ name: 'Layer', domain: own, input: ['x', 'w', 'b'], output: ['y'], opsetImport: imports },
    attribute: ['pads'],
    attributeProto: [makeAttribute('dilations', { ints: [1, 1] })],
    node: [
      copyWith(conv, { attribute: [referring('pads', 7), referring('dilations', 7)] }),
      makeNode('Act', { inputs: ['c'], outputs: ['y'], domain: own }),
    ],
  });
  return copyWith(model, {
    graph: copyWith(graphOf(model), { node: asCalls(graphOf(model).node) }),
    functions: [layer, act],
    opsetImport: imports,
  });
};

const referring = (name: string, type: 7) =>
  copyWith(makeAttribute(name, { ints: [] }), { type, refAttrName: name });

/** A Conv and the following Relu become one call. */
const asCalls = (nodes: readonly NodeProto[]): NodeProto[] =>
  nodes.flatMap((node, i) => {
    const [before, after] = [nodes[i - 1], nodes[i + 1]];
    if (node.opType === 'Relu' && before?.opType === 'Conv') return [];
    if (node.opType !== 'Conv' || after?.opType !== 'Relu') return [node];
    return [copyWith(node, { opType: 'Layer', domain: own, name: `layer${i}`, output: after.output })];
  });
