/**
 * Parses the network in `model_config`: layers, calls, inputs and outputs. Three formats are supported: Keras 2
 * functional (`Model`, `Functional`: inbound_nodes as nested lists), Keras 3 (inbound_nodes as calls with
 * `__keras_tensor__` arguments), and `Sequential`. The result has one form, in which every reference is checked to meet
 * a call.
 */
import { UserError } from '../../ground/base/errors.ts';
import { formatValue, isObject, type Json } from './config.ts';

/** Output `tensor` of call number `call` of a layer. */
export type TensorRef = { readonly layer: string; readonly call: number; readonly tensor: number };

/** A layer as the file describes it. */
export type LayerSpec = {
  readonly name: string;
  readonly className: string;
  readonly config: Json;
  /** Inputs of each call: several calls for a shared layer, one empty list for an input layer. */
  readonly calls: readonly (readonly TensorRef[])[];
};

/** Layers by name, in the order of the file, and the ports of the network. */
export type Network = {
  readonly layers: ReadonlyMap<string, LayerSpec>;
  readonly inputs: readonly TensorRef[];
  readonly outputs: readonly TensorRef[];
};

/** Classes of models. */
export const networkClasses: ReadonlySet<string> = new Set(['Model', 'Functional', 'Sequential']);

/**
 * @throws UserError ModelInvalid for JSON that is not a network, or has unresolved references; ModelUnsupported for a
 * subclassed model, whose network is Python code
 */
export const parseNetwork = (json: unknown): Network => {
  if (!isObject(json) || typeof json.class_name !== 'string') throw invalidConfig('it has no class_name');
  if (!networkClasses.has(json.class_name))
    throw new UserError(
      'ModelUnsupported',
      `Reading the Keras model: it is a ${json.class_name}, whose network is defined in Python code, not in the file. Export it to ONNX where that code is available, and use the ONNX file.`,
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

/** A chain of layers. Before Keras 2.2.3 the configuration was the list itself. The input layer may be missing. */
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
  // An old Sequential has a list as its configuration; parseNetwork reads it.
  return { name, className: json.class_name, config: isObject(config) ? config : { layers: config } };
};

const byName = (layers: readonly LayerSpec[]): Map<string, LayerSpec> => {
  const map = new Map(layers.map((layer) => [layer.name, layer]));
  if (map.size !== layers.length) throw invalidConfig('two of its layers have the same name');
  return map;
};

/** The tensors of one call: `[["conv1", 0, 0, {}], …]`, or Keras 3's `{args: [tensor | [tensor, …]], kwargs}`. */
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
 * A nested model has a call from its own construction, which references count but which is not in the list. Its listed
 * calls therefore start at 1.
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
    throw invalidConfig(`it refers to call ${lost.call} of the layer ${lost.layer}, which does not exist`);
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
