/** `tlt-export --engine_file`: an engine on this machine, by the same steps as in an engine pod. */
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
import { keptFloat } from './export-request.ts';
import type { ExportWorld, ToolWorld } from './tool-world.ts';

export type EngineBuildContext = {
  readonly values: ExportValues;
  /** Scales of an int8 engine, and whether they come from quantisation-aware training. */
  readonly scales: Scales | undefined;
  readonly trained: boolean;
  readonly world: ExportWorld;
};

/** Refuses what the backend cannot build, before any work. @throws UserError EngineUnsupported */
export const refuseEngine = (values: ExportValues): void => {
  const { refused } = planEngine(makeEngineRequest(engineOptions(values, false)));
  if (refused) throw new UserError('EngineUnsupported', `Building the engine: ${refused.message}.`);
};

/** Refuses a graph that the backend has no operators for. @throws UserError EngineUnsupported, ModelInvalid */
export const refuseGraph = ({ model }: OpenedModel, values: ExportValues): void => {
  convertPlugins(planModel(engineOptions(values, false), model).plan.pluginNodes, model);
};

/**
 * Builds the engine. The graphs are in files without a name, in the temporary folder: they hold the decrypted model.
 * @throws UserError EngineUnsupported, EngineBuildFailed, EngineVerificationFailed, OutputExists, DiskFull …
 */
export const buildEngineFile = async (
  opened: OpenedModel,
  { values, scales, trained, world }: EngineBuildContext,
): Promise<void> => {
  const options = engineOptions(values, trained);
  const planned = planModel(options, opened.model);
  const graph = buildGraphFor(opened.model, { ...planned.plan, scales });
  const { temporary } = world;
  const places = { work: temporary, built: temporary };
  const wanted = buildRequest(options, { ...planned, model: opened.model, graph, scales }, places);
  await using scratch = makeScratch(temporary);
  const model = await scratch.write(serializeModel(graph));
  const reference = await scratch.write(serializeReference(planned.plan.pluginNodes, opened));
  const report = await scratch.write('');
  const build = async (engine: string): Promise<void> => {
    const request = { ...wanted, model, report, engine: await pathForOthers(engine) };
    if (values.engine_backend === 'OnnxRuntime') return buildByOnnxRuntime(request, reference, world);
    await buildByDriver(await scratch.write(JSON.stringify(request)), values.python, world);
  };
  const engineFile = values.engine_file!;
  await world.outputs.make(engineFile, build, { overwrite: false, isPrivate: true });
  world.logAtEnd(`Engine was saved into ${engineFile}`);
};

const engineOptions = (values: ExportValues, trained: boolean): EngineOptions => ({
  backend: values.engine_backend,
  dataType: values.data_type,
  maxBatchSize: values.max_batch_size,
  maxWorkspaceSizeBytes: values.max_workspace_size,
  trained,
  keepFloat: keptFloat(values),
  settings: {
    // The version that reads the cache is the one that builds from it.
    ...(values.engine_backend === 'TensorRt' && { version: values.tensorrt_version }),
    ...(values.compute_capability !== undefined && { computeCapability: values.compute_capability }),
    strictTypes: values.strict_type_constraints,
  },
});

const buildByOnnxRuntime = async (
  request: BuildRequest,
  reference: string,
  { log }: ToolWorld,
): Promise<void> => {
  const comparison = { clock: performance, reference, verification: undefined };
  for (const warning of (await buildFromRequest(request, comparison)).warnings) log('WARNING', warning);
};

const buildByDriver = (request: string, python: string, { log, signal }: ToolWorld): Promise<void> =>
  runDriver({ python, request, signal, onLine: (line) => log('DEBUG', `build driver: ${line}`) });
