/** The optimisation profile of `tlt-converter -p`: `NAME,MIN,OPT,MAX`, with shapes such as 8x3x544x960. */
import type { OpenedNetwork } from '../../export/models/open-model.ts';
import type { UserError } from '../../ground/base/errors.ts';
import { converterProgram } from '../../ground/contract/converter-program.ts';
import type { BatchProfile } from '../../ground/contract/tensorrt-plan.ts';
import { usageError } from '../cli/command-line.ts';

/** A parsed profile: the input, and its shapes [N,C,H,W] in the order smallest, most likely, largest. */
export type ShapeProfile = { readonly input: string; readonly shapes: readonly (readonly number[])[] };

/** Parses `-p`; undefined without the flag. @throws UserError Usage for another form, and for more than one input */
export const parseProfile = (given: readonly string[]): ShapeProfile | undefined => {
  const [text, ...more] = given;
  if (text === undefined) return undefined;
  if (more.length > 0)
    throw profileError(`-p is given ${given.length} times, and an exported model has one input`);
  const [, input, ...shapes] = /^([^\n]+),([\dx]+),([\dx]+),([\dx]+)$/.exec(text) ?? [];
  const sizes = shapes.map((shape) => shape.split('x').map(Number));
  const fits = sizes.every((shape) => shape.length === 4 && shape.every((size) => size >= 1));
  if (input === undefined || !fits)
    throw profileError(
      `-p is '${text}', and must be NAME,MIN,OPT,MAX with shapes NxCxHxW, for example input_1,1x3x544x960,4x3x544x960,16x3x544x960`,
    );
  return { input, shapes: sizes };
};

/** The batch sizes of a profile. Their order is checked when the build is planned. */
export const batchOf = ({ shapes }: ShapeProfile): BatchProfile => {
  const [min, opt, max] = shapes.map(([size]) => size!) as [number, number, number];
  return { min, opt, max };
};

/** Checks that the profile is one of this network. @throws UserError Usage naming what the network has */
export const checkProfile = (
  { input, shapes }: ShapeProfile,
  { input: name, channels, height, width, fixedBatch }: Omit<OpenedNetwork, 'elementType'>,
): void => {
  const image = [channels, height, width].join('x');
  if (input !== name) throw profileError(`-p names the input ${input}, and that of the model is ${name}`);
  if (shapes.some(([, ...sizes]) => sizes.join('x') !== image))
    throw profileError(`-p has shapes other than Nx${image}, which the model has`);
  if (fixedBatch !== undefined && shapes.some(([batch]) => batch !== fixedBatch))
    throw profileError(`-p has batch sizes other than ${fixedBatch}, and the graph has that fixed one`);
};

const profileError = (found: string): UserError => usageError(converterProgram, found);
