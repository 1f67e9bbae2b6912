/**
 * Applies what the export asks to be tried for int8: equalised channels, and other calibration methods. Graph and method change only if
 * int8 is closer to float on held-out images.
 */
import { field } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { TriedLever } from '../report/report.ts';
import { fewestImages } from './reliable-gain.ts';
import type { ExportPorts, ExportRequest } from './request.ts';
import type { ExportScales } from './scales-step.ts';

/** The model to export, its scales, and what was tried. */
export type LeveredExport = {
  readonly opened: OpenedModel;
  readonly quantised: ExportScales | undefined;
  /** Sentences on what was done, without a full stop; empty if the export asks for nothing. */
  readonly leverNotes: readonly string[];
  readonly levers: readonly TriedLever[];
};

/** @throws UserError as `measure` */
export const applyLevers = async (
  request: ExportRequest,
  quantised: ExportScales | undefined,
  ports: ExportPorts,
): Promise<LeveredExport> => {
  const { opened, int8 } = request;
  const wanted = { equalises: int8?.equalize === 'auto', chooses: int8?.chooseAlgorithm ?? false };
  const plain = { opened, quantised, leverNotes: [], levers: [] };
  if (int8 === undefined || quantised === undefined || !(wanted.equalises || wanted.chooses)) return plain;
  const obstacle = findObstacle(opened, quantised);
  if (obstacle !== undefined || quantised.origin !== 'Calibration')
    return { ...plain, leverNotes: [describeUnchanged(wanted, obstacle ?? '')] };
  const { listEqualisable } = await import('../../graph/transforms/equalise/equalise.ts');
  const equalises = wanted.equalises && listEqualisable(opened.model).size > 0;
  const leverNotes =
    wanted.equalises && !equalises ? [describeUnchanged({ equalises: true, chooses: false }, noSite)] : [];
  const tried = { equalises, chooses: wanted.chooses };
  if (!(equalises || wanted.chooses)) return { ...plain, leverNotes };
  const { tryLevers } = await import('./lever-trial.ts');
  const trial = await tryLevers({ request, int8, plain: quantised.calibration, equalises }, ports);
  const { levers } = trial;
  if ('refused' in trial)
    return { ...plain, leverNotes: [...leverNotes, describeUnchanged(tried, trial.refused)], levers };
  const { calibration } = trial;
  const { scales, heldOut } = calibration.calibrated;
  return {
    opened: trial.opened,
    quantised: { scales, heldOut, origin: 'Calibration', calibration },
    leverNotes: [...leverNotes, trial.note],
    levers,
  };
};

type Wanted = { readonly equalises: boolean; readonly chooses: boolean };

const describeUnchanged = ({ equalises, chooses }: Wanted, why: string): string => {
  if (!chooses) return `Channels were not equalised: ${why}`;
  return equalises
    ? `Channels were not equalised, and the calibration method stays: ${why}`
    : `The calibration method stays: ${why}`;
};

const noSite = 'the model has no convolution behind a layer whose channels can be divided';

/** Why graph and method stay, found before any image is read. */
const findObstacle = (opened: OpenedModel, { origin, heldOut }: ExportScales): string | undefined => {
  if (opened.quantised || opened.trainedRanges)
    return 'the model was trained with quantisation, and has learned its ranges';
  if (origin === 'ExistingCache') return 'the existing calibration cache has the scales to use';
  return heldOut.length < Math.max(fewestImages, opened.fixedBatch ?? 1)
    ? `only ${fewestImages} or more held-out images show what gains accuracy, and there are ${heldOut.length}; give more images than ${field('batches')} × ${field('batchSize')}`
    : undefined;
};
