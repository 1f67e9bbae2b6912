/**
 * The network in `model_config`: layers, the calls that join them, inputs and outputs. Three spellings are read: Keras 2
 * functional (`Model`, `Functional`: inbound_nodes as nested lists), Keras 3 (inbound_nodes as calls whose arguments are
 * `__keras_tensor__`s), and `Sequential`. What comes out is one form, checked so far that every reference meets a call.
 */
import { UserError } from '../../ground/base/errors.ts';
import { formatValue, isObject, type Json } from './config.ts';

/** Output `tensor` of call number `call` of a layer. */
export type TensorRef = { readonly layer: string; readonly call: number; readonly tensor: number };

export type LayerSpec = {
  readonly name: string;
  readonly className: string;
  readonly config: Json;
  /** What each call of the layer takes; more than one for a shared layer, one empty list for an input. */
  readonly calls: readonly (readonly TensorRef[])[];
};

export type Network = {
  readonly layers: ReadonlyMap<string, LayerSpec>;
  readonly inputs: readonly TensorRef[];
  readonly outputs: readonly TensorRef[];
};

export const networkClasses: ReadonlySet<string> = new Set(['Model', 'Functional', 'Sequential']);

/**
 * @throws UserError ModelInvalid for JSON that is no network, or refers to what is not there; ModelUnsupported for a
 * subclassed model, whose network is Python code
 */
export const parseNetwork = (json: unknown): Network => {
  if (!isObject(json) || typeof json.class_name !== 'string') throw invalidConfig('it names no class');
  if (!networkClasses.has(json.class_name))
    throw new UserError(
      'ModelUnsupported',
      `Reading the Keras model: it is a ${json.class_name}, whose network stands in Python code and not in the file. Export it to ONNX where that code is, and give that.`,
    );
  const network =
    json.class_name === 'Sequential'
      ? parseSequential(json.config)
      : parseFunctional(objectAt(json, 'config'));
  const withCalls = { ...network, layers: renumberCalls(network) };
  checkReferences(withCalls);
  return withCalls;
};

const parseFunctional = (config: Json): Network => {
  const layers = listAt(config, 'layers').map((each): LayerSpec => {
    const layer = parseLayerHead(each);
    const nodes = listAt(each as Json, 'inbound_nodes');
    return { ...layer, calls: nodes.length === 0 ? [[]] : nodes.map(referencesOf) };
  });
  const ports = (name: string) => {
    const value = config[name];
    return isReference(value) ? [referenceOf(value)] : listAt(config, name).map(referenceOf);
  };
  return { layers: byName(layers), inputs: ports('input_layers'), outputs: ports('output_layers') };
};

/** Layers in a row. Before Keras 2.2.3 the configuration was the list itself; an input layer may be left out. */
const parseSequential = (config: unknown): Network => {
  const list = Array.isArray(config) ? config : listAt(isObject(config) ? config : {}, 'layers');
  const heads = list.map(parseLayerHead);
  const [first] = heads;
  if (!first) throw invalidConfig('it has no layers');
  const head = first.className === 'InputLayer' ? [] : [impliedInput(first)];
  const chain = [...head, ...heads];
  const layers = chain.map(
    (layer, i): LayerSpec => ({ ...layer, calls: [i === 0 ? [] : [outputOf(chain[i - 1]!)]] }),
  );
  return { layers: byName(layers), inputs: [outputOf(chain[0]!)], outputs: [outputOf(chain.at(-1)!)] };
};

type LayerHead = Omit<LayerSpec, 'calls'>;

const outputOf = ({ name }: LayerHead): TensorRef => ({ layer: name, call: 0, tensor: 0 });

const impliedInput = ({ name, config }: LayerHead): LayerHead => ({
  name: `${name}_input`,
  className: 'InputLayer',
  config: { batch_input_shape: config.batch_input_shape ?? config.batch_shape },
});

