/** Table of supported layer classes by their Keras names. */
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

/** Layer classes of detectors, whose exported graphs end as the experiment spec says. */
export const detectorClasses: ReadonlySet<string> = new Set(Object.keys(anchorLayers));

/** Layer classes of quantisation-aware training. */
export const quantisedClasses: ReadonlySet<string> = new Set(Object.keys(quantisedLayers));

/**
 * The converter of a layer's class, without its package (`nvidia>QDQ`).
 * @throws UserError ModelUnsupported with the configuration, for an unknown class
 */
export const findConverter = (layer: LayerLabel, config: unknown): Converter => {
  const converter = converters.get(removePackage(layer.className));
  if (converter) return converter;
  const [why, shown] =
    removePackage(layer.className) === 'Lambda'
      ? ['its function is Python code, which cannot be converted', removeCode(config)]
      : ['this class is not supported', config];
  throw unsupportedLayer(layer, `${why} (its configuration: ${formatValue(shown)})`);
};

/** Keeps the name of a function, as Keras 2 or Keras 3 writes it. A function without a name is only marshalled code. */
const removeCode = (config: unknown): unknown => {
  const { function: called, ...rest } = { ...(config as { function?: unknown }) };
  const name = (called as { config?: unknown } | undefined)?.config ?? called;
  return typeof name === 'string' ? { ...rest, function: name } : rest;
};

/** The class name without its package. */
export const removePackage = (className: string): string => className.split('>').at(-1)!;
