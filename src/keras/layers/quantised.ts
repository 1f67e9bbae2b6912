/**
 * Layers of TLT's quantisation-aware training. A QDQ keeps the range of what it stands behind; a quantised layer keeps
 * the range of its own input, unless a QDQ makes that. In the exported graph neither is left: a QDQ goes, a quantised
 * layer becomes the plain one, and the ranges are handed out.
 */
import { unsupportedLayer } from '../fault.ts';
import { type Converter, type Layer, soleInput } from '../layer.ts';
import { conv2d, conv2dTranspose, depthwiseConv2d } from './convolution.ts';
import { dense } from './dense.ts';

const scalingFactor = 'scaling_factor';

const qdq: Converter = (layer, inputs) => {
  const value = soleInput(layer, inputs);
  if (layer.isBehindQdq(0))
    throw unsupportedLayer(
      layer,
      'it stands right behind another QDQ, and cascaded QDQ layers have no meaning',
    );
  requireEightBits(layer);
  layer.noteRange(value.name, rangeOf(layer));
  return value;
};

const quantised =
  (plain: Converter): Converter =>
  (layer, inputs) => {
    requireEightBits(layer);
    const value = soleInput(layer, inputs);
    if (layer.config.flag('quantize', true) && !layer.isBehindQdq(0))
      layer.noteRange(value.name, rangeOf(layer));
    return plain(layer, inputs);
  };

/** TLT's quantised convolution pads alike on both sides in whatever Keras it runs. */
const padsAlike =
  (plain: Converter): Converter =>
  (layer, inputs) =>
    plain({ ...layer, dialect: 'tlt' }, inputs);

const rangeOf = (layer: Layer): number => {
  const [range] = layer.weights.values({ name: scalingFactor, shape: [] });
  if (range === undefined || !Number.isFinite(range) || range <= 0)
    throw unsupportedLayer(layer, `its range is ±${range}: the model has not been trained`);
  return range;
};

const requireEightBits = ({ config }: Layer): void => config.requireOnly('bitwidth', 8);

export const quantisedLayers: Readonly<Record<string, Converter>> = {
  QDQ: qdq,
  QuantizedConv2D: quantised(padsAlike(conv2d)),
  QuantizedConv2DTranspose: quantised(conv2dTranspose),
  QuantizedDepthwiseConv2D: quantised(depthwiseConv2d),
  QuantizedDense: quantised(dense),
};
