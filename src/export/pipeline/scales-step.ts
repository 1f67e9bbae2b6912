/** Where the scales of an int8 export come from: training, an existing cache, or a calibration. */
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import { calibrateModel } from './calibration-step.ts';
import type { CalibrationDone } from './report.ts';
import type { ExistingCache, ExportPorts, ExportRequest, Int8Request } from './request.ts';
import {
  cacheInTheWay,
  comparedImages,
  type Trained,
  trainedScales,
  usesTrainedScales,
} from './trained-scales.ts';

/** Scales with their origin, and images that had no part in them. */
export type Quantised = {
  readonly scales: Scales;
  readonly kept: readonly SampledImage[];
} & (
  | { readonly origin: 'Training'; readonly trained: Trained }
  | { readonly origin: 'ExistingCache'; readonly existing: ExistingCache }
  | { readonly origin: 'Calibration'; readonly calibration: CalibrationDone }
);

export type ScalesFound = {
  /** Of a model trained with quantisation, if they are used or stored. */
  readonly trained: Trained | undefined;
  /** Undefined for fp32 and fp16. */
  readonly quantised: Quantised | undefined;
};

/** @throws UserError CalibrationSourceMissing, OutputExists, and as `trainedScales`, `calibrateModel` */
export const findScales = async (request: ExportRequest, ports: ExportPorts): Promise<ScalesFound> => {
  const { opened, forcePtq, int8, wantsTensorScales } = request;
  if (usesTrainedScales(opened, forcePtq)) return findTrained(request, ports);
  if (wantsTensorScales && request.audience === 'flag')
    ports.log(
      'WARNING',
      `${field('tensorScales')} is not written: no scales from training are used (the model has none, or ${field('forcePtq')} ignores them).`,
    );
  if (int8 === undefined) return { trained: undefined, quantised: undefined };
  if (int8.existing) return { trained: undefined, quantised: fromCache(int8.existing, ports) };
  const calibration = await calibrateModel(request, int8, ports);
  const { scales, kept } = calibration.calibrated;
  return { trained: undefined, quantised: { scales, kept, origin: 'Calibration', calibration } };
};

const fromCache = (existing: ExistingCache, { log }: ExportPorts): Quantised => {
  log(
    'WARNING',
    `Calibration file exists at ${existing.file.name}. Using this cache; calibration was skipped.`,
  );
  return { scales: existing.scales, kept: [], origin: 'ExistingCache', existing };
};

const findTrained = async (request: ExportRequest, ports: ExportPorts): Promise<ScalesFound> => {
  const { opened, architecture, tensorRtVersion, keepFloat, int8, wantsTensorScales } = request;
  if (int8 === undefined && !wantsTensorScales) return { trained: undefined, quantised: undefined };
  if (int8) checkTrained(int8, ports);
  const trained = trainedScales(opened, { architecture, tensorRtVersion, keepFloat });
  if (int8 === undefined) return { trained, quantised: undefined };
  const kept = await comparedImages(opened, int8.comparedFolder, int8.calibration.seed);
  return { trained, quantised: { scales: trained.scales, kept, origin: 'Training', trained } };
};

/** @throws UserError OutputExists, Usage */
const checkTrained = (
  { existing, minAgreement, comparedFolder, namesData }: Int8Request,
  { log }: ExportPorts,
): void => {
  if (existing) throw cacheInTheWay(existing.file.name);
  if (minAgreement !== undefined && comparedFolder === undefined)
    throw new UserError(
      'Usage',
      `Exporting for int8: ${field('minAgreement')} compares outputs on images, and none are given. Give ${field('imageDirectory')}, or omit ${field('minAgreement')}.`,
    );
  log('INFO', 'Extracting scales generated during QAT');
  if (namesData)
    log(
      'WARNING',
      `The model was trained with quantisation, so its own scales are used and nothing is calibrated. ${field('forcePtq')} calibrates.`,
    );
};
