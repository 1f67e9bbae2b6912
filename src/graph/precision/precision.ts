/** The graph that a builder gets: in float, half, or quantised with the calibrated scales; in operators that it has. */

import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { DataType } from '../../ground/contract/architectures.ts';
import { type Backend, backends } from '../../ground/contract/backends.ts';
import { withoutPlugins } from '../plugins/lower.ts';
import { halfModel } from './half.ts';
import { quantisedModel, type Scales } from './qdq.ts';

export type WantedGraph = {
  readonly backend: Backend;
  readonly dataType: DataType;
  readonly scales: Scales | undefined;
};

/** The graph that this backend's builder gets. @throws as `modelInPrecision` and `withoutPlugins` */
export const modelFor = (model: ModelProto, { backend, dataType, scales }: WantedGraph): ModelProto =>
  runnableOn(backend, modelInPrecision(model, dataType, scales));

/** The same model in operators that this backend has. @throws UserError EngineUnsupported, ModelInvalid */
export const runnableOn = (backend: Backend, model: ModelProto): ModelProto => {
  const { pluginNodes } = backends[backend];
  return pluginNodes === 'Kept' ? model : withoutPlugins(model, pluginNodes);
};

/** The float model as this backend can run it: the file as it is unless plugin nodes have to go. */
export const referenceBytes = (
  backend: Backend,
  { model, payload }: { readonly model: ModelProto; readonly payload: Uint8Array },
): Uint8Array => {
  const runnable = runnableOn(backend, model);
  return runnable === model ? payload : serializeModel(runnable);
};

/** @throws UserError CalibrationSourceMissing for int8 without scales, EngineUnsupported, CacheInvalid */
const modelInPrecision = (model: ModelProto, dataType: DataType, scales: Scales | undefined): ModelProto => {
  if (dataType === 'fp32') return model;
  if (dataType === 'fp16') return halfModel(model);
  if (scales === undefined)
    throw new UserError(
      'CalibrationSourceMissing',
      'Making the int8 graph: there is no calibration cache. Export with calibration data first.',
    );
  return quantisedModel(model, scales);
};
