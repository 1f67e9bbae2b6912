/** Removes the quantisation of training from a model: the float graph to export, and the ranges that training left. */
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

/** The float model of an export. */
export type FloatContent = {
  /** The float32 graph with weights as initializers, without the quantisation nodes of training. */
  readonly model: ModelProto;
  /** The ONNX file that goes into the `.etlt`. */
  readonly payload: Uint8Array;
  /**
   * Ranges by tensor names of the graph, of a model whose activations were quantised in training; undefined for any
   * other. Throws UserError ModelUnsupported if engines cannot use them; the model can still be calibrated.
   */
  readonly trainedRanges: (() => TensorRanges) | undefined;
  /** The model with its Q/DQ pairs, if the export removed any. */
  readonly quantised: QatModel | undefined;
  /** The model of the file, if the export writes it in another form. */
  readonly rewritten: ModelProto | undefined;
};

/** The model given, and its Q/DQ pairs of training. */
export type QatModel = { readonly given: ModelProto; readonly pairs: readonly TrainedPair[] };

type Found = Pick<ModelContent, 'model' | 'keras'> &
  Pick<FloatContent, 'rewritten'> & { readonly payload: Uint8Array };

/** Removes the pairs of training. @throws UserError ModelUnsupported as `peelQat` */
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
    // Integer weights carry no ranges of activations: such a model is calibrated.
    trainedRanges: pairs.length === 0 ? undefined : () => computeTrainedRanges(pairs),
    quantised: { given, pairs },
    rewritten,
  };
};

/** Computes scales, zero points and weights that the graph derives from constants; the pairs stay. */
const foldQuantiserParameters = async (model: ModelProto): Promise<ModelProto> => {
  const graph = foldConstants(graphOf(model));
  const constants = initializerMap(graph);
  const isPart = (node: Parameters<typeof isQuantize>[0]) => isQuantize(node) || isDequantize(node);
  const isKnown = graph.node
    .filter(isPart)
    .every(({ input }) => input.slice(1).every((name) => name === '' || constants.has(name)));
  return isKnown ? model : foldComputedConstants(model, { keeps: isPart });
};