const parseLayerHead = (json: unknown): LayerHead => {
  if (!isObject(json)) throw invalidConfig(`a layer is ${formatValue(json)}`);
  const config = isObject(json.config) || Array.isArray(json.config) ? json.config : undefined;
  const name = json.name ?? (isObject(config) ? config.name : undefined);
  if (typeof json.class_name !== 'string' || typeof name !== 'string' || name === '' || !config)
    throw invalidConfig(`a layer lacks its class, name or configuration: ${formatValue(json)}`);
  // A Sequential of old has a list as its configuration; it is read whole, by parseNetwork.
  return { name, className: json.class_name, config: isObject(config) ? config : { layers: config } };
};

const byName = (layers: readonly LayerSpec[]): Map<string, LayerSpec> => {
  const map = new Map(layers.map((layer) => [layer.name, layer]));
  if (map.size !== layers.length) throw invalidConfig('two of its layers have one name');
  return map;
};

/** One call's tensors: `[["conv1", 0, 0, {}], …]`, or Keras 3's `{args: [tensor | [tensor, …]], kwargs}`. */
const referencesOf = (node: unknown): TensorRef[] => {
  if (isObject(node)) return findTensors(node.args, 0).map(referenceOf);
  return isReference(node) ? [referenceOf(node)] : asList(node).map(referenceOf);
};

const findTensors = (value: unknown, depth: number): unknown[] => {
  if (depth > 4) throw invalidConfig('the arguments of a call are nested too deeply');
  if (Array.isArray(value)) return value.flatMap((each) => findTensors(each, depth + 1));
  if (!isObject(value) || value.class_name !== '__keras_tensor__') return [];
  return [isObject(value.config) ? value.config.keras_history : undefined];
};

const isReference = (value: unknown): boolean => Array.isArray(value) && typeof value[0] === 'string';

const referenceOf = (value: unknown): TensorRef => {
  const [layer, call, tensor] = asList(value);
  if (typeof layer !== 'string' || !isIndex(call) || !isIndex(tensor))
    throw invalidConfig(`a reference to a tensor is ${formatValue(value)}`);
  return { layer, call, tensor };
};

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * A model inside a model has a call of its own from when it was built, which is counted in references and is not in the
 * list: there the numbers begin at 1.
 */
const renumberCalls = ({ layers, outputs }: Network): Map<string, LayerSpec> => {
  const references = [...outputs, ...[...layers.values()].flatMap(({ calls }) => calls.flat())];
  const least = new Map<string, number>();
  for (const { layer, call } of references) least.set(layer, Math.min(least.get(layer) ?? call, call));
  const shifted = [...layers.values()].filter(
    ({ name, className }) => networkClasses.has(className) && (least.get(name) ?? 0) > 0,
  );
  const padded = shifted.map((layer): [string, LayerSpec] => [
    layer.name,
    { ...layer, calls: [[], ...layer.calls] },
  ]);
  return new Map([...layers, ...padded]);
};

const checkReferences = ({ layers, inputs, outputs }: Network): void => {
  const used = [...inputs, ...outputs, ...[...layers.values()].flatMap(({ calls }) => calls.flat())];
  const lost = used.find(({ layer, call }) => layers.get(layer)?.calls[call] === undefined);
  if (lost)
    throw invalidConfig(`it refers to call ${lost.call} of the layer ${lost.layer}, and there is none`);
  if (outputs.length === 0) throw invalidConfig('it has no outputs');
};

const objectAt = (json: Json, name: string): Json => {
  const value = json[name];
  return isObject(value) ? value : invalidAt(name, value);
};

const listAt = (json: Json, name: string): readonly unknown[] => {
  const value = json[name];
  return Array.isArray(value) ? value : invalidAt(name, value);
};

const asList = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : invalidAt('list of references', value);

const invalidAt = (name: string, value: unknown): never => {
  throw invalidConfig(`its ${name} is ${formatValue(value)}`);
};

const invalidConfig = (found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the Keras model's network: ${found}. The file is damaged; save or copy it again.`,
  );
