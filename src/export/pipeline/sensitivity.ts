/**
 * Sensitivity: which layers cost the most accuracy. Each layer runs alone in int8, all others in float, on held-out
 * images. Noise powers of different layers nearly add up, so the noisiest layers are moved to float one by one, and the
 * suggestion is measured with all of them in float.
 */

import type { Batch } from '../../data/preprocessing/batches.ts';
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { AgreementSum } from '../../graph/evaluation/agreement.ts';
import { outputRoles } from '../../graph/evaluation/output-roles.ts';
import { type FloatTensors, openSession } from '../../graph/inference/session.ts';
import { exposeHeads } from '../../graph/plugins/heads.ts';
import { findFloatLayers, removeFloatScales } from '../../graph/precision/float-layers.ts';
import { type Int8Layers, listInt8Layers } from '../../graph/precision/int8-layers.ts';
import { convertPlugins } from '../../graph/precision/precision.ts';
import { prepareForQdq, quantiseModel, type Scales } from '../../graph/precision/qdq.ts';
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { decibelText } from '../report/decibel.ts';
import { adviceText, type LayerCost, type LayerCosts, layerCostsReport } from '../report/layer-costs.ts';
import type { Watch } from './export.ts';
import { batchHeldOut, measureInt8Agreement, noHeldOutImages } from './verify-int8.ts';

/** Enough images to rank layers; each image costs one run of the network per layer. */
const mostImages = 8;
const mostBytes = 64 * 2 ** 20;
/** Maximum number of layers in the suggestion. */
const mostAdvised = 5;
/** Minimum gain of the suggestion, in decibel. */
const leastGain = 1;

/** Scales to analyse, and images to compare on. */
export type SensitivityRequest = {
  readonly scales: Scales;
  /** Held-out images. */
  readonly heldOut: readonly SampledImage[];
  readonly watch: Watch;
};

/**
 * Measures every layer, the worst first, and what to keep in float.
 * @throws UserError TooFewImages if there are no held-out images; CacheInvalid, EngineUnsupported, ImageInvalid as
 * `measureInt8Agreement`
 */
export const measureSensitivity = async (
  opened: OpenedModel,
  request: SensitivityRequest,
): Promise<LayerCosts> => {
  const { scales, heldOut, watch } = request;
  const batches = batchHeldOut(opened, heldOut);
  if (batches === undefined) throw noHeldOutImages('Comparing layers');
  const evaluator = await Evaluator.open(opened, await takeFirst(batches));
  const units = listInt8Layers(opened.model, scales);
  const total = units.length + mostAdvised + 3;
  const steps = makeStepRunner(total, watch);
  const all = await steps(() => evaluator.sqnrDb(scales));
  const costs: (LayerCost & Pick<Int8Layers, 'namedBy'>)[] = [];
  for (const { tensor, layers, namedBy } of units) {
    const alone = new Map([[tensor, scales.get(tensor)!]]);
    costs.push({ layers, tensor, namedBy, sqnrDb: await steps(() => evaluator.sqnrDb(alone)) });
  }
  costs.sort((a, b) => a.sqnrDb - b.sqnrDb);
  const names = costs.slice(0, mostAdvised).map(({ namedBy }) => namedBy);
  const reached: number[] = [];
  for (const remaining of leaveOutByOne(opened, scales, names))
    reached.push(await steps(() => evaluator.sqnrDb(remaining)));
  const keepFloat = names.slice(0, countWorthwhile(all, reached));
  const onAll = (some: Scales): Promise<number> =>
    steps(() => measureOnAll(opened, { ...request, scales: some }));
  const advice = keepFloat.length > 0 && {
    keepFloat,
    sqnrDb: await onAll(removeFloatScales(opened.model, scales, keepFloat)),
  };
  const sqnrDb = await onAll(scales);
  watch.progress(total, total, 'Comparing');
  const layers = costs.map(({ namedBy: _, ...cost }) => cost);
  return { images: evaluator.images, layers, sqnrDb, advice: advice || undefined };
};

/** Runs steps in order, reports progress, and stops between two steps on a signal. */
const makeStepRunner = (total: number, { progress, signal }: Watch) => {
  let done = 0;
  return async <T>(step: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const result = await step();
    progress(Math.min(++done, total - 1), total, 'Comparing');
    return result;
  };
};

