/** Parameters of faster_rcnn's plugins from the spec. */
import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import { type Detector, unexpectedSpec } from './detector.ts';

/** Parameters of proposals and regions. */
export type RegionParameters = NonNullable<PluginParameters['proposal']>;

/** The parameters, complete. @throws UserError SpecInvalid naming what is missing */
export const requireRegionParameters = ({ plugin: { proposal } }: Detector): RegionParameters => {
  if (!proposal) throw unexpectedSpec('the spec has no inference_config for the two stages of faster_rcnn');
  const { boxSpread, anchorSizes, anchorRatios } = proposal;
  if (anchorSizes.length === 0 || anchorRatios.length === 0)
    throw unexpectedSpec('the spec has no anchor_box_config with scales and ratios');
  if (boxSpread.length !== 4 || !boxSpread.every((each) => each > 0))
    throw unexpectedSpec('training_config.classifier_regr_std of the spec lacks one of x, y, w and h');
  return proposal;
};
