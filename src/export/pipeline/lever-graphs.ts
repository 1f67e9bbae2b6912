/** Graphs to try for int8: the given one, and equalised ones that compute the same, each calibrated. */
import { serializeModel } from '../../formats/onnx/model.ts';
import {
  type EqualisedModel,
  equaliseByRules,
  listEqualisable,
} from '../../graph/transforms/equalise/equalise.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { type CalibrationSource, openSource } from './calibration-source.ts';
import { measureChannelRanges } from './channel-ranges.ts';
import { type Calibrated, type CalibrationRequest, measure, type Watch } from './export.ts';
import { collectBatches } from './graph-check.ts';
import { compareGraphs } from './graph-difference.ts';
import type { CalibrationDone } from './report.ts';
import type { ExportPorts, ExportRequest, Int8Request } from './request.ts';

/** The export, and the calibration of the given graph. */
export type TrialRequest = {
  readonly request: ExportRequest;
  readonly int8: Int8Request;
  readonly plain: CalibrationDone;
  /** Whether to try equalised graphs. */
  readonly equalises: boolean;
};

/** A graph, and what calibration counted on it. */
export type GraphToTry = {
  readonly opened: OpenedModel;
  readonly counted: Pick<Calibrated, 'statistics' | 'shown' | 'preprocessing' | 'heldOut'>;
  /** Undefined for the given graph. */
  readonly equalised: EqualisedModel | undefined;
};

/** Yields the given graph, then each equalised one. @throws UserError as `measure` */
export async function* listGraphs(asked: TrialRequest, ports: ExportPorts): AsyncGenerator<GraphToTry> {
  const { request, int8, plain, equalises } = asked;
  const { opened } = request;
  const counted = plain.calibrated;
  yield { opened, counted, equalised: undefined };
  if (!equalises) return;
  const counting = countAgain(request, int8);
  const watch: Watch = { ...ports, progress: (done, total) => ports.progress(done, total, 'Equalising') };
  for (const equalised of await equalise(opened, counting, watch)) {
    if (!(await isSame(opened, equalised, counted.heldOut))) continue;
    const candidate = toOpened(opened, equalised);
    const { statistics } = await measure(candidate, { request: counting, watch });
    yield { opened: candidate, counted: { ...counted, statistics }, equalised };
  }
}

/** The same images: a tensorfile exists since the first pass, which also logged each broken image. */
const countAgain = (
  { keepFloat, tensorRtVersion, wantsReport }: ExportRequest,
  { calibration, source, chooseAlgorithm }: Int8Request,
): CalibrationRequest => ({
  ...calibration,
  errorBudget: { share: calibration.errorBudget?.share ?? 0, onBroken: () => {} },
  source: asWritten(source().source),
  keepFloat,
  tensorRtVersion,
  reported: wantsReport || chooseAlgorithm,
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
