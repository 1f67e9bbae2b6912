/**
 * Builds the graph for an engine builder: in float32, float16, or quantised with calibrated scales, in operators that
 * the backend supports.
 */

import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf, withGraph } from '../../formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../formats/onnx/model.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Backend, GraphForm, PluginNodes } from '../../ground/contract/backends.ts';
import { lowerPlugins } from '../plugins/lower.ts';
import { flushSubnormals } from '../transforms/flush-subnormals.ts';
import { exactIntegers, type IntegerTypes, quantiseFused } from './fused/fused-qdq.ts';
import { convertToHalf } from './half.ts';
import { pairRules } from './pair-rules.ts';
import { quantiseModel, type Scales } from './qdq.ts';

/** Form and scales of a graph, and how plugin nodes appear in it. */
export type GraphRequest = {
  readonly graph: GraphForm;
  readonly pluginNodes: PluginNodes;
  /** Whose rules decide where Q/DQ pairs go. */
  readonly pairs: Backend;
  /** Integers that the processor of an OnnxRuntime engine is fast with; if undefined, those that are exact on each. */
  readonly integers?: IntegerTypes;
  readonly scales: Scales | undefined;
};

/**
 * Builds the graph for a builder.
 * @throws UserError CalibrationSourceMissing, EngineUnsupported, CacheInvalid, ModelInvalid
 */
export const buildGraphFor = (model: ModelProto, request: GraphRequest): ModelProto =>
  convertPlugins(request.pluginNodes, convertPrecision(model, request));

/**
 * Replaces plugin nodes that the builder lacks.
 * @throws UserError EngineUnsupported, ModelInvalid
 */
export const convertPlugins = (pluginNodes: PluginNodes, model: ModelProto): ModelProto =>
  pluginNodes === 'Kept' ? model : lowerPlugins(model, pluginNodes);

/** Serializes the float model: `payload` unless plugin nodes are replaced or weights are subnormal, which float engines do not have. */
export const serializeReference = (
  pluginNodes: PluginNodes,
  { model, payload }: { readonly model: ModelProto; readonly payload: Uint8Array },
): Uint8Array => {
  const runnable = convertPlugins(pluginNodes, model);
  if (runnable !== model) return serializeModel(runnable);
  const given = parseModel(payload);
  const flushed = withGraph(given, flushSubnormals(graphOf(given)));
  return flushed === given ? payload : serializeModel(flushed);
};

/**
 * Converts a model to a precision.
 * @throws UserError CalibrationSourceMissing for int8 without scales, EngineUnsupported, CacheInvalid
 */
const convertPrecision = (
  model: ModelProto,
  { graph, pairs, scales, integers = exactIntegers }: GraphRequest,
): ModelProto => {
  if (graph === 'Float32') return model;
  if (graph === 'Float16') return convertToHalf(model);
  if (scales === undefined)
    throw new UserError(
      'CalibrationSourceMissing',
      'Making the int8 graph: there is no calibration cache. Export with calibration data first.',
    );
  return pairs === 'OnnxRuntime'
    ? quantiseFused(model, { scales, types: integers })
    : quantiseModel(model, scales, pairRules[pairs]);
};
