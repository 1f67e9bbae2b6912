/** Tries graphs and calibration methods for int8 on held-out images, and chooses the one that is closest to float. */
import { type Algorithm, algorithms } from '../../ground/contract/architectures.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { asDecibel } from '../report/decibel.ts';
import type { TriedLever } from '../report/report.ts';
import { buildCache, type Calibrated } from './export.ts';
import { type GraphToTry, listGraphs, type TrialRequest } from './lever-graphs.ts';
import { describeCandidate, describeFigures, describeKept } from './lever-texts.ts';
import { measurePaired, type PairedAgreement } from './paired-agreement.ts';
import { isReliableGain } from './reliable-gain.ts';
import type { CalibrationDone } from './report.ts';
import type { ExportPorts } from './request.ts';
import { batchHeldOut } from './verify-int8.ts';

/** The model and its calibration that are closest to float, or why the given ones stay. */
export type Trial =
  | { readonly refused: string; readonly levers: readonly TriedLever[] }
  | {
      readonly opened: OpenedModel;
      readonly calibration: CalibrationDone;
      readonly note: string;
      readonly levers: readonly TriedLever[];
    };

/** Tries each method, if the export asks for that, on each graph. @throws UserError as `measure` */
export const tryLevers = async (asked: TrialRequest, ports: ExportPorts): Promise<Trial> => {
  const { plain } = asked;
  let before: PairedAgreement | undefined;
  let best: Candidate | undefined;
  const shown: Candidate[] = [];
  for await (const graph of listGraphs(asked, ports)) {
    const found = await measureMethods(asked, graph, ports);
    before ??= found.shift()!.agreement;
    if (found.length === 0) continue;
    const gained = found.filter(({ agreement }) => isReliableGain(before!, agreement));
    shown.push(mostAccurate(gained.length > 0 ? gained : found));
    if (gained.length > 0) best = mostAccurate([...(best ? [best] : []), ...gained]);
  }
  const levers = shown.map((each) => asLever(each, { before: before!, plain, kept: each === best }));
  if (shown.length === 0)
    return { refused: 'the equalised graph differs from the given one by more than rounding', levers };
  const figures = describeFigures(before!, (best ?? mostAccurate(shown)).agreement);
  if (best === undefined) return { refused: `that gains no accuracy to rely on (${figures})`, levers };
  const { opened, algorithm, calibrated } = best;
  const calibration = { ...plain, algorithm, calibrated };
  return { opened, calibration, note: describeKept(best, plain.algorithm, figures), levers };
};

type Candidate = Pick<GraphToTry, 'opened' | 'equalised'> & {
  readonly algorithm: Algorithm;
  readonly calibrated: Calibrated;
  readonly agreement: PairedAgreement;
};

const mostAccurate = (all: readonly Candidate[]): Candidate =>
  all.reduce((best, each) => (each.agreement.whole.sqnrDb > best.agreement.whole.sqnrDb ? each : best));

/** Each method on one graph, the requested one first. */
const measureMethods = async (
  { request, int8, plain }: TrialRequest,
  { opened, counted, equalised }: GraphToTry,
  { signal }: ExportPorts,
): Promise<Candidate[]> => {
  const { tensorRtVersion, keepFloat } = request;
  const methods = listMethods(plain.algorithm, int8.chooseAlgorithm);
  const made = methods.map((algorithm) => ({
    algorithm,
    calibrated: buildCache(opened, counted, { algorithm, tensorRtVersion, keepFloat }),
  }));
  const agreements = await measurePaired(
    opened,
    made.map(({ calibrated }) => calibrated.scales),
    { batches: batchHeldOut(opened, counted.heldOut)!, signal },
  );
  return made.map((each, i) => ({ ...each, opened, equalised, agreement: agreements[i]! }));
};

/** `Auto` selects among the others by tensor, so it is tried only if it was requested. */
const listMethods = (requested: Algorithm, all: boolean): readonly Algorithm[] =>
  all ? [requested, ...algorithms.filter((each) => each !== requested && each !== 'Auto')] : [requested];

type Comparison = {
  readonly before: PairedAgreement;
  readonly plain: CalibrationDone;
  readonly kept: boolean;
};

const asLever = (tried: Candidate, { before, plain, kept }: Comparison): TriedLever => ({
  name: describeCandidate(tried, plain.algorithm),
  images: before.whole.images,
  before: asDecibel(before.whole.sqnrDb),
  after: asDecibel(tried.agreement.whole.sqnrDb),
  kept,
});
