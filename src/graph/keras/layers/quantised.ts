/**
 * Layers of TLT's quantisation-aware training. A QDQ keeps the range of what it stands behind; a quantised layer keeps
 * the range of its own input, unless a QDQ makes that. In the exported graph neither is left: a QDQ goes, a quantised
 * layer becomes the plain one, and the ranges are handed out.
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
    invalidateRanges(layer, 'it stands right behind another QDQ, and two in a row have no meaning');
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

/** TLT's quantised convolution pads alike on both sides in whatever Keras it runs. */
const padSymmetrically =
  (plain: Converter): Converter =>
  (layer, inputs) =>
    plain({ ...layer, dialect: 'tlt' }, inputs);

const noteRange = (layer: Layer, { name }: Value): void => {
  const [range = 0] = layer.weights.values({ name: 'scaling_factor', shape: [] });
  const bits = layer.config.integer('bitwidth', 8);
  if (!Number.isFinite(range) || range <= 0) invalidateRanges(layer, `its range is ±${range}`);
  if (bits !== 8) invalidateRanges(layer, `it was trained for ${bits} bits, and engines have 8`);
  layer.noteRange(name, range);
};

const invalidateRanges = (layer: Layer, found: string): void =>
  layer.spoilRanges(
    new UserError(
      'ModelUnsupported',
      `Reading the ranges that training left, layer ${layer.path} (${layer.className}): ${found}. Train it again, or calibrate instead (${field('forcePtq')}).`,
    ),
  );

export const quantisedLayers: Readonly<Record<string, Converter>> = {
  QDQ: qdq,
  QuantizedConv2D: makeQuantised(padSymmetrically(conv2d)),
  QuantizedConv2DTranspose: makeQuantised(conv2dTranspose),
  QuantizedDepthwiseConv2D: makeQuantised(depthwiseConv2d),
  QuantizedDense: makeQuantised(dense),
};
