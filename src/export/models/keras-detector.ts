/**
 * Options from the experiment spec for Keras models of detectors, which training saves without the plugins at the end.
 */

import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { type DetectorArchitecture, detectorArchitectures } from '../../graph/keras/detectors/detector.ts';
import type { ImportOptions } from '../../graph/keras/import.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import { field } from '../../ground/contract/fields.ts';

/** Empty for a module whose graphs end as trained. @throws UserError SpecInvalid */
export const makeDetectorOptions = (
  architecture: Architecture,
  spec: ExperimentSpec | undefined,
): ImportOptions => {
  if (!isDetector(architecture)) return {};
  const doing = `Reading a Keras model of ${architecture}`;
  if (!spec)
    throw new UserError(
      'SpecInvalid',
      `${doing}: the experiment spec is missing; its parameters of non-maximum suppression are required. Set it with ${field('experimentSpec')}.`,
    );
  const { plugin, sides } = spec;
  if (plugin) return { detector: { architecture, plugin, sides } };
  throw new UserError(
    'SpecInvalid',
    `${doing}: the experiment spec has no complete inference_config, whose parameters of proposals and non-maximum suppression are required. Complete it: rpn_pre_nms_top_N, rpn_nms_max_boxes, rpn_nms_overlap_threshold, classifier_nms_overlap_threshold, classifier_nms_max_boxes.`,
  );
};

const isDetector = (architecture: Architecture): architecture is DetectorArchitecture =>
  detectorArchitectures.some((each) => each === architecture);
