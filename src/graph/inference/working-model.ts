/** The form of a graph that is calibrated and built; the `.etlt` keeps the original. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf, withGraph } from '../../formats/onnx/graph.ts';
import { flushSubnormals } from '../transforms/flush-subnormals.ts';
import { widenToFloat } from '../transforms/widen.ts';
import { foldComputedConstants } from './constants.ts';

/** Makes all weights initializers, all floats float32, and subnormal weights zero; returns the same model if they are. */
export const toWorkingModel = async (model: ModelProto): Promise<ModelProto> => {
  const wide = widenToFloat(await foldComputedConstants(model));
  return withGraph(wide, flushSubnormals(graphOf(wide)));
};
