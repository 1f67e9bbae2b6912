/** Experiment spec → what the data loader does. */
import { UserError } from '../base/errors.ts';
import type { Architecture } from '../contract/architectures.ts';
import type { LoaderPlan } from '../datasets/plan.ts';
import type { SpecText } from './training-data.ts';

/** @throws UserError NotYetSupported */
export const trainingPlan = (architecture: Architecture, { name }: SpecText): LoaderPlan => {
  throw new UserError(
    'NotYetSupported',
    `Reading the experiment spec ${name} of ${architecture}: this version does not load training data. Calibrate from a folder of images or from a tensorfile that is there.`,
  );
};
