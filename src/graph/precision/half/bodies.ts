/** Converts If, Loop and Scan to float16: an input, output or state of a body has one form throughout. */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { GraphProto, NodeProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, elementTypeOf } from '../../../formats/onnx/graph.ts';
import { attributeOf, intOf, makeAttribute } from '../../../formats/onnx/node.ts';
import { UserError } from '../../../ground/base/errors.ts';
import { findDependentNames } from '../../transforms/dependence.ts';
import { convertBody, type HalfSettings, withForm, withOutputs } from './half-graph.ts';
import type { Form, HalfScope } from './scope.ts';

/**
 * Converts a node with bodies.
 * @throws UserError EngineUnsupported as `convertTensor`, ModelInvalid for a loop without a matching body
 */
export const convertBodies = (node: NodeProto, scope: HalfScope, setting: HalfSettings): NodeProto[] => {
  if (node.domain === '' && node.opType === 'If') return convertBranches(node, scope, setting);
  if (node.domain === '' && node.opType === 'Loop')
    return convertLoop(node, loopSlots(node), { scope, setting });
  if (node.domain === '' && node.opType === 'Scan')
    return convertLoop(node, scanSlots(node, setting.opset), { scope, setting });
  return keepBodies(node, scope, setting);
};

const formIn = ({ keep }: HalfSettings): Form => (keep ? 'float' : 'half');

const convertBranches = (node: NodeProto, scope: HalfScope, setting: HalfSettings): NodeProto[] => {
  const outputs: (Form | undefined)[] = [];
  const branch = (body: GraphProto): GraphProto => {
    const dependent = findDependentNames(body, setting.dependent);
    const forms = (index: number, isFloat: boolean): Form | undefined => {
      if (isFloat) outputs[index] = formIn(setting);
      return isFloat ? formIn(setting) : undefined;
    };
    return convertBody(body, { scope: scope.inner(), setting: { ...setting, dependent }, forms });
  };
  return withOutputs(withGraphs(node, branch), outputs, scope);
};

const withGraphs = (node: NodeProto, change: (body: GraphProto) => GraphProto): NodeProto =>
  copyWith(node, {
    attribute: node.attribute.map((each) =>
      each.g ? makeAttribute(each.name, { graph: change(each.g) }) : each,
    ),
  });

/** Positions of a loop's states among the inputs and outputs. */
type Slots = {
  readonly body: GraphProto;
  /** Index of the first state among the node's inputs, and among the body's inputs. */
  readonly input: number;
  readonly bodyInput: number;
  /** Index of the first state among the body's outputs. */
  readonly bodyOutput: number;
  readonly states: number;
};

/** @throws UserError ModelInvalid */
const bodyOf = (node: NodeProto): GraphProto => {
  const body = attributeOf(node, 'body')?.g;
  if (body) return body;
  throw invalidBody(node, 'it has no body');
};

const invalidBody = ({ opType, name }: NodeProto, found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Making the fp16 graph: reading the ${opType} ${name}: ${found}. Export the model again.`,
  );

const loopSlots = (node: NodeProto): Slots => {
  const body = bodyOf(node);
  return { body, input: 2, bodyInput: 2, bodyOutput: 1, states: Math.max(0, node.input.length - 2) };
};

const scanSlots = (node: NodeProto, opset: number): Slots => {
  const body = bodyOf(node);
  const lengths = opset < 9 ? 1 : 0; // sequence lengths came first before opset 9
  const states = node.input.length - lengths - intOf(node, 'num_scan_inputs', 0);
  return { body, input: lengths, bodyInput: 0, bodyOutput: 0, states };
};

/**
 * Checks that the body has the inputs and outputs that its node needs.
 * @throws UserError ModelInvalid
 */
const requireMatchingBody = (
  node: NodeProto,
  { body, input, bodyInput, bodyOutput, states }: Slots,
): void => {
  const [taken, given] = [bodyInput + node.input.length - input, bodyOutput + states];
  if (body.input.length >= taken && body.output.length >= given) return;
  const found = `${body.input.length} inputs and ${body.output.length} outputs`;
  throw invalidBody(node, `its body has ${found}, and ${taken} and ${given} are needed`);
};

type Context = { readonly scope: HalfScope; readonly setting: HalfSettings };

const convertLoop = (node: NodeProto, slots: Slots, { scope, setting }: Context): NodeProto[] => {
  requireMatchingBody(node, slots);
  const { body, input: first, bodyInput, bodyOutput, states } = slots;
  const dependent = dependentInLoop(node, slots, setting.dependent);
  const fed = node.input.slice(first);
  const forms = fed.map((name, i): Form | undefined => {
    if (!scope.isFloat(name)) return undefined;
    return !setting.keep && dependent.has(body.input[bodyInput + i]!.name) ? 'half' : 'float';
  });
  const use = { reader: node.name || node.opType, isBound: false };
  const input = node.input.map((name, i) => {
    const form = i < first ? undefined : forms[i - first];
    return form ? scope.named(name, form, use) : name;
  });
  const inner = scope.inner();
  for (const [i, form] of forms.entries()) if (form) inner.define(body.input[bodyInput + i]!.name, form);
  const outputs = forms.slice(0, states);
  const made = convertBody(body, {
    scope: inner,
    setting: { ...setting, dependent },
    forms: (index, isFloat) => {
      const slot = index - bodyOutput;
      if (slot < 0 || !isFloat) return undefined;
      if (slot >= states) outputs[slot] = formIn(setting);
      return outputs[slot];
    },
  });
  const inputs = made.input.map((value, i) => {
    const form = forms[i - bodyInput];
    return form ? withForm(value, value.name, form) : value;
  });
  const changed = withGraphs(node, () => copyWith(made, { input: inputs }));
  return withOutputs(copyWith(changed, { input }), outputs, scope);
};

/** A state depends on the images if it does in any iteration. A counter does not, and keeps its precision. */
const dependentInLoop = (
  { input }: NodeProto,
  { body, input: first, bodyInput, bodyOutput, states }: Slots,
  outer: ReadonlySet<string>,
): ReadonlySet<string> => {
  const given = new Set(outer);
  for (const [i, name] of input.slice(first).entries())
    if (outer.has(name)) given.add(body.input[bodyInput + i]!.name);
  for (;;) {
    const before = given.size;
    const dependent = findDependentNames(body, given);
    for (let i = 0; i < states; i++)
      if (dependent.has(body.output[bodyOutput + i]!.name)) given.add(body.input[bodyInput + i]!.name);
    if (given.size === before) return dependent;
  }
};

/** Any other operator with a body: its inputs and outputs stay float32. */
const keepBodies = (node: NodeProto, scope: HalfScope, setting: HalfSettings): NodeProto[] => {
  const use = { reader: node.name || node.opType, isBound: false };
  const input = node.input.map((name) => (scope.isFloat(name) ? scope.named(name, 'float', use) : name));
  const change = (body: GraphProto): GraphProto => {
    const inner = scope.inner();
    for (const value of body.input)
      if (elementTypeOf(value) === elementType.float32) inner.define(value.name, 'float');
    const forms = (_: number, isFloat: boolean): Form | undefined => (isFloat ? 'float' : undefined);
    return convertBody(body, { scope: inner, setting: { ...setting, keep: true }, forms });
  };
  const outputs = node.output.map((): Form => 'float');
  return withOutputs(copyWith(withGraphs(node, change), { input }), outputs, scope);
};
