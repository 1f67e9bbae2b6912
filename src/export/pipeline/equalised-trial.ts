/** Equalises a model, calibrates it, and compares its int8 with that of the given model. */
import { serializeModel } from '../../formats/onnx/model.ts';
import {
  type EqualisedModel,
  equaliseChannels,
  listEqualisable,
} from '../../graph/transforms/equalise/equalise.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { type CalibrationSource, openSource } from './calibration-source.ts';
import { measureChannelRanges } from './channel-ranges.ts';
import { buildCache, type Calibrated, type CalibrationRequest, measure, type Watch } from './export.ts';
import { collectBatches } from './graph-check.ts';
import { compareGraphs } from './graph-difference.ts';
import type { CalibrationDone } from './report.ts';
import type { ExportPorts, ExportRequest, Int8Request } from './request.ts';
import { batchHeldOut, measureInt8Agreement } from './verify-int8.ts';

/** The export, and the calibration of the given graph. */
export type TrialRequest = {
  readonly request: ExportRequest;
  readonly int8: Int8Request;
  readonly plain: CalibrationDone;
};

/** The equalised model and its calibration, or why the given model is better. */
export type Trial =
  | { readonly refused: string }
  | { readonly opened: OpenedModel; readonly calibration: CalibrationDone; readonly note: string };

/** @throws UserError as `measure` */
export const tryEqualised = async (
  { request, int8, plain }: TrialRequest,
  ports: ExportPorts,
): Promise<Trial> => {
  const { opened } = request;
  const { heldOut } = plain.calibrated;
  const counting = countAgain(request, int8);
  const watch: Watch = { ...ports, progress: (done, total) => ports.progress(done, total, 'Equalising') };
  const equalised = await equalise(opened, counting, watch);
  if (!(await isSame(opened, equalised, heldOut)))
    return { refused: 'the equalised graph differs from the given one by more than rounding' };
  const candidate = toOpened(opened, equalised);
  const { cache, scales, statistics } = buildCache(
    candidate,
    await measure(candidate, { request: counting, watch }),
    counting,
  );
  const before = await agreementOf(opened, plain.calibrated, ports);
  const after = await agreementOf(candidate, { scales, heldOut }, ports);
  const figures = `SQNR ${after.sqnrDb.toFixed(1)} dB with and ${before.sqnrDb.toFixed(1)} dB without, on ${after.images} held-out images`;
  if (!(after.sqnrDb > before.sqnrDb)) return { refused: `that gains no accuracy (${figures})` };
  return {
    opened: candidate,
    calibration: { ...plain, calibrated: { ...plain.calibrated, cache, scales, statistics } },
    note: `Channels are equalised before ${equalised.layers} depthwise convolutions, in the .etlt too (${figures}; ${costOf(equalised)})`,
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
): Promise<EqualisedModel> => {
  const rows = opened.fixedBatch ?? 1;
  const { batches } = await openSource({ model, input, ...opened }, { ...request, rows, signal });
  const ranges = await measureChannelRanges(model, {
    tensors: listEqualisable(model),
    input,
    batches: takeFirst(batches, Math.ceil(mostRangeImages / rows)),
    signal,
  });
  return equaliseChannels(model, ranges);
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
) => measureInt8Agreement(opened, scales, { batches: batchHeldOut(opened, heldOut)!, signal });

const costOf = ({ nodes }: EqualisedModel): string =>
  nodes === 0 ? 'no node was added' : `${nodes} element-wise nodes were added, which engines compute as well`;
