/** Plans the build of an engine for any backend. */
import type { DataType } from '../contract/architectures.ts';
import type { Backend, GraphForm, PluginNodes } from '../contract/backends.ts';
import type { EngineTask } from '../contract/task.ts';
import type { BatchProfile, TensorRtPlan } from '../contract/tensorrt-plan.ts';
import { isTensorRt } from './families.ts';
import { planTensorRt } from './make-plan.ts';
import type { PlanRefusal, PlanRequest } from './plan-request.ts';

export type EngineRequest = Omit<PlanRequest, 'backend'> & { readonly backend: Backend };

/** The parts of an engine task that decide how it is built. */
type TaskFacts = Pick<
  EngineTask,
  'backend' | 'dataType' | 'maxBatchSize' | 'maxWorkspaceSizeBytes' | 'keepFloat' | 'trained' | 'settings'
>;

/** The request of an engine task, for a model that takes every batch size. */
export const makeEngineRequest = (task: TaskFacts): EngineRequest => ({
  ...task.settings,
  backend: task.backend,
  dataType: task.dataType,
  scales: task.dataType === 'int8' ? (task.trained ? 'Trained' : 'Calibrated') : 'None',
  batch: makeBatchProfile(task.maxBatchSize),
  workspaceBytes: task.maxWorkspaceSizeBytes,
  keepsFloat: task.keepFloat !== undefined && task.keepFloat.length > 0,
});

/** One image up to `max`; the kernels are chosen for half of the maximum. */
export const makeBatchProfile = (max: number): BatchProfile => ({ min: 1, opt: Math.ceil(max / 2), max });

/** The graph that the builder reads, and what a TensorRT builder does with it. */
export type EnginePlan = {
  readonly graph: GraphForm;
  readonly pluginNodes: PluginNodes;
  /** Whose rules decide where Q/DQ pairs go. */
  readonly pairs: Backend;
  readonly tensorRt?: TensorRtPlan;
};

/** Either a plan or a refusal. */
export type PlannedEngine =
  | { readonly plan: EnginePlan; readonly refused?: undefined }
  | { readonly plan?: undefined; readonly refused: PlanRefusal };

/** Plans the build, or says why there is none. */
export const planEngine = (request: EngineRequest): PlannedEngine => {
  const { backend } = request;
  if (!isTensorRt(backend)) return { plan: planOnnxRuntime(request.dataType) };
  const { plan, refused } = planTensorRt({ ...request, backend });
  if (refused) return { refused };
  const { graph, pluginNodes } = plan;
  return { plan: { graph, pluginNodes, pairs: backend, tensorRt: plan } };
};

/** ONNX Runtime has every operator but the plugins, and its precision is that of the graph. */
export const planOnnxRuntime = (dataType: DataType): EnginePlan => ({
  graph: graphForms[dataType],
  pluginNodes: 'NonMaxSuppression',
  pairs: 'OnnxRuntime',
});

const graphForms = { fp32: 'Float32', fp16: 'Float16', int8: 'Quantised' } as const;
