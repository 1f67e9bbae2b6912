/** Checks that an existing calibration cache matches the model and the layers kept in float. */
import { findFloatLayers } from '../../graph/precision/float-layers.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import type { OpenedNetwork } from '../models/open-model.ts';
import { findGaps, gapsText } from '../pipeline/coverage.ts';

/** What a cache must match. */
export type CacheUse = {
  readonly opened: Pick<OpenedNetwork, 'input' | 'model'>;
  readonly keepFloat: readonly string[];
  /** The scales are from training, which leaves some tensors out. */
  readonly isTrained?: boolean;
};

/**
 * Scales of tensors that the model does not have are no fault: TensorRT ignores them.
 * @throws UserError CacheInvalid if scales are missing, OutputExists if the cache has scales of tensors that must stay float
 */
export const checkCacheFits = (
  path: string,
  scales: Scales,
  { opened, keepFloat, isTrained = false }: CacheUse,
): void => {
  const { tensors: float } = findFloatLayers(opened.model, keepFloat);
  const gaps = findGaps(opened, { has: (name) => scales.has(name), keepFloat, isTrained });
  const missing = gaps.filter(({ isExcused }) => !isExcused);
  if (missing.length > 0)
    throw new UserError(
      'CacheInvalid',
      `Using the existing calibration cache ${path}: it has no scale for ${missing.length} tensors of this model (${gapsText(missing)}), so it belongs to another model or another ${field('keepFloat')}. Remove it, or use ${field('calibrationCache')} to name another file.`,
    );
  const scaled = [...float].find((name) => scales.has(name));
  if (scaled === undefined) return;
  throw new UserError(
    'OutputExists',
    `Using the existing calibration cache ${path}: it has a scale for ${scaled}, which ${field('keepFloat')} excludes. Remove it, or use ${field('calibrationCache')} to name another file.`,
  );
};
