/** Finds the scales of an int8 export: from training, from an existing cache, or by calibration. */
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import { calibrateModel } from './calibration-step.ts';
import type { CalibrationDone } from './report.ts';
import type { ExistingCache, ExportPorts, ExportRequest, Int8Request } from './request.ts';
import {
  buildTrainedScales,
  cacheExists,
  listComparisonImages,
  type TrainedScales,
  usesTrainedScales,
} from './trained-scales.ts';

/** Scales with their origin, and held-out images. */
export type ExportScales = {
  readonly scales: Scales;
  readonly heldOut: readonly SampledImage[];
} & (
  | { readonly origin: 'Training'; readonly trained: TrainedScales }
  | { readonly origin: 'ExistingCache'; readonly existing: ExistingCache }
  | { readonly origin: 'Calibration'; readonly calibration: CalibrationDone }
);

/** Scales of an export. */
export type ScalesFound = {
  /** Scales of a model trained with quantisation, if they are used or stored. */
  readonly trained: TrainedScales | undefined;
  /** Undefined for fp32 and fp16. */
  readonly quantised: ExportScales | undefined;
};

/** @throws UserError CalibrationSourceMissing, OutputExists, and as `buildTrainedScales`, `calibrateModel` */
export const findScales = async (request: ExportRequest, ports: ExportPorts): Promise<ScalesFound> => {
  const { opened, forcePtq, int8, wantsTensorScales } = request;
  if (usesTrainedScales(opened, forcePtq)) return useTrainedScales(request, ports);
  if (wantsTensorScales && request.audience === 'flag')
    ports.log(
      'WARNING',
      `${field('tensorScales')} is not written: no scales from training are used (the model has none, or ${field('forcePtq')} ignores them).`,
    );
  if (int8 === undefined) return { trained: undefined, quantised: undefined };
  if (int8.existing) return { trained: undefined, quantised: useExistingCache(int8.existing, ports) };
  const calibration = await calibrateModel(request, int8, ports);
  const { scales, heldOut } = calibration.calibrated;
  return { trained: undefined, quantised: { scales, heldOut, origin: 'Calibration', calibration } };
};

const useExistingCache = (existing: ExistingCache, { log }: ExportPorts): ExportScales => {
  log(
    'WARNING',
    `Calibration file exists at ${existing.file.name}. Using this cache; calibration was skipped.`,
  );
  return { scales: existing.scales, heldOut: [], origin: 'ExistingCache', existing };
};

const useTrainedScales = async (request: ExportRequest, ports: ExportPorts): Promise<ScalesFound> => {
  const { opened, architecture, tensorRtVersion, keepFloat, int8, wantsTensorScales } = request;
  if (int8 === undefined && !wantsTensorScales) return { trained: undefined, quantised: undefined };
  if (int8) checkTrained(int8, ports);
  const trained = buildTrainedScales(opened, { architecture, tensorRtVersion, keepFloat });
  if (int8 === undefined) return { trained, quantised: undefined };
  const heldOut = await listComparisonImages(opened, int8.comparedFolder, int8.calibration.seed);
  return { trained, quantised: { scales: trained.scales, heldOut, origin: 'Training', trained } };
};

/** @throws UserError OutputExists, Usage */
const checkTrained = (
  { existing, minAgreement, comparedFolder, namesData }: Int8Request,
  { log }: ExportPorts,
): void => {
  if (existing) throw cacheExists(existing.file.name);
  if (minAgreement !== undefined && comparedFolder === undefined)
    throw new UserError(
      'Usage',
      `Exporting for int8: ${field('minAgreement')} compares outputs on images, and there are none. Set ${field('imageDirectory')}, or omit ${field('minAgreement')}.`,
    );
  log('INFO', 'Extracting scales generated during QAT');
  if (namesData)
    log(
      'WARNING',
      `The model was trained with quantisation: its own scales are used, and calibration is skipped. To calibrate instead, use ${field('forcePtq')}.`,
    );
};
