/** Inputs of a network: one graph input each, named like its layer. */
import { formatValue, isCount, type Json } from './config.ts';
import type { Sides } from './detectors/detector.ts';
import { invalidLayer } from './fault.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { LayerSpec, Network } from './network.ts';
import { imageOrder, plainOrder, type Size, type Value } from './value.ts';

/** Adds the graph inputs, images as N,C,H,W. @throws UserError ModelInvalid for an invalid shape */
export const addInputs = (
  { layers, inputs }: Network,
  graph: GraphBuilder,
  channelsLast: boolean,
): readonly Value[] =>
  inputs.map(({ layer: name }) => {
    const { className, config } = layers.get(name)!; // checked by parseNetwork
    const shape = inputShape(config);
    if (!shape)
      throw invalidLayer(
        { path: name, className },
        `its shape ${formatValue(givenShape(config))} is invalid for an input`,
      );
    const order = shape.length === 3 ? imageOrder(!channelsLast) : plainOrder(shape.length);
    return { name: graph.claim(name), shape, order };
  });

const givenShape = (config: Json): unknown => config.batch_input_shape ?? config.batch_shape;

/** Sizes without the batch; null is a free size. */
const inputShape = (config: Json): Size[] | undefined => {
  const shape = givenShape(config);
  if (!Array.isArray(shape) || shape.length < 2 || shape.length > 5) return undefined;
  const sizes = shape.slice(1).map((size) => size ?? undefined);
  return sizes.every((size) => size === undefined || isCount(size)) ? sizes : undefined;
};

/** The network with free height and width of its channels_first inputs set. */
export const fixSides = (network: Network, sides: Sides | undefined): Network => {
  if (!sides) return network;
  const fixed = network.inputs.flatMap(({ layer: name }) => {
    const layer = network.layers.get(name)!; // checked by parseNetwork
    const shape = givenShape(layer.config);
    if (!Array.isArray(shape) || shape.length !== 4) return [];
    const [batch, channels, height, width] = shape;
    const whole = [batch, channels, height ?? sides.height, width ?? sides.width];
    const sized: LayerSpec = { ...layer, config: { ...layer.config, batch_input_shape: whole } };
    return [[name, sized] as const];
  });
  return { ...network, layers: new Map([...network.layers, ...fixed]) };
};
