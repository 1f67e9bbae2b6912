/** Describes a Keras model, and the ONNX model that an export would produce from it. */
import { openKeras } from '../../export/models/keras-model.ts';
import { type KerasSource, withKerasFile } from '../../formats/hdf5/keras-file.ts';
import { describeKeras, type KerasDescription } from '../../graph/keras/describe.ts';
import { UserError } from '../../ground/base/errors.ts';
import { describeModel, type ModelDescription } from './describe-model.ts';

/** A Keras model, and its conversion. */
export type KerasInspection = {
  readonly keras: KerasDescription;
  /** The converted model; a detector without plugin nodes. Omitted if the conversion fails. */
  readonly model?: ModelDescription;
  /** Why the conversion failed. */
  readonly note?: string;
};

/** Describes the model. Layers that cannot be converted are reported in `note`. @throws UserError ModelInvalid */
export const inspectKeras = async (source: KerasSource): Promise<KerasInspection> => {
  const keras = await withKerasFile(source, describeKeras);
  try {
    const { model } = await openKeras(source);
    return { keras, model: describeModel(model) };
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.reason !== 'ModelUnsupported') throw thrown;
    const why = keras.endsBySpec ? 'not shown without the spec' : 'cannot be exported';
    return { keras, note: `${why}. ${thrown.message}` };
  }
};
