/** A model without the quantisation of its training: the float graph that is exported, and what the training left in it. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { foldConstants, graphOf, initializerMap, isQat } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import type { TensorRanges } from '../../formats/scales/tensor-scales.ts';
import { foldComputedConstants } from '../../graph/inference/constants.ts';
import { toWorkingModel } from '../../graph/inference/working-model.ts';
import { peelQat, type TrainedPair } from '../../graph/precision/qat.ts';
import { isDequantize, isQuantize } from '../../graph/precision/qat-quantiser.ts';
import { computeTrainedRanges } from '../../graph/precision/qat-ranges.ts';
import type { ModelContent } from './model-content.ts';

export type FloatContent = {
  /** Plain float in float32, weights as initializers: what training with quantisation put into it is taken out. */
  readonly model: ModelProto;
  /** The ONNX file as it goes into the `.etlt`. */
  readonly payload: Uint8Array;
  /**
   * Ranges by the graph's own names, of a model whose activations were quantised in training; undefined for any other.
   * Throws UserError ModelUnsupported if no engine can take them; a calibration can still replace them.
   */
  readonly trainedRanges: (() => TensorRanges) | undefined;
  /** The model before the export took pairs out of it, if it did. */
  readonly quantised: QatModel | undefined;
  /** The model as the file has it, where the export writes it in another form. */
  readonly rewritten: ModelProto | undefined;
};

export type QatModel = { readonly given: ModelProto; readonly pairs: readonly TrainedPair[] };

type Found = Pick<ModelContent, 'model' | 'keras'> &
  Pick<FloatContent, 'rewritten'> & { readonly payload: Uint8Array };

/** @throws UserError ModelUnsupported as `peelQat` */
export const toFloatContent = async ({ model, payload, keras, rewritten }: Found): Promise<FloatContent> => {
  if (keras || !isQat(model))
    return {
      model: await toWorkingModel(model),
      payload,
      trainedRanges: keras?.trainedRanges,
      quantised: undefined,
      rewritten,
    };
  const given = await foldQuantiserParameters(model);
  const { model: peeled, pairs } = peelQat(given);
  return {
    model: await toWorkingModel(peeled),
    payload: serializeModel(peeled),
    // Weights that are stored as integers say nothing of activations: such a model is calibrated.
    trainedRanges: pairs.length === 0 ? undefined : () => computeTrainedRanges(pairs),
    quantised: { given, pairs },
    rewritten,
  };
};

/** Scales, zero points and weights that the graph computes from constants are computed; the pairs stay. */
const foldQuantiserParameters = async (model: ModelProto): Promise<ModelProto> => {
  const graph = foldConstants(graphOf(model));
  const constants = initializerMap(graph);
  const isPart = (node: Parameters<typeof isQuantize>[0]) => isQuantize(node) || isDequantize(node);
  const isKnown = graph.node
    .filter(isPart)
    .every(({ input }) => input.slice(1).every((name) => name === '' || constants.has(name)));
  return isKnown ? model : foldComputedConstants(model, { keeps: isPart });
};
