/** Every layer class that is converted, by Keras's name of it. */
import { formatValue } from '../config.ts';
import { type LayerLabel, unsupportedLayer } from '../fault.ts';
import type { Converter } from '../layer.ts';
import { activationLayers } from './activation.ts';
import { anchorLayers } from './anchors.ts';
import { convolutionLayers } from './convolution.ts';
import { denseLayers } from './dense.ts';
import { mergeLayers } from './merge.ts';
import { sizeLayers } from './pixel-sizes.ts';
import { valueLayers } from './pixel-values.ts';
import { poolingLayers } from './pooling.ts';
import { quantisedLayers } from './quantised.ts';
import { shapeLayers } from './shape.ts';

const converters: ReadonlyMap<string, Converter> = new Map(
  [
    activationLayers,
    anchorLayers,
    convolutionLayers,
    denseLayers,
    mergeLayers,
    poolingLayers,
    quantisedLayers,
    shapeLayers,
    sizeLayers,
    valueLayers,
  ].flatMap((table) => Object.entries(table)),
);

/** Layers of detectors, whose exported graphs end by the experiment spec. */
export const detectorClasses: ReadonlySet<string> = new Set(Object.keys(anchorLayers));

/** Layers of quantisation-aware training. */
export const quantisedClasses: ReadonlySet<string> = new Set(Object.keys(quantisedLayers));

/**
 * The converter of a layer's class; a package before the name (`nvidia>QDQ`) does not count.
 * @throws UserError ModelUnsupported, with the configuration, for a class that is not known
 */
export const findConverter = (layer: LayerLabel, config: unknown): Converter => {
  const converter = converters.get(removePackage(layer.className));
  if (converter) return converter;
  const [why, told] =
    removePackage(layer.className) === 'Lambda'
      ? ['its function is Python code, which is not run here', removeCode(config)]
      : ['this class is not known here', config];
  throw unsupportedLayer(layer, `${why} (its configuration: ${formatValue(told)})`);
};

/** A function's name is left, as Keras 2 or Keras 3 writes it; of one without a name there is marshalled code alone. */
const removeCode = (config: unknown): unknown => {
  const { function: called, ...rest } = { ...(config as { function?: unknown }) };
  const name = (called as { config?: unknown } | undefined)?.config ?? called;
  return typeof name === 'string' ? { ...rest, function: name } : rest;
};

export const removePackage = (className: string): string => className.split('>').at(-1)!;
