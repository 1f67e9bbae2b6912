/** What a Keras model is, and the ONNX that would be made of it, or why none can be made. */

import { openKeras } from '../../export/models/keras-model.ts';
import { type KerasSource, withKerasFile } from '../../formats/hdf5/keras-file.ts';
import { describeKeras, type KerasDescription } from '../../graph/keras/describe.ts';
import { UserError } from '../../ground/base/errors.ts';
import { describeModel, type ModelDescription } from './describe-model.ts';

export type KerasInspection = {
  readonly keras: KerasDescription;
  /** The ONNX, of a detector as it was trained; left out if none can be made. */
  readonly model?: ModelDescription;
  /** Why none can be made, or not of the file alone. */
  readonly note?: string;
};

/** @throws UserError ModelInvalid; a layer that has no ONNX is told and not thrown */
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