/** Scales without the first layer, without the first two, and so on, while some layer is left in int8. */
function* leaveOutByOne({ model }: OpenedModel, scales: Scales, names: readonly string[]): Generator<Scales> {
  for (let count = 1; count <= names.length; count++) {
    const { tensors } = findFloatLayers(model, names.slice(0, count));
    const left = new Map([...scales].filter(([name]) => !tensors.has(name)));
    if (listInt8Layers(model, left).length === 0) return;
    yield left;
  }
}

/** Smallest number of layers in float whose gain is within 1 dB of the best; 0 if the best gains less than 1 dB. */
export const countWorthwhile = (all: number, reached: readonly number[]): number => {
  const best = Math.max(...reached);
  return best - all >= leastGain ? reached.findIndex((sqnrDb) => best - sqnrDb <= leastGain) + 1 : 0;
};

/** Measures on all held-out images, so that the figure equals that of reports and gates. */
const measureOnAll = async (
  opened: OpenedModel,
  { scales, heldOut, watch: { signal } }: SensitivityRequest,
): Promise<number> => {
  const batches = batchHeldOut(opened, heldOut)!;
  return (await measureInt8Agreement(opened, scales, { batches, signal })).sqnrDb;
};

/** The worst layers and the suggestion, as text for logs and messages. */
export const sensitivityText = (costs: LayerCosts): string => {
  const worst = layerCostsReport(costs)
    .layers.slice(0, namedLayers)
    .map(({ layers, sqnrDb }) => `${layers.join(' with ')} (${decibelText(sqnrDb)})`);
  return `Worst layers, each alone in int8: ${worst.join(', ')}. ${adviceText(layerCostsReport(costs))}`;
};

const namedLayers = 3;

/** The first batches, as many as are kept in memory while layer after layer runs. */
const takeFirst = async (batches: AsyncIterable<Batch>): Promise<readonly Batch[]> => {
  const taken: Batch[] = [];
  let [images, bytes] = [0, 0];
  for await (const batch of batches) {
    taken.push(batch);
    images += batch.paths.length;
    bytes += batch.data.byteLength;
    if (images >= mostImages || bytes >= mostBytes) break;
  }
  return taken;
};

/** Compares int8 graphs with the float outputs, which are computed once. */
class Evaluator {
  readonly #model: ModelProto;
  readonly #input: string;
  readonly #roles: OutputRoles;
  readonly #batches: readonly { readonly batch: Batch; readonly float: FloatTensors }[];

  private constructor(
    model: ModelProto,
    { input, roles }: { readonly input: string; readonly roles: OutputRoles },
    batches: readonly { readonly batch: Batch; readonly float: FloatTensors }[],
  ) {
    this.#model = model;
    this.#input = input;
    this.#roles = roles;
    this.#batches = batches;
  }

  static async open({ model, input, outputs }: OpenedModel, batches: readonly Batch[]): Promise<Evaluator> {
    const withAll = exposeHeads(model);
    const prepared = prepareForQdq(withAll.model);
    const float = await runAll(withAll.model, { input, batches });
    return new Evaluator(
      prepared,
      { input, roles: outputRoles(model, outputs) },
      batches.map((batch, i) => ({ batch, float: float[i]! })),
    );
  }

  get images(): number {
    return this.#batches.reduce((sum, { batch }) => sum + batch.paths.length, 0);
  }

  async sqnrDb(scales: Scales): Promise<number> {
    const batches = this.#batches.map(({ batch }) => batch);
    const request = { input: this.#input, batches };
    const int8 = await runAll(quantiseModel(this.#model, scales), request);
    const sum = new AgreementSum(this.#roles);
    for (const [i, { float, batch }] of this.#batches.entries()) sum.add(float, int8[i]!, batch.paths.length);
    return sum.agreement().sqnrDb;
  }
}

type Runs = {
  readonly input: string;
  readonly batches: readonly Batch[];
};

const runAll = async (model: ModelProto, { input, batches }: Runs): Promise<FloatTensors[]> => {
  const session = await openSession(serializeModel(convertPlugins('NonMaxSuppression', model)), {
    roundsInFloat: true,
  });
  try {
    const found: FloatTensors[] = [];
    for (const { data, dims } of batches) found.push(await session.run({ [input]: { data, dims } }));
    return found;
  } finally {
    await session.release();
  }
};
