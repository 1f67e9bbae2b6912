/**
 * Layers of TLT's quantisation-aware training. A QDQ layer holds the range of its input; a quantised layer holds the
 * range of its own input, unless a QDQ layer precedes it. The exported graph contains neither: QDQ layers are removed,
 * quantised layers become plain ones, and the ranges are returned separately.
 */

import { UserError } from '../../../ground/base/errors.ts';
import { field } from '../../../ground/contract/fields.ts';
import { type Converter, type Layer, requireSoleInput } from '../layer.ts';
import type { Value } from '../value.ts';
import { conv2d, conv2dTranspose, depthwiseConv2d } from './convolution.ts';
import { dense } from './dense.ts';

const qdq: Converter = (layer, inputs) => {
  const value = requireSoleInput(layer, inputs);
  if (layer.isBehindQdq(0))
    rejectRanges(layer, 'it directly follows another QDQ; two in a row have no meaning');
  noteRange(layer, value);
  return value;
};

const makeQuantised =
  (plain: Converter): Converter =>
  (layer, inputs) => {
    if (layer.config.flag('quantize', true) && !layer.isBehindQdq(0))
      noteRange(layer, requireSoleInput(layer, inputs));
    return plain(layer, inputs);
  };

/** TLT's quantised convolution pads equally on both sides, whichever Keras runs it. */
const padSymmetrically =
  (plain: Converter): Converter =>
  (layer, inputs) =>
    plain({ ...layer, dialect: 'tlt' }, inputs);

const noteRange = (layer: Layer, { name }: Value): void => {
  const [range = 0] = layer.weights.values({ name: 'scaling_factor', shape: [] });
  const bits = layer.config.integer('bitwidth', 8);
  if (!Number.isFinite(range) || range <= 0) rejectRanges(layer, `its range is ±${range}`);
  if (bits !== 8) rejectRanges(layer, `it was trained for ${bits} bits; engines use 8`);
  layer.noteRange(name, range);
};

const rejectRanges = (layer: Layer, found: string): void =>
  layer.rejectRanges(
    new UserError(
      'ModelUnsupported',
      `Reading the ranges of quantisation-aware training, layer ${layer.path} (${layer.className}): ${found}. Train it again, or calibrate instead (${field('forcePtq')}).`,
    ),
  );

/** Converters by class name. */
export const quantisedLayers: Readonly<Record<string, Converter>> = {
  QDQ: qdq,
  QuantizedConv2D: makeQuantised(padSymmetrically(conv2d)),
  QuantizedConv2DTranspose: makeQuantised(conv2dTranspose),
  QuantizedDepthwiseConv2D: makeQuantised(depthwiseConv2d),
  QuantizedDense: makeQuantised(dense),
};
