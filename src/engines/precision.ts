/** The graph that a builder gets for a data type: float, half, or quantised with the calibrated scales. */
import { UserError } from '../base/errors.ts';
import type { DataType } from '../contract/architectures.ts';
import type { ModelProto } from '../formats/generated/onnx_pb.ts';
import { halfModel } from './half.ts';
import { quantisedModel, type Scales } from './qdq.ts';

/** @throws UserError CalibrationSourceMissing for int8 without scales, EngineUnsupported, CacheInvalid */
export const modelInPrecision = (
  model: ModelProto,
  dataType: DataType,
  scales: Scales | undefined,
): ModelProto => {
  if (dataType === 'fp32') return model;
  if (dataType === 'fp16') return halfModel(model);
  if (scales === undefined)
    throw new UserError(
      'CalibrationSourceMissing',
      'Making the int8 graph: there is no calibration cache. Export with calibration data first.',
    );
  return quantisedModel(model, scales);
};
