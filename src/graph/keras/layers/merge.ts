/** Layers with several inputs. Inputs get one order of axes; axes of size 1 are broadcast, as in NumPy. */
import { invalidLayer, unsupportedLayer } from '../fault.ts';
import { add, type Converter, isKnown, type Layer, rearrange, requireAxis, reshape } from '../layer.ts';
import { plainOrder, type Size, type Value } from '../value.ts';

/** Brings the inputs to one rank and order of axes. @throws UserError ModelInvalid for fewer than two */
const alignInputs = (layer: Layer, inputs: readonly Value[]): Value[] => {
  const [first] = inputs;
  if (!first || inputs.length < 2)
    throw invalidLayer(layer, `it gets ${inputs.length} tensors; expected  two or more`);
  const rank = inputs.reduce((most, { shape }) => Math.max(most, shape.length), 0);
  const whole = inputs.map((value) =>
    value.shape.length === rank ? value : addLeadingAxes(layer, value, rank),
  );
  const { order } = whole[inputs.findIndex(({ shape }) => shape.length === rank)]!;
  return whole.map((value) => rearrange(layer, value, order));
};

/** Keras inserts axes of size 1 after the batch where a tensor has a lower rank. */
const addLeadingAxes = (layer: Layer, value: Value, rank: number): Value => {
  const plain = rearrange(layer, value, plainOrder(value.shape.length));
  const shape = [...new Array<Size>(rank - value.shape.length).fill(1), ...plain.shape];
  if (!isKnown(shape)) throw unsupportedLayer(layer, 'a size of its input is free');
  return { ...plain, name: reshape(layer, plain.name, shape, 'ExpandDims'), shape, order: plainOrder(rank) };
};

const broadcastShape = (layer: Layer, a: readonly Size[], b: readonly Size[]): Size[] =>
  a.map((size, axis) => {
    const other = b[axis];
    if (size === 1 || other === 1) return size === 1 ? other : size;
    if (size !== undefined && other !== undefined && size !== other)
      throw invalidLayer(layer, `its inputs have the shapes (${a.join(', ')}) and (${b.join(', ')})`);
    return size ?? other;
  });

/** A chain of nodes, one for each input after the first: `add_1/add`, `add_1/add_1`. */
const chain =
  (opType: string, as: string, exactly?: number): Converter =>
  (layer, inputs) => {
    if (exactly !== undefined && inputs.length !== exactly)
      throw invalidLayer(layer, `it gets ${inputs.length} tensors; expected  ${exactly}`);
    const [first, ...rest] = alignInputs(layer, inputs);
    const nonNegative = opType !== 'Sub' && inputs.every((each) => each.nonNegative);
    return rest.reduce<Value>(
      (sum, value) => ({
        name: add(layer, opType, { inputs: [sum.name, value.name], as }),
        shape: broadcastShape(layer, sum.shape, value.shape),
        order: sum.order,
        nonNegative,
      }),
      first!,
    );
  };

const sum = chain('Add', 'add');

const average: Converter = (layer, inputs) => {
  const total = sum(layer, inputs);
  const count = layer.graph.floats(`${layer.scope}/count`, [], Float32Array.of(inputs.length));
  return { ...total, name: add(layer, 'Div', { inputs: [total.name, count], as: 'truediv' }) };
};

const concatenate: Converter = (layer, inputs) => {
  const values = alignInputs(layer, inputs);
  const [first] = values;
  const axis = requireAxis(layer, first!, layer.config.integer('axis', -1));
  const sizes = values.map(({ shape }) => shape[axis]);
  for (const { shape } of values)
    if (shape.some((size, i) => i !== axis && size !== first!.shape[i]))
      throw invalidLayer(layer, `its inputs differ in more than axis ${axis + 1}: (${shape.join(', ')})`);
  const total = sizes.reduce<Size>(
    (sum, size) => (sum === undefined || size === undefined ? undefined : sum + size),
    0,
  );
  const name = add(layer, 'Concat', {
    inputs: values.map((value) => value.name),
    as: 'concat',
    attributes: { axis: { int: first!.order.indexOf(axis) + 1 } },
  });
  noteJoinedItems(layer, values, { name, isOuter: first!.order[0] === axis });
  const shape = first!.shape.map((size, i) => (i === axis ? total : size));
  return { name, shape, order: first!.order, nonNegative: inputs.every((each) => each.nonNegative) };
};

type ConcatResult = { readonly name: string; readonly isOuter: boolean };

/** If all inputs are constant per item and joined along the first axis, so is the result. */
const noteJoinedItems = (
  { graph }: Layer,
  values: readonly Value[],
  { name, isOuter }: ConcatResult,
): void => {
  const items = values.flatMap((value) => graph.itemOf(value.name) ?? []);
  if (!isOuter || items.length !== values.length) return;
  const all = new Float32Array(items.reduce((total, item) => total + item.length, 0));
  let at = 0;
  for (const item of items) {
    all.set(item, at);
    at += item.length;
  }
  graph.noteItem(name, all);
};

/** TLT's CSPDarkNet: divides the channels into equal groups and returns one. */
const split: Converter = (layer, inputs) => {
  const [value] = inputs;
  if (!value || inputs.length !== 1)
    throw invalidLayer(layer, `it gets ${inputs.length} tensors; expected  one`);
  const [groups, group] = [layer.config.count('groups'), layer.config.integer('group_id', 0)];
  const channels = value.shape[0];
  if (channels === undefined || channels % groups !== 0 || group < 0 || group >= groups)
    throw invalidLayer(layer, `it selects group ${group} of ${groups} of ${channels} channels`);
  const size = channels / groups;
  const { graph, scope } = layer;
  const axis = value.order.indexOf(0) + 1;
  const bounds = [[group * size], [(group + 1) * size], [axis]];
  const names = bounds.map((each, i) => graph.integers(`${scope}/${['begin', 'end', 'axes'][i]}`, each));
  const name = add(layer, 'Slice', { inputs: [value.name, ...names], as: 'split' });
  return { ...value, name, shape: [size, ...value.shape.slice(1)] };
};

/** Converters by class name. */
export const mergeLayers: Readonly<Record<string, Converter>> = {
  Add: sum,
  Subtract: chain('Sub', 'sub', 2),
  Multiply: chain('Mul', 'mul'),
  Maximum: chain('Max', 'Maximum'),
  Minimum: chain('Min', 'Minimum'),
  Average: average,
  Concatenate: concatenate,
  Split: split,
};
