/**
 * Builds the graph for an engine builder: in float32, float16, or quantised with calibrated scales, in operators that
 * the backend supports.
 */

import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { DataType } from '../../ground/contract/architectures.ts';
import { type Backend, backends } from '../../ground/contract/backends.ts';
import { lowerPlugins } from '../plugins/lower.ts';
import { convertToHalf } from './half.ts';
import { quantiseModel, type Scales } from './qdq.ts';

/** Backend, precision and scales of a graph. */
export type GraphRequest = {
  readonly backend: Backend;
  readonly dataType: DataType;
  readonly scales: Scales | undefined;
};

/**
 * Builds the graph for this backend.
 * @throws UserError CalibrationSourceMissing, EngineUnsupported, CacheInvalid, ModelInvalid
 */
export const buildGraphFor = (model: ModelProto, { backend, dataType, scales }: GraphRequest): ModelProto =>
  convertPluginsFor(backend, convertPrecision(model, dataType, scales));

/**
 * Replaces plugin nodes that this backend lacks.
 * @throws UserError EngineUnsupported, ModelInvalid
 */
export const convertPluginsFor = (backend: Backend, model: ModelProto): ModelProto => {
  const { pluginNodes } = backends[backend];
  return pluginNodes === 'Kept' ? model : lowerPlugins(model, pluginNodes);
};

/** Serializes the float model for this backend: `payload` unless plugin nodes are replaced. */
export const serializeReference = (
  backend: Backend,
  { model, payload }: { readonly model: ModelProto; readonly payload: Uint8Array },
): Uint8Array => {
  const runnable = convertPluginsFor(backend, model);
  return runnable === model ? payload : serializeModel(runnable);
};

/**
 * Converts a model to a precision.
 * @throws UserError CalibrationSourceMissing for int8 without scales, EngineUnsupported, CacheInvalid
 */
const convertPrecision = (model: ModelProto, dataType: DataType, scales: Scales | undefined): ModelProto => {
  if (dataType === 'fp32') return model;
  if (dataType === 'fp16') return convertToHalf(model);
  if (scales === undefined)
    throw new UserError(
      'CalibrationSourceMissing',
      'Making the int8 graph: there is no calibration cache. Export with calibration data first.',
    );
  return quantiseModel(model, scales);
};
