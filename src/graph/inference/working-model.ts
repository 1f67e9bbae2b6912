/** The form of a graph that is calibrated and built; the `.etlt` keeps the original. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { widenToFloat } from '../transforms/widen.ts';
import { foldComputedConstants } from './constants.ts';

/** Makes all weights initializers and all floats float32; returns the same model if they are. */
export const toWorkingModel = async (model: ModelProto): Promise<ModelProto> =>
  widenToFloat(await foldComputedConstants(model));
