/** What faster_rcnn's plugins take of the spec, complete. */
import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import { type Detector, otherSpec } from './detector.ts';

export type RegionParameters = NonNullable<PluginParameters['proposal']>;

/** @throws UserError SpecInvalid naming what is missing */
export const regionParameters = ({ plugin: { proposal } }: Detector): RegionParameters => {
  if (!proposal) throw otherSpec('the spec has no inference_config for the two stages of faster_rcnn');
  const { boxSpread, anchorSizes, anchorRatios } = proposal;
  if (anchorSizes.length === 0 || anchorRatios.length === 0)
    throw otherSpec('the spec has no anchor_box_config with scales and ratios');
  if (boxSpread.length !== 4 || !boxSpread.every((each) => each > 0))
    throw otherSpec('training_config.classifier_regr_std of the spec lacks one of x, y, w and h');
  return proposal;
};
