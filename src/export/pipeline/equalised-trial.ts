/** Equalises a model, calibrates it, and compares its int8 with that of the given model. */
import { serializeModel } from '../../formats/onnx/model.ts';
import type { Agreement } from '../../graph/evaluation/agreement.ts';
import {
  type EqualisedModel,
  equaliseByRules,
  listEqualisable,
} from '../../graph/transforms/equalise/equalise.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { asDecibel } from '../report/decibel.ts';
import type { TriedLever } from '../report/report.ts';
import { type CalibrationSource, openSource } from './calibration-source.ts';
import { measureChannelRanges } from './channel-ranges.ts';
import { buildCache, type Calibrated, type CalibrationRequest, measure, type Watch } from './export.ts';
import { collectBatches } from './graph-check.ts';
import { compareGraphs } from './graph-difference.ts';
import { isReliableGain } from './reliable-gain.ts';
import type { CalibrationDone } from './report.ts';
import type { ExportPorts, ExportRequest, Int8Request } from './request.ts';
import { batchHeldOut, type HalvedAgreement, measureInt8Halves } from './verify-int8.ts';

/** The export, and the calibration of the given graph. */
export type TrialRequest = {
  readonly request: ExportRequest;
  readonly int8: Int8Request;
  readonly plain: CalibrationDone;
};

/** The equalised model and its calibration, or why the given model is better. */
export type Trial =
  | { readonly refused: string; readonly levers: readonly TriedLever[] }
  | {
      readonly opened: OpenedModel;
      readonly calibration: CalibrationDone;
      readonly note: string;
      readonly levers: readonly TriedLever[];
    };

/** Tries each rule. @throws UserError as `measure` */
export const tryEqualised = async (asked: TrialRequest, ports: ExportPorts): Promise<Trial> => {
  const { request, int8, plain } = asked;
  const { opened } = request;
  const counting = countAgain(request, int8);
  const watch: Watch = { ...ports, progress: (done, total) => ports.progress(done, total, 'Equalising') };
  const before = await agreementOf(opened, plain.calibrated, ports);
  let best: Measured | undefined;
  const tried: Tried[] = [];
  let refused = 'the equalised graph differs from the given one by more than rounding';
  for (const equalised of await equalise(opened, counting, watch)) {
    const found = await calibrateEqualised(asked, { equalised, counting, watch }, ports);
    if (found === undefined) continue;
    const { whole: after } = found.after;
    tried.push({ equalised, before: before.whole, after });
    const figures = `SQNR ${after.sqnrDb.toFixed(1)} dB with and ${before.whole.sqnrDb.toFixed(1)} dB without, on ${after.images} held-out images`;
    if (!isReliableGain(before, found.after)) refused = `that gains no accuracy to rely on (${figures})`;
    else if (best === undefined || after.sqnrDb > best.after.whole.sqnrDb)
      best = { ...found, note: describeGain(equalised, figures) };
  }
  const levers = tried.map((each) => describeLever(each, each.after === best?.after.whole));
  return best ? { ...best, levers } : { refused, levers };
};

type Tried = {
  readonly equalised: EqualisedModel;
  readonly before: Agreement;
  readonly after: Agreement;
};

const describeLever = ({ equalised, before, after }: Tried, kept: boolean): TriedLever => ({
  name: `Channels equalised before ${equalised.layers} convolutions${describeRule(equalised)}`,
  images: after.images,
  before: asDecibel(before.sqnrDb),
  after: asDecibel(after.sqnrDb),
  kept,
});

const describeRule = ({ nodes, summing, rule }: EqualisedModel): string => {
  const exponent = summing > 0 ? `, exponent ${rule.evenness}` : '';
  return ` (${nodes} nodes added${exponent})`;
};

type Measured = Omit<Exclude<Trial, { readonly refused: string }>, 'levers'> & {
  readonly after: HalvedAgreement;
};

type Candidate = {
  readonly equalised: EqualisedModel;
  readonly counting: CalibrationRequest;
  readonly watch: Watch;
};

/** Undefined if the equalised graph computes something else. */
const calibrateEqualised = async (
  { request: { opened }, plain }: TrialRequest,
  { equalised, counting, watch }: Candidate,
  ports: ExportPorts,
): Promise<Omit<Measured, 'note'> | undefined> => {
  const { heldOut } = plain.calibrated;
  if (!(await isSame(opened, equalised, heldOut))) return undefined;
  const candidate = toOpened(opened, equalised);
  const measured = await measure(candidate, { request: counting, watch });
  const { cache, scales, statistics } = buildCache(candidate, measured, counting);
  return {
    opened: candidate,
    calibration: { ...plain, calibrated: { ...plain.calibrated, cache, scales, statistics } },
    after: await agreementOf(candidate, { scales, heldOut }, ports),
  };
};

/** The same images: a tensorfile exists since the first pass, which also logged each broken image. */
const countAgain = (
  { keepFloat, tensorRtVersion, wantsReport }: ExportRequest,
  { calibration, source }: Int8Request,
): CalibrationRequest => ({
  ...calibration,
  errorBudget: { share: calibration.errorBudget?.share ?? 0, onBroken: () => {} },
  source: asWritten(source().source),
  keepFloat,
  tensorRtVersion,
  reported: wantsReport,
});

const asWritten = (source: CalibrationSource): CalibrationSource =>
  source.kind === 'TensorfileOfImages' ? { kind: 'Tensorfile', path: source.path } : source;

/** A channel that exceeds its range on other images is cut off as the tail of any tensor is. */
const mostRangeImages = 64;

const equalise = async (
  { model, input, ...opened }: OpenedModel,
  request: CalibrationRequest,
  { signal }: Watch,
): Promise<readonly EqualisedModel[]> => {
  const rows = opened.fixedBatch ?? 1;
  const { batches } = await openSource({ model, input, ...opened }, { ...request, rows, signal });
  const ranges = await measureChannelRanges(model, {
    tensors: listEqualisable(model),
    input,
    batches: takeFirst(batches, Math.ceil(mostRangeImages / rows)),
    signal,
  });
  return equaliseByRules(model, ranges);
};

async function* takeFirst<T>(all: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let taken = 0;
  for await (const each of all) {
    yield each;
    if (++taken === count) return;
  }
}

const toOpened = (opened: OpenedModel, { model }: EqualisedModel): OpenedModel => ({
  ...opened,
  model,
  payload: serializeModel(model),
  rewritten: opened.rewritten ?? opened.model,
});

const isSame = async (
  opened: OpenedModel,
  { model }: EqualisedModel,
  heldOut: Calibrated['heldOut'],
): Promise<boolean> => {
  const { batches } = await collectBatches(opened, { heldOut });
  const pair = { reference: opened.model, other: model, input: opened.input };
  return (await compareGraphs(pair, batches)).kind === 'Same';
};

const agreementOf = (
  opened: OpenedModel,
  { scales, heldOut }: Pick<Calibrated, 'scales' | 'heldOut'>,
  { signal }: ExportPorts,
) => measureInt8Halves(opened, scales, { batches: batchHeldOut(opened, heldOut)!, signal });

const describeGain = (equalised: EqualisedModel, figures: string): string =>
  `Channels are equalised before ${equalised.layers} convolutions, in the .etlt too (${figures}; ${costOf(equalised)})`;

const costOf = ({ nodes }: EqualisedModel): string =>
  nodes === 0 ? 'no node was added' : `${nodes} element-wise nodes were added, which engines compute as well`;
