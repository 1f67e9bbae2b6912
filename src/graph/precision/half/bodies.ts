/** If, Loop and Scan in float16: what goes into a body, comes out of it and goes round in it has one form. */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { GraphProto, NodeProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, elementTypeOf } from '../../../formats/onnx/graph.ts';
import { attributeOf, intOf, makeAttribute } from '../../../formats/onnx/node.ts';
import { UserError } from '../../../ground/base/errors.ts';
import { dependentNames } from '../../transforms/dependence.ts';
import { halfBody, type Setting, typedAs, withOutputs } from './half-graph.ts';
import type { Form, Scope } from './scope.ts';

/** @throws UserError EngineUnsupported as `halfTensor`, ModelInvalid for a loop whose body does not fit it */
export const halfBodies = (node: NodeProto, scope: Scope, setting: Setting): NodeProto[] => {
  if (node.domain === '' && node.opType === 'If') return halfBranches(node, scope, setting);
  if (node.domain === '' && node.opType === 'Loop')
    return halfLoop(node, loopSlots(node), { scope, setting });
  if (node.domain === '' && node.opType === 'Scan')
    return halfLoop(node, scanSlots(node, setting.opset), { scope, setting });
  return keptBodies(node, scope, setting);
};

const formIn = ({ keep }: Setting): Form => (keep ? 'float' : 'half');

const halfBranches = (node: NodeProto, scope: Scope, setting: Setting): NodeProto[] => {
  const outputs: (Form | undefined)[] = [];
  const branch = (body: GraphProto): GraphProto => {
    const dependent = dependentNames(body, setting.dependent);
    const forms = (index: number, isFloat: boolean): Form | undefined => {
      if (isFloat) outputs[index] = formIn(setting);
      return isFloat ? formIn(setting) : undefined;
    };
    return halfBody(body, { scope: scope.inner(), setting: { ...setting, dependent }, forms });
  };
  return withOutputs(withGraphs(node, branch), outputs, scope);
};

const withGraphs = (node: NodeProto, change: (body: GraphProto) => GraphProto): NodeProto =>
  copyWith(node, {
    attribute: node.attribute.map((each) =>
      each.g ? makeAttribute(each.name, { graph: change(each.g) }) : each,
    ),
  });

/** Where the states of a loop are, and what else its body is fed with. */
type Slots = {
  readonly body: GraphProto;
  /** Of the node's inputs and of the body's inputs, the first that is a state. */
  readonly input: number;
  readonly bodyInput: number;
  /** Of the body's outputs. */
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
  const lengths = opset < 9 ? 1 : 0; // the lengths of the sequences came first then
  const states = node.input.length - lengths - intOf(node, 'num_scan_inputs', 0);
  return { body, input: lengths, bodyInput: 0, bodyOutput: 0, states };
};

/** @throws UserError ModelInvalid for a body that takes or gives less than its node hands on */
const requireFitting = (node: NodeProto, { body, input, bodyInput, bodyOutput, states }: Slots): void => {
  const [taken, given] = [bodyInput + node.input.length - input, bodyOutput + states];
  if (body.input.length >= taken && body.output.length >= given) return;
  const found = `${body.input.length} inputs and ${body.output.length} outputs`;
  throw invalidBody(node, `its body has ${found}, and ${taken} and ${given} are needed`);
};

type Context = { readonly scope: Scope; readonly setting: Setting };

const halfLoop = (node: NodeProto, slots: Slots, { scope, setting }: Context): NodeProto[] => {
  requireFitting(node, slots);
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
  const made = halfBody(body, {
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
    return form ? typedAs(value, value.name, form) : value;
  });
  const changed = withGraphs(node, () => copyWith(made, { input: inputs }));
  return withOutputs(copyWith(changed, { input }), outputs, scope);
};

/** A state follows from the images where it does in any turn of the loop. A counter does not, and keeps its digits. */
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
    const dependent = dependentNames(body, given);
    for (let i = 0; i < states; i++)
      if (dependent.has(body.output[bodyOutput + i]!.name)) given.add(body.input[bodyInput + i]!.name);
    if (given.size === before) return dependent;
  }
};

/** Another operator with a body: what it reads and makes stays in float32. */
const keptBodies = (node: NodeProto, scope: Scope, setting: Setting): NodeProto[] => {
  const use = { reader: node.name || node.opType, isBound: false };
  const input = node.input.map((name) => (scope.isFloat(name) ? scope.named(name, 'float', use) : name));
  const change = (body: GraphProto): GraphProto => {
    const inner = scope.inner();
    for (const value of body.input)
      if (elementTypeOf(value) === elementType.float32) inner.define(value.name, 'float');
    const forms = (_: number, isFloat: boolean): Form | undefined => (isFloat ? 'float' : undefined);
    return halfBody(body, { scope: inner, setting: { ...setting, keep: true }, forms });
  };
  const outputs = node.output.map((): Form => 'float');
  return withOutputs(copyWith(withGraphs(node, change), { input }), outputs, scope);
};
