/** `tlt-export --engine_file`: builds an engine on this machine, in the same steps as an engine pod. */
import type { OpenedModel } from '../../export/models/open-model.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { buildFromRequest } from '../../graph/builders/build-here.ts';
import { buildRequest, type EngineOptions, planModel } from '../../graph/builders/build-request.ts';
import { runDriver } from '../../graph/builders/run-driver.ts';
import { buildGraphFor, convertPlugins, serializeReference } from '../../graph/precision/precision.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { makeScratch } from '../../ground/base/scratch.ts';
import { pathForOthers } from '../../ground/base/unfinished-file.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import type { BuildRequest } from '../../ground/contract/task.ts';
import { makeEngineRequest, planEngine } from '../../ground/plans/engine-plan.ts';
import { parseKeepFloat } from './model-flags.ts';
import type { ExportContext, ToolContext } from './tool-context.ts';

/** Options of an engine build, and its dependencies. */
export type EngineBuildContext = {
  readonly values: ExportValues;
  /** Scales of an int8 engine. */
  readonly scales: Scales | undefined;
  /** Whether the scales come from quantisation-aware training. */
  readonly trained: boolean;
  readonly context: ExportContext;
};

/** Checks that the backend can build the requested engine. Needs no model. @throws UserError EngineUnsupported */
export const checkBackend = (values: ExportValues): void => {
  const { refused } = planEngine(makeEngineRequest(makeEngineOptions(values, false)));
  if (refused) throw new UserError('EngineUnsupported', `Building the engine: ${refused.message}.`);
};

/** Checks that the backend supports the model's plugin nodes. @throws UserError EngineUnsupported, ModelInvalid */
export const checkPlugins = ({ model }: OpenedModel, values: ExportValues): void => {
  convertPlugins(planModel(makeEngineOptions(values, false), model).plan.pluginNodes, model);
};

/**
 * Builds the engine. The graphs are written to unnamed files in the temporary folder, because they contain the decrypted model.
 * @throws UserError EngineUnsupported, EngineBuildFailed, EngineVerificationFailed, OutputExists, DiskFull …
 */
export const buildEngineFile = async (
  opened: OpenedModel,
  { values, scales, trained, context }: EngineBuildContext,
): Promise<void> => {
  const options = makeEngineOptions(values, trained);
  const planned = planModel(options, opened.model);
  const graph = buildGraphFor(opened.model, { ...planned.plan, scales });
  const { temporary } = context;
  const places = { work: temporary, built: temporary };
  const template = buildRequest(options, { ...planned, model: opened.model, graph, scales }, places);
  await using scratch = makeScratch(temporary);
  const model = await scratch.write(serializeModel(graph));
  const reference = await scratch.write(serializeReference(planned.plan.pluginNodes, opened));
  const report = await scratch.write('');
  const build = async (engine: string): Promise<void> => {
    const request = { ...template, model, report, engine: await pathForOthers(engine) };
    if (values.engine_backend === 'OnnxRuntime') return buildWithOnnxRuntime(request, reference, context);
    await buildWithDriver(await scratch.write(JSON.stringify(request)), values.python, context);
  };
  const engineFile = values.engine_file!;
  await context.outputs.make(engineFile, build, { overwrite: false, isPrivate: true });
  context.logAtEnd(`Engine was saved into ${engineFile}`);
};

const makeEngineOptions = (values: ExportValues, trained: boolean): EngineOptions => ({
  backend: values.engine_backend,
  dataType: values.data_type,
  maxBatchSize: values.max_batch_size,
  maxWorkspaceSizeBytes: values.max_workspace_size,
  trained,
  keepFloat: parseKeepFloat(values),
  settings: {
    // The TensorRT version that builds must be the one whose cache format was requested.
    ...(values.engine_backend === 'TensorRt' && { version: values.tensorrt_version }),
    ...(values.compute_capability !== undefined && { computeCapability: values.compute_capability }),
    strictTypes: values.strict_type_constraints,
  },
});

const buildWithOnnxRuntime = async (
  request: BuildRequest,
  reference: string,
  { log }: ToolContext,
): Promise<void> => {
  const comparison = { clock: performance, reference, verification: undefined };
  for (const warning of (await buildFromRequest(request, comparison)).warnings) log('WARNING', warning);
};

const buildWithDriver = (request: string, python: string, { log, signal }: ToolContext): Promise<void> =>
  runDriver({ python, request, signal, onLine: (line) => log('DEBUG', `build driver: ${line}`) });
