/** One graph in float16: the graph of the model, or a body of If, Loop or Scan. */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { GraphProto, NodeProto, ValueInfoProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import {
  copyWith,
  elementTypeOf,
  foldConstants,
  makeValueInfo,
  shapeOf,
} from '../../../formats/onnx/graph.ts';
import { makeAttribute, makeNode } from '../../../formats/onnx/node.ts';
import { bodiesOf } from '../../../formats/onnx/reads.ts';
import { dependsOn } from '../../transforms/dependence.ts';
import { formsOf } from './node-types.ts';
import { castNode, type Form, type Scope } from './scope.ts';

export type Setting = {
  readonly opset: number;
  /** Tensors that follow from the images; all others stay in float32, shapes and sizes among them. */
  readonly dependent: ReadonlySet<string>;
  /** Nothing in this graph becomes float16. */
  readonly keep: boolean;
  /** What becomes of a node that has bodies. */
  readonly withBodies: (node: NodeProto, scope: Scope, setting: Setting) => NodeProto[];
};

/** The nodes of a graph in float16. Inputs are in the scope; outputs are named by the caller. */
export const halfNodes = (graph: GraphProto, scope: Scope, setting: Setting): NodeProto[] => {
  const { node, initializer } = foldConstants(graph);
  for (const tensor of initializer) scope.defineConstant(tensor);
  return node.flatMap((each) => {
    const keep = setting.keep || !dependsOn(each, setting.dependent);
    const make = bodiesOf(each).length > 0 ? setting.withBodies : halfNode;
    const made = make(each, scope, { ...setting, keep });
    return [...scope.takeCasts(), ...made];
  });
};

const halfNode = (node: NodeProto, scope: Scope, { opset, keep }: Setting): NodeProto[] => {
  const forms = formsOf(node, { opset, isFloat: (name) => scope.isFloat(name), keep });
  const reader = node.name || `the ${node.opType} that computes ${node.output.find((name) => name !== '')}`;
  const input = node.input.map((name, i) =>
    scope.isFloat(name)
      ? scope.named(name, forms.input(i), { reader, isBound: node.opType === 'Clip' && i > 0 })
      : name,
  );
  const outputs = node.output.map((_, i) => forms.output(i));
  const attribute = node.attribute.map((each) =>
    node.opType === 'Cast' && each.name === 'to' && outputs[0] === 'half'
      ? makeAttribute('to', { int: elementType.float16 })
      : each,
  );
  return withOutputs(copyWith(node, { input, attribute }), outputs, scope);
};

/** The node under the names that its outputs get, and the Casts that ports of the graph need behind it. */
export const withOutputs = (
  node: NodeProto,
  forms: readonly (Form | undefined)[],
  scope: Scope,
): NodeProto[] => {
  const casts: NodeProto[] = [];
  const output = node.output.map((name, i) => {
    const form = name === '' ? undefined : forms[i];
    if (form === undefined) return name;
    if (form === 'float' || !scope.isPort(name)) {
      scope.define(name, form);
      return name;
    }
    const half = scope.fresh(`${name}/half`);
    scope.define(name, 'half', half);
    scope.define(name, 'float');
    casts.push(castNode(half, name, 'float'));
    return half;
  });
  return [copyWith(node, { output }), ...casts];
};

export type BodySetting = {
  readonly scope: Scope;
  readonly setting: Setting;
  /** The form of an output; undefined leaves it as it is. */
  readonly forms: (index: number, isFloat: boolean) => Form | undefined;
};

/** A body as a graph of its own; its inputs are in the scope. */
export const halfBody = (body: GraphProto, { scope, setting, forms }: BodySetting): GraphProto => {
  const node = halfNodes(body, scope, setting);
  const use = { reader: `the output of ${body.name}`, isBound: false };
  const output = body.output.map((value, i) => {
    const form = forms(i, scope.isFloat(value.name));
    if (form === undefined) return value;
    const name = scope.named(value.name, form, use);
    const casts = scope.takeCasts();
    node.push(...casts);
    if (scope.isOwn(value.name)) return typedAs(value, name, form);
    // A constant, or a tensor of the graph around: a body hands out only what its own nodes make.
    const copy = scope.fresh(`${value.name}/out`);
    node.push(makeNode('Identity', { inputs: [name], outputs: [copy] }));
    return typedAs(value, copy, form);
  });
  return copyWith(body, { node, output, initializer: scope.constants, valueInfo: [] });
};

/** The declared type with the element type of the form; nothing where nothing was declared. */
export const typedAs = (value: ValueInfoProto, name: string, form: Form): ValueInfoProto =>
  elementTypeOf(value) === undefined
    ? copyWith(value, { name })
    : makeValueInfo(name, form === 'half' ? elementType.float16 : elementType.float32, shapeOf(value));
