/** A trained classifier that runs fast, for tests that do not depend on the network. */
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { imported, kerasPath } from '../keras/fixtures.ts';

/** The bytes of the ONNX model: `input_1` [N,3,32,32] → `predictions/Softmax`, 10,000 parameters, 17 tensors. */
export const smallClassifier = async (): Promise<Uint8Array> =>
  serializeModel((await imported(kerasPath('resnet'))).model);
