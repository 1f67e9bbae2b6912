/** `tlt-export --cal_part`: computes the histograms of one part of the calibration images, without an export. */
import { countImages } from '../../export/pipeline/count-images.ts';
import type { ExportRequest } from '../../export/pipeline/request.ts';
import { usesTrainedScales } from '../../export/pipeline/trained-scales.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { ToolContext } from '../cli/tool-context.ts';

/** Writes the histograms to `--cal_histogram_file`. @throws UserError Usage, OutputExists, and those of `countImages` */
export const countPart = async (request: ExportRequest, context: ToolContext): Promise<void> => {
  const int8 = request.int8!;
  if (usesTrainedScales(request.opened, request.forcePtq))
    throw new UserError(
      'Usage',
      'Counting a part of the calibration images: the model has scales from quantisation-aware training, so it is not calibrated. Omit --cal_part to use its scales, or add --force_ptq.',
    );
  await countImages(request, int8, context, int8.source());
  context.log(
    'INFO',
    'No model was exported. Add the parts with tlt-model merge-histograms, then export with --cal_histogram_file',
  );
};
