/** Whether an existing calibration cache belongs to the model and the layers kept in float. */
import type { OpenedModel } from '../../export/models/open-model.ts';
import { findGaps, gapsText } from '../../export/pipeline/coverage.ts';
import { findFloatLayers } from '../../graph/precision/float-layers.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';

/** @throws UserError CacheInvalid where scales are missing, OutputExists where there are some that should not be */
export const requireFitting = (
  path: string,
  scales: Scales,
  { opened, keepFloat }: { readonly opened: OpenedModel; readonly keepFloat: readonly string[] },
): void => {
  const { tensors: float } = findFloatLayers(opened.model, keepFloat);
  const gaps = findGaps(opened, { has: (name) => scales.has(name), keepFloat });
  const missing = gaps.filter(({ isExcused }) => !isExcused);
  if (missing.length > 0)
    throw new UserError(
      'CacheInvalid',
      `Using the existing calibration cache ${path}: it has no scale for ${missing.length} tensors of this model (${gapsText(missing)}), so it belongs to another model or another --keep_float. Remove it, or name another file by --cal_cache_file.`,
    );
  const scaled = [...float].find((name) => scales.has(name));
  if (scaled === undefined) return;
  throw new UserError(
    'OutputExists',
    `Using the existing calibration cache ${path}: it has a scale for ${scaled}, which --keep_float excludes. Remove it, or name another file by --cal_cache_file.`,
  );
};
