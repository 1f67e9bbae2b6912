/** `--keep_float` of `tlt-export`: which layers it names, told and checked before the first long step. */

import type { OpenedModel } from '../../export/models/open-model.ts';
import { gapsOf, gapsText } from '../../export/pipeline/coverage.ts';
import { floatLayers } from '../../graph/precision/float-layers.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import type { ToolWorld } from './tool-world.ts';

/** Names and patterns, in the order given. */
export const keptFloat = ({ keep_float: text = '' }: ExportValues): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** @throws UserError LayerNotFound */
export const tellKeptFloat = (
  { model }: OpenedModel,
  values: ExportValues,
  { log }: Pick<ToolWorld, 'log'>,
): void => {
  const wanted = keptFloat(values);
  if (wanted.length === 0) return;
  const { data_type } = values;
  if (data_type !== 'int8') {
    log('WARNING', `--keep_float says nothing to --data_type ${data_type}: all layers are float.`);
    return;
  }
  const { names, tensors } = floatLayers(model, wanted);
  log(
    'INFO',
    `Left in float: ${firstOf(names)}. ${tensors.size} tensors have no scale: ${firstOf([...tensors])}`,
  );
};

/** A pattern can name hundreds. */
const firstOf = (names: readonly string[]): string =>
  names.length > mostNamed
    ? `${names.slice(0, mostNamed).join(', ')} and ${names.length - mostNamed} more`
    : names.join(', ');

const mostNamed = 10;

/**
 * What of a cache that is there already contradicts the model and `--keep_float`.
 * @throws UserError CacheInvalid where scales are missing, OutputExists where some are there that should not be
 */
export const requireFitting = (
  path: string,
  scales: Scales,
  { opened, values }: { readonly opened: OpenedModel; readonly values: ExportValues },
): void => {
  const keepFloat = keptFloat(values);
  const { tensors: float } = floatLayers(opened.model, keepFloat);
  const gaps = gapsOf(opened, { has: (name) => scales.has(name), keepFloat });
  const missing = gaps.filter(({ isExcused }) => !isExcused);
  if (missing.length > 0)
    throw new UserError(
      'CacheInvalid',
      `Using the calibration cache ${path} that is there already: it has no scale for ${missing.length} tensors of this model (${gapsText(missing)}), so it is of another one, or made with another --keep_float. Remove it, or name another file by --cal_cache_file.`,
    );
  const scaled = [...float].find((name) => scales.has(name));
  if (scaled === undefined) return;
  throw new UserError(
    'OutputExists',
    `Using the calibration cache ${path} that is there already: it has a scale for ${scaled}, which --keep_float leaves out. Remove it, or name another file by --cal_cache_file.`,
  );
};
