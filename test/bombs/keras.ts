/** Keras networks of a few kilobytes with millions of layers or brackets. */

const layer = (class_name: string, name: string, config: object, calls: readonly string[] = []) => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes: calls.map((from, call) => [[from, 0, call === 0 ? 0 : 0, {}]]),
});

type Layer = ReturnType<typeof layer>;

const network = (name: string, layers: readonly Layer[], output: readonly [string, number]) => ({
  name,
  layers,
  input_layers: [[layers[0]!.name, 0, 0]],
  output_layers: [[...output, 0]],
});

/** Nested models, each called 12 times: 12^8 calls of one activation. */
export const nestedCalls = (depth = 8): object => {
  const input = layer('InputLayer', 'input_1', { batch_input_shape: [null, 8, 8, 3] });
  let inner = layer('Activation', 'relu', { activation: 'relu' }, ['input_1']);
  for (let level = 0; level < depth; level++) {
    const called = { ...inner, inbound_nodes: chain(inner.name) };
    const config = network(`model_${level}`, [input, called], [inner.name, 11]);
    inner = { class_name: 'Model', name: `model_${level}`, config, inbound_nodes: [] };
  }
  return { class_name: 'Model', config: inner.config };
};

/** Chains the calls: each reads the output of the previous one. */
const chain = (name: string) =>
  Array.from({ length: 12 }, (_, call) => [[call === 0 ? 'input_1' : name, Math.max(0, call - 1), 0, {}]]);

/** A configuration with two million nested brackets. */
export const deepConfig = (): string => `${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}`;
