/** The accuracy gate: an int8 export whose outputs stray too far from the float model's is refused before it is stored. */
import { UserError } from '../base/errors.ts';
import type { Statistics } from '../calibration/statistics.ts';
import { computedFrom } from '../engines/calibration-graph.ts';
import type { SampledImage } from '../preprocessing/sampled-image.ts';
import { decibelText } from '../report/decibel.ts';
import { tensorReports } from '../report/report.ts';
import type { OpenedModel } from './open-model.ts';
import { int8Agreement, keptBatches } from './verify-int8.ts';

const namedTensors = 3;

/** Scales, images that had no say in them, and the histograms that they came from if it was a calibration. */
export type Judged = {
  readonly scales: ReadonlyMap<string, number>;
  readonly kept: readonly SampledImage[];
  readonly statistics?: Statistics;
};

/**
 * `least`: SQNR in decibel over all outputs; undefined asks nothing.
 * @throws UserError AgreementTooLow naming the worst tensors, TooFewImages if calibration took every image
 */
export const requireAgreement = async (
  opened: OpenedModel,
  { quantised, least }: { readonly quantised: Judged; readonly least: number | undefined },
): Promise<void> => {
  if (least === undefined) return;
  const batches = keptBatches(opened, quantised.kept);
  if (batches === undefined)
    throw new UserError(
      'TooFewImages',
      'Comparing int8 with float: calibration took every image, so none is left to compare on. Add images to the folder, or take fewer batches.',
    );
  const { sqnrDb, images } = await int8Agreement(opened, quantised.scales, batches);
  if (sqnrDb >= least) return;
  throw new UserError(
    'AgreementTooLow',
    `Comparing int8 with float on ${images} images kept out of calibration: the outputs agree to ${sqnrDb.toFixed(1)} dB, and ${least} dB are asked for.${worstTensors(opened, quantised)} ${advice(quantised)} Nothing was stored.`,
  );
};

const advice = ({ statistics }: Judged): string =>
  statistics
    ? 'Calibrate with more images, take another algorithm (Mse, Auto), or build this class in fp16.'
    : 'Its scales come from the training: train on, calibrate instead (--force_ptq, spec.forcePtq), or build this class in fp16.';

/** Of those that int8 arithmetic reads: the others cannot be the cause. */
const worstTensors = ({ model }: OpenedModel, { scales, statistics }: Judged): string => {
  if (!statistics) return '';
  const read = new Set(computedFrom(model));
  const arithmetic = new Map([...scales].filter(([name]) => read.has(name)));
  const worst = tensorReports({ scales: arithmetic, histograms: statistics.histograms })
    .slice(0, namedTensors)
    .map(({ name, sqnrDb }) => `${name} (${decibelText(sqnrDb)})`);
  return ` Worst tensors: ${worst.join(', ')}.`;
};
