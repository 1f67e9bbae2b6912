/** Builds an engine file on this machine, in the same steps as an engine pod, for every tool that writes one. */
import { readFile } from 'node:fs/promises';
import { serializeModel } from '../../formats/onnx/model.ts';
import { type TensorDistributions, writeDistributions } from '../../formats/scales/tensor-distributions.ts';
import { buildFromRequest, type Comparison } from '../../graph/builders/build-here.ts';
import { buildRequest, type EngineOptions, planModel } from '../../graph/builders/build-request.ts';
import type { ScaleChoice } from '../../graph/builders/choose-scales.ts';
import { readIntegerTypes } from '../../graph/builders/processor-integers.ts';
import { runDriver } from '../../graph/builders/run-driver.ts';
import { buildGraphFor, convertPlugins, serializeReference } from '../../graph/precision/precision.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { makeScratch } from '../../ground/base/scratch.ts';
import { pathForOthers } from '../../ground/base/unfinished-file.ts';
import type { Outputs } from '../../ground/base/whole-file.ts';
import type { BuildReport, BuildRequest } from '../../ground/contract/task.ts';
import { makeEngineRequest, planEngine } from '../../ground/plans/engine-plan.ts';
import type { FloatContent } from '../models/float-content.ts';

/** The float network of an engine: its graph, and the bytes of one ONNX file with that graph. */
export type EngineNetwork = Pick<FloatContent, 'model' | 'payload'>;

/** Distributions, and held-out images as the bytes of an ONNX TensorProto [N,C,H,W]. */
export type ScaleMaterial = Pick<ScaleChoice, 'float'> & {
  readonly distributions: TensorDistributions;
  readonly images: Uint8Array;
};

/** An engine to build. */
export type EngineFileRequest = {
  readonly network: EngineNetwork;
  readonly options: EngineOptions;
  /** Scales of an int8 engine. */
  readonly scales: Scales | undefined;
  /** What an int8 engine chooses its scales from, for the backend OnnxRuntime alone; those above stay if undefined. */
  readonly choice?: ScaleMaterial | undefined;
  /** Path of the engine; an existing file is never overwritten. */
  readonly file: string;
  /** Interpreter with the module `tensorrt_rtx` or `tensorrt`. */
  readonly python: string;
};

/** Dependencies of a build. */
export type EngineFileContext = {
  readonly outputs: Outputs;
  /** Folder for unnamed files. */
  readonly temporary: string;
  readonly signal: AbortSignal;
  readonly log: (level: 'INFO' | 'WARNING' | 'DEBUG', message: string) => void;
};

/** Checks that the backend can build such an engine. Needs no model. @throws UserError EngineUnsupported */
export const checkBackend = (options: EngineOptions): void => {
  const { batch, ...task } = options;
  const { refused } = planEngine({ ...makeEngineRequest(task), ...(batch && { batch }) });
  if (refused) throw new UserError('EngineUnsupported', `Building the engine: ${refused.message}.`);
};

/** Checks that the backend supports the model's plugin nodes. @throws UserError EngineUnsupported, ModelInvalid */
export const checkPlugins = ({ model }: Pick<EngineNetwork, 'model'>, options: EngineOptions): void => {
  convertPlugins(planModel(options, model).plan.pluginNodes, model);
};

/** What a build gave beside the engine. */
export type EngineFileResult = {
  readonly report: BuildReport;
  readonly shapes: Pick<BuildRequest, 'minShape' | 'optShape' | 'maxShape'>;
};

/**
 * Builds the engine. The graphs are written to unnamed files in the temporary folder, because
 * they contain the decrypted model.
 * @throws UserError EngineUnsupported, EngineBuildFailed, EngineVerificationFailed, OutputExists, DiskFull …
 */
export const buildEngineFile = async (
  { network, options, scales, choice, file, python }: EngineFileRequest,
  context: EngineFileContext,
): Promise<EngineFileResult> => {
  const planned = planModel(options, network.model);
  const { pluginNodes } = planned.plan;
  // A choice of scales makes the int8 graph itself.
  const graph = choice
    ? convertPlugins(pluginNodes, network.model)
    : buildGraphFor(network.model, { ...planned.plan, scales, integers: readIntegerTypes() });
  const { temporary } = context;
  const places = { work: temporary, built: temporary };
  const template = buildRequest(options, { ...planned, model: network.model, graph, scales }, places);
  await using scratch = makeScratch(temporary);
  const reference = await scratch.write(serializeReference(pluginNodes, network));
  const model = choice ? reference : await scratch.write(serializeModel(graph));
  const report = await scratch.write('');
  const chosen = choice && {
    distributions: await scratch.write(writeDistributions(choice.distributions)),
    images: await scratch.write(choice.images),
    float: choice.float,
  };
  const build = async (engine: string): Promise<void> => {
    const request = { ...template, model, report, engine: await pathForOthers(engine) };
    if (options.backend === 'OnnxRuntime')
      return buildWithOnnxRuntime(request, { reference, choice: chosen }, context);
    await buildWithDriver(await scratch.write(JSON.stringify(request)), python, context);
  };
  await context.outputs.make(file, build, { overwrite: false, isPrivate: true });
  return { report: JSON.parse(await readFile(report, 'utf8')) as BuildReport, shapes: template };
};

const buildWithOnnxRuntime = async (
  request: BuildRequest,
  { reference, choice }: Pick<Comparison, 'reference' | 'choice'>,
  { log }: EngineFileContext,
): Promise<void> => {
  // The report has compared int8 with float; only a choice between them needs it again, of the engine.
  const verification = request.fastest && choice?.images;
  const comparison = { reference, choice, clock: performance, verification };
  const { note, warnings } = await buildFromRequest(request, comparison);
  if (note !== undefined) log('INFO', note);
  for (const warning of warnings) log('WARNING', warning);
};

const buildWithDriver = (
  request: string,
  python: string,
  { log, signal }: EngineFileContext,
): Promise<void> =>
  runDriver({ python, request, signal, onLine: (line) => log('DEBUG', `build driver: ${line}`) });
