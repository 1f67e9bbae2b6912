/** `tlt-export --cal_part`: counts one part of the calibration images and exports nothing. */
import { countImages } from '../../export/pipeline/calibration-step.ts';
import type { ExportRequest } from '../../export/pipeline/request.ts';
import { usesTrainedScales } from '../../export/pipeline/trained-scales.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { ToolWorld } from './tool-world.ts';

/** @throws UserError Usage, OutputExists, and as `countImages` */
export const countPart = async (request: ExportRequest, world: ToolWorld): Promise<void> => {
  const int8 = request.int8!;
  if (usesTrainedScales(request.opened, request.forcePtq))
    throw new UserError(
      'Usage',
      'Counting a part of the calibration images: the model was trained with quantisation, so nothing is calibrated. Omit --cal_part to use its scales, or give --force_ptq.',
    );
  await countImages(request, int8, world, int8.source());
  world.log(
    'INFO',
    'Nothing was exported: tlt-model merge-histograms adds the parts, and --cal_histogram_file uses their sum',
  );
};
