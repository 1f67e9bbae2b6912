/** Parses values of flags that are lists. */

import { type InputDims, maxSide } from '../../ground/contract/model-settings.ts';
import type { Program } from '../../ground/contract/program.ts';
import { usageError } from './command-line.ts';

/** Splits names, or patterns of names, at commas. */
export const parseNames = (text: string): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Parses `--input_dims`: channels, height and width in pixels. @throws UserError Usage */
export const parseDims = (program: Pick<Program, 'name'>, text: string): InputDims => {
  const sizes = /^\s*([13])\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*$/.exec(text)?.slice(1).map(Number) ?? [];
  const [channels, height, width] = sizes;
  if (channels && height && width && height <= maxSide && width <= maxSide)
    return { channels, height, width };
  throw usageError(
    program,
    `--input_dims is '${text}', and must be channels,height,width with 1 or 3 channels and sides up to ${maxSide}, for example 3,224,224`,
  );
};
