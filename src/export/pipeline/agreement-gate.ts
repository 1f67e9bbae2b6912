/**
 * The accuracy gate: refuses an int8 export whose outputs differ too much from the float model's, before it is stored.
 */

import type { Statistics } from '../../calibration/histograms/statistics.ts';
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import { graphOf, outputsOf } from '../../formats/onnx/graph.ts';
import { int8Activations } from '../../graph/precision/calibration-graph.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { decibelText } from '../report/decibel.ts';
import { tensorReports } from '../report/report.ts';
import type { FloatComparison } from './comparison.ts';
import type { Watch } from './export.ts';
import { measureSensitivity, sensitivityText } from './sensitivity.ts';
import { noHeldOutImages } from './verify-int8.ts';

const namedTensors = 3;

/** Scales, held-out images, and the histograms of the scales if they are from a calibration. */
export type GatedScales = {
  readonly scales: ReadonlyMap<string, number>;
  readonly heldOut: readonly SampledImage[];
  readonly statistics?: Statistics;
};

/** What the gate checks. */
export type GateRequest = {
  readonly quantised: GatedScales;
  /** int8 of these scales, compared with float; undefined only without a gate. */
  readonly comparison: FloatComparison | undefined;
  /** Minimum SQNR in decibel; no gate if undefined. */
  readonly least: number | undefined;
  readonly watch: Watch;
};

/**
 * Requires the SQNR over all outputs, and of each graph output, to reach `least`.
 * @throws UserError AgreementTooLow naming the worst tensors, TooFewImages if calibration used every image, and the fault of the
 * comparison
 */
export const requireAgreement = async (
  opened: OpenedModel,
  { quantised, comparison, least, watch }: GateRequest,
): Promise<void> => {
  if (least === undefined) return;
  if (comparison?.fault) throw comparison.fault;
  if (!comparison?.agreement) throw noHeldOutImages('Comparing int8 with float');
  const { sqnrDb, images, outputs } = comparison.agreement;
  const own = new Set(outputsOf(graphOf(opened.model)).map(({ name }) => name));
  const [worst] = outputs.filter(({ name }) => own.has(name)).sort((a, b) => a.sqnrDb - b.sqnrDb);
  if (sqnrDb >= least && (worst?.sqnrDb ?? sqnrDb) >= least) return;
  const layers = await measureSensitivity(opened, { ...quantised, watch });
  throw new UserError(
    'AgreementTooLow',
    `Comparing int8 with float on ${images} held-out images: SQNR is ${sqnrDb.toFixed(1)} dB${own.size > 1 && worst ? ` (${worst.name}: ${worst.sqnrDb.toFixed(1)} dB)` : ''}; the required minimum is ${least} dB.${worstTensors(opened, quantised)} ${sensitivityText(layers)} ${advice(quantised)} Nothing was stored.`,
  );
};

const advice = ({ statistics }: GatedScales): string =>
  statistics
    ? 'Otherwise calibrate with more images, choose another algorithm (Mse, Auto), or build this class in fp16.'
    : `The scales are from training: train further, calibrate instead (${field('forcePtq')}), or build this class in fp16.`;

/** Worst tensors among those that int8 arithmetic reads; others cannot be the cause. */
const worstTensors = ({ model }: OpenedModel, { scales, statistics }: GatedScales): string => {
  if (!statistics) return '';
  const read = new Set(int8Activations(model));
  const arithmetic = new Map([...scales].filter(([name]) => read.has(name)));
  const worst = tensorReports({ ...statistics, scales: arithmetic })
    .slice(0, namedTensors)
    .map(({ name, sqnrDb }) => `${name} (${decibelText(sqnrDb)})`);
  return ` Worst tensors: ${worst.join(', ')}.`;
};
