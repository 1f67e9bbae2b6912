/** The form in which graphs are measured and engines are made of them; the file in the `.etlt` keeps its own. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { widened } from '../transforms/widen.ts';
import { withConstantsFolded } from './constants.ts';

/** Weights are initializers and floats are float32, whatever the exporter left; the model itself if they are. */
export const workingModel = async (model: ModelProto): Promise<ModelProto> =>
  widened(await withConstantsFolded(model));
