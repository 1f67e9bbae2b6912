/** A Keras file as the tools take it: turned into ONNX, with its weights in memory once. */
import { type KerasSource, withKerasFile } from '../formats/keras-file.ts';
import { parseModel, serializeAndRelease } from '../formats/onnx/model.ts';
import type { TensorRanges } from '../formats/tensor-scales.ts';
import { type ImportedModel, type ImportWish, importKeras } from '../keras/import.ts';

export type KerasModel = Omit<ImportedModel, 'ranges' | 'rangeFault'> & {
  /** The ONNX file; the tensors of the model point into it. */
  readonly payload: Uint8Array;
  /** See OpenedModel. */
  readonly trainedRanges: (() => TensorRanges) | undefined;
};

/** @throws UserError ModelInvalid, ModelUnsupported */
export const openKeras = async (source: KerasSource, wish?: ImportWish): Promise<KerasModel> => {
  const { model, ranges, rangeFault, ...rest } = await withKerasFile(source, (file) =>
    importKeras(file, wish),
  );
  const payload = serializeAndRelease(model);
  const trainedRanges = () => {
    if (rangeFault) throw rangeFault;
    return ranges;
  };
  return {
    ...rest,
    model: parseModel(payload),
    payload,
    trainedRanges: ranges.size > 0 ? trainedRanges : undefined,
  };
};
