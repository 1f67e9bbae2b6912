/** Checks that an existing calibration cache matches the model and `--keep_float`. */
import type { OpenedModel } from '../../export/models/open-model.ts';
import { findGaps, gapsText } from '../../export/pipeline/coverage.ts';
import { findFloatLayers } from '../../graph/precision/float-layers.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';

/** @throws UserError CacheInvalid if scales are missing, OutputExists if the cache has scales of tensors that must stay float */
export const checkCacheFits = (
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
      `Using the existing calibration cache ${path}: it has no scale for ${missing.length} tensors of this model (${gapsText(missing)}), so it belongs to another model or another --keep_float. Remove it, or use --cal_cache_file to name another file.`,
    );
  const scaled = [...float].find((name) => scales.has(name));
  if (scaled === undefined) return;
  throw new UserError(
    'OutputExists',
    `Using the existing calibration cache ${path}: it has a scale for ${scaled}, which --keep_float excludes. Remove it, or use --cal_cache_file to name another file.`,
  );
};
