/** Converts one graph to float16: that of the model, or a body of If, Loop or Scan. */
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
import { type Form, type HalfScope, makeCast } from './scope.ts';

/** What decides which tensors become float16. */
export type HalfSettings = {
  readonly opset: number;
  /** Tensors that depend on the images. All others, such as shapes and sizes, stay float32. */
  readonly dependent: ReadonlySet<string>;
  /** Whether the whole graph stays float32. */
  readonly keep: boolean;
  /** Converts a node that has bodies. */
  readonly withBodies: (node: NodeProto, scope: HalfScope, setting: HalfSettings) => NodeProto[];
};

/** Converts the nodes of a graph. Inputs are already in the scope; the caller names outputs. */
export const convertNodes = (graph: GraphProto, scope: HalfScope, setting: HalfSettings): NodeProto[] => {
  const { node, initializer } = foldConstants(graph);
  for (const tensor of initializer) scope.defineConstant(tensor);
  return node.flatMap((each) => {
    const keep = setting.keep || !dependsOn(each, setting.dependent);
    const make = bodiesOf(each).length > 0 ? setting.withBodies : convertNode;
    const made = make(each, scope, { ...setting, keep });
    return [...scope.takeCasts(), ...made];
  });
};

const convertNode = (node: NodeProto, scope: HalfScope, { opset, keep }: HalfSettings): NodeProto[] => {
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

/** Renames a node's outputs, and adds Casts for outputs of the model. */
export const withOutputs = (
  node: NodeProto,
  forms: readonly (Form | undefined)[],
  scope: HalfScope,
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
    casts.push(makeCast(half, name, 'float'));
    return half;
  });
  return [copyWith(node, { output }), ...casts];
};

/** How a body is converted. */
export type BodySetting = {
  readonly scope: HalfScope;
  readonly setting: HalfSettings;
  /** Form of an output; undefined keeps it unchanged. */
  readonly forms: (index: number, isFloat: boolean) => Form | undefined;
};

/** Converts a body; its inputs are already in the scope. */
export const convertBody = (body: GraphProto, { scope, setting, forms }: BodySetting): GraphProto => {
  const node = convertNodes(body, scope, setting);
  const use = { reader: `the output of ${body.name}`, isBound: false };
  const output = body.output.map((value, i) => {
    const form = forms(i, scope.isFloat(value.name));
    if (form === undefined) return value;
    const name = scope.named(value.name, form, use);
    const casts = scope.takeCasts();
    node.push(...casts);
    if (scope.isOwn(value.name)) return withForm(value, name, form);
    // A constant or an outer tensor: a body may return only what its own nodes compute.
    const copy = scope.fresh(`${value.name}/out`);
    node.push(makeNode('Identity', { inputs: [name], outputs: [copy] }));
    return withForm(value, copy, form);
  });
  return copyWith(body, { node, output, initializer: scope.constants, valueInfo: [] });
};

/** Declaration with the element type of the form; untyped declarations stay untyped. */
export const withForm = (value: ValueInfoProto, name: string, form: Form): ValueInfoProto =>
  elementTypeOf(value) === undefined
    ? copyWith(value, { name })
    : makeValueInfo(name, form === 'half' ? elementType.float16 : elementType.float32, shapeOf(value));
