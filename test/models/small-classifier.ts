/** A trained classifier that costs next to nothing to run, for tests of what happens around a calibration. */
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { imported, kerasPath } from '../keras/fixtures.ts';

/** As a file of ONNX: `input_1` [N,3,32,32] → `predictions/Softmax`, 10 k parameters, 17 tensors. */
export const smallClassifier = async (): Promise<Uint8Array> =>
  serializeModel((await imported(kerasPath('resnet'))).model);
