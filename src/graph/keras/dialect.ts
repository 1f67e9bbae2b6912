/** Derives from a file which Keras trained it, and the layout of its images. */
import type { KerasFile } from '../../formats/hdf5/keras-file.ts';
import { isObject, type Json } from './config.ts';
import type { Dialect, KerasVersion } from './layer.ts';
import { quantisedClasses, removePackage } from './layers/table.ts';

/** The Keras that trained a model, and the layout of its images. */
export type Origin = {
  readonly dialect: Dialect;
  readonly version: KerasVersion;
  /** Images are channels_last; inputs and outputs of the ONNX graph are transposed to N,C,H,W. */
  readonly channelsLast: boolean;
};

/**
 * Detects the dialect. TLT trains with Keras 2.2.4 on TensorFlow, with channels_first throughout, which is rare
 * elsewhere; its QAT layer classes are its own.
 */
export const originOf = ({ network, kerasVersion, backend }: KerasFile): Origin => {
  const layers = [...layersIn(network, 0)];
  const formats = new Set(layers.filter(({ name }) => name !== 'Flatten').map(({ format }) => format));
  const onlyFirst = formats.has('channels_first') && !formats.has('channels_last');
  const version = versionOf(kerasVersion);
  const isOldKeras = version.major === 2 && version.minor === 2 && !version.isTf && backend === 'tensorflow';
  const isTlt = layers.some(({ name }) => quantisedClasses.has(name)) || (isOldKeras && onlyFirst);
  return { dialect: isTlt ? 'tlt' : 'keras', version, channelsLast: !formats.has('channels_first') };
};

/** Keras before 2.0.3 wrote no version. */
const versionOf = (text: string | undefined): KerasVersion => {
  const [major = '2', minor = '0'] = /^\d+\.\d+/.exec(text ?? '')?.[0].split('.') ?? [];
  return { major: Number(major), minor: Number(minor), isTf: text?.endsWith('-tf') ?? false };
};

/** Whether a layer, wrapped ones included, has one of TLT's QAT classes. */
export const isQatNetwork = (network: unknown): boolean =>
  [...layersIn(network, 0)].some(({ name }) => quantisedClasses.has(name));

type SeenLayer = { readonly name: string; readonly format: unknown };

/** Class and data_format of every layer, including layers of nested models. */
function* layersIn(model: unknown, depth: number): Generator<SeenLayer> {
  const layers = isObject(model) ? innerLayers(model) : [];
  for (const layer of layers) {
    if (!isObject(layer) || typeof layer.class_name !== 'string') continue;
    const format = isObject(layer.config) ? layer.config.data_format : undefined;
    yield { name: removePackage(layer.class_name), format };
    if (depth < mostDepth) yield* layersIn(layer, depth + 1);
  }
}

/** Deeper nesting of models means a damaged file. */
export const mostDepth = 8;

/** Layers of a model, or the layer inside a wrapper like TimeDistributed. */
const innerLayers = ({ config }: Json): readonly unknown[] => {
  if (isObject(config) && isObject(config.layer)) return [config.layer];
  const layers = isObject(config) ? config.layers : config;
  return Array.isArray(layers) ? layers : [];
};
