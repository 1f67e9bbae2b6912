/** Makes the request for a build driver: the plan, the shapes, and what the driver must know of the model to prove the engine. */
import { join } from 'node:path';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf, inputsOf, shapeOf } from '../../formats/onnx/graph.ts';
import { UserError } from '../../ground/base/errors.ts';
import { backends } from '../../ground/contract/backends.ts';
import { buildReportFile, workFiles } from '../../ground/contract/layout.ts';
import type { BuildRequest, EngineFacts } from '../../ground/contract/task.ts';
import type { BatchProfile } from '../../ground/contract/tensorrt-plan.ts';
import {
  type EnginePlan,
  makeBatchProfile,
  makeEngineRequest,
  planEngine,
} from '../../ground/plans/engine-plan.ts';
import { outputRoles } from '../evaluation/output-roles.ts';
import type { Scales } from '../precision/qdq.ts';
import { makeTensorRtBuild } from './tensorrt-build.ts';

/** What decides how an engine is built. */
export type EngineOptions = EngineFacts & {
  /** Batch sizes, of a graph that takes every size; those of `makeBatchProfile` if undefined. */
  readonly batch?: BatchProfile | undefined;
};

/** Plan of an engine of one model, and its batch sizes. */
export type ModelPlan = { readonly plan: EnginePlan; readonly batch: BatchProfile };

/**
 * Plans the engine of a model with one input [N,C,H,W].
 * @throws UserError EngineUnsupported with the reason and the remedy
 */
export const planModel = (task: EngineOptions, model: ModelProto): ModelPlan => {
  const [size] = shapeOf(inputsOf(graphOf(model))[0]!)!;
  // A graph with a fixed batch size accepts only that size.
  const batch =
    typeof size === 'number'
      ? { min: size, opt: size, max: size }
      : (task.batch ?? makeBatchProfile(task.maxBatchSize));
  const { plan, refused } = planEngine({ ...makeEngineRequest(task), batch });
  if (refused) throw new UserError('EngineUnsupported', `Building the engine: ${refused.message}.`);
  return { plan, batch: plan.tensorRt?.batch ?? batch };
};

/** What is built: the float model, the graph that the builder reads, and the scales of an int8 engine. */
export type PlannedBuild = ModelPlan & {
  readonly model: ModelProto;
  readonly graph: ModelProto;
  readonly scales: Scales | undefined;
};

/** Folders that the builder reads from and writes to. */
export type BuildPlaces = { readonly work: string; readonly built: string };

/** Makes the build request for a planned model. @throws UserError LayerNotFound */
export const buildRequest = (
  { backend, dataType, keepFloat, minAgreement, settings }: Omit<EngineOptions, 'batch'>,
  planned: PlannedBuild,
  { work, built }: BuildPlaces,
): BuildRequest => {
  const { model, graph, plan, batch } = planned;
  const input = inputsOf(graphOf(model))[0]!;
  const image = shapeOf(input)!.slice(1).map(Number);
  return {
    model: join(work, workFiles.model),
    engine: join(built, backends[backend].engineFile),
    report: join(built, buildReportFile),
    inputName: input.name,
    outputNames: graphOf(graph).output.map(({ name }) => name),
    minShape: [batch.min, ...image],
    optShape: [batch.opt, ...image],
    maxShape: [batch.max, ...image],
    outputRoles: outputRoles(model),
    ...(dataType === 'int8' &&
      settings.prefer === 'Fastest' && { fastest: minAgreement === undefined ? {} : { minAgreement } }),
    ...(plan.tensorRt && { tensorRt: makeTensorRtBuild(plan.tensorRt, planned, keepFloat ?? []) }),
  };
};
