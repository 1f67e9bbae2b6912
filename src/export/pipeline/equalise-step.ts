/**
 * Equalises channels before convolutions, if the export asks for it. The equalised graph replaces the given one
 * only if int8 is closer to float on held-out images.
 */
import { listEqualisable } from '../../graph/transforms/equalise/equalise.ts';
import { field } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { TriedLever } from '../report/report.ts';
import { tryEqualised } from './equalised-trial.ts';
import type { ExportPorts, ExportRequest } from './request.ts';
import type { ExportScales } from './scales-step.ts';

/** The model to export, its scales, and a sentence on what was done. */
export type EqualisedExport = {
  readonly opened: OpenedModel;
  readonly quantised: ExportScales | undefined;
  /** Undefined if the export does not ask for equalisation. */
  readonly note: string | undefined;
  readonly levers: readonly TriedLever[];
};

/** @throws UserError as `measure` */
export const equaliseExport = async (
  request: ExportRequest,
  quantised: ExportScales | undefined,
  ports: ExportPorts,
): Promise<EqualisedExport> => {
  const { opened, int8 } = request;
  if (int8?.equalize !== 'auto' || quantised === undefined)
    return { opened, quantised, note: undefined, levers: [] };
  const unchanged = (why: string, levers: readonly TriedLever[] = []): EqualisedExport => ({
    opened,
    quantised,
    note: `Channels were not equalised: ${why}`,
    levers,
  });
  const obstacle = findObstacle(opened, quantised);
  if (obstacle !== undefined || quantised.origin !== 'Calibration') return unchanged(obstacle ?? '');
  const trial = await tryEqualised({ request, int8, plain: quantised.calibration }, ports);
  if ('refused' in trial) return unchanged(trial.refused, trial.levers);
  const { calibration } = trial;
  const { scales, heldOut } = calibration.calibrated;
  return { ...trial, quantised: { scales, heldOut, origin: 'Calibration', calibration } };
};

/** Why the given graph stays, found before any image is read. */
const findObstacle = (opened: OpenedModel, { origin, heldOut }: ExportScales): string | undefined => {
  if (opened.quantised || opened.trainedRanges)
    return 'the model was trained with quantisation, and has learned the ranges of its channels';
  if (origin === 'ExistingCache') return 'the existing calibration cache has the scales of the given graph';
  if (listEqualisable(opened.model).size === 0)
    return 'the model has no convolution behind a layer whose channels can be divided';
  return heldOut.length < (opened.fixedBatch ?? 1)
    ? `no held-out images show whether that gains accuracy; give more images than ${field('batches')} × ${field('batchSize')}`
    : undefined;
};
