/** Opens a Keras file as ONNX, with its weights in memory once. */

import { type KerasSource, withKerasFile } from '../../formats/hdf5/keras-file.ts';
import { oneFileBytes } from '../../formats/onnx/external-data.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { parseModel, rawBytesOf, serializeAndRelease } from '../../formats/onnx/model.ts';
import type { TensorRanges } from '../../formats/scales/tensor-scales.ts';
import { type ImportedModel, type ImportOptions, importKeras } from '../../graph/keras/import.ts';

/** An imported Keras model. */
export type KerasModel = Omit<ImportedModel, 'ranges' | 'rangeFault'> & {
  /** The ONNX file, which the tensors of the model reference. Undefined for a model that does not fit into one file. */
  readonly payload: Uint8Array | undefined;
  /** See FloatContent. */
  readonly trainedRanges: (() => TensorRanges) | undefined;
};

/** In bytes; 16 MiB are more than the names and shapes of any network need. */
const weightsInOneFile = oneFileBytes - 2 ** 24;

/**
 * Imports a Keras file. `weightsLimit`: bytes of weights up to which one ONNX file is written.
 * @throws UserError ModelInvalid, ModelUnsupported, SpecInvalid
 */
export const openKeras = async (
  source: KerasSource,
  options?: ImportOptions,
  weightsLimit = weightsInOneFile,
): Promise<KerasModel> => {
  const { model, ranges, rangeFault, ...rest } = await withKerasFile(source, (file) =>
    importKeras(file, options),
  );
  const trainedRanges = () => {
    if (rangeFault) throw rangeFault;
    return ranges;
  };
  return {
    ...rest,
    ...(rawBytesOf(model) > weightsLimit ? { model, payload: undefined } : inOneFile(model)),
    trainedRanges: ranges.size > 0 ? trainedRanges : undefined,
  };
};

const inOneFile = (model: ModelProto) => {
  const payload = serializeAndRelease(model);
  return { model: parseModel(payload), payload };
};
