/** `tlt-export --engine_file`: an engine on this machine, by the same steps as in an engine pod. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { OpenedModel } from '../../export/models/open-model.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { buildFromRequest } from '../../graph/builders/build-here.ts';
import { buildRequest } from '../../graph/builders/build-request.ts';
import { buildGraphFor, convertPluginsFor, serializeReference } from '../../graph/precision/precision.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { reasonOfExitCode } from '../../ground/base/failures.ts';
import { makeScratch } from '../../ground/base/scratch.ts';
import { pathForOthers } from '../../ground/base/unfinished-file.ts';
import { explainRefusal } from '../../ground/contract/backends.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import type { BuildRequest } from '../../ground/contract/task.ts';
import type { ExportWorld, ToolWorld } from './tool-world.ts';

export type EngineBuildContext = {
  readonly values: ExportValues;
  readonly scales: Scales | undefined;
  readonly world: ExportWorld;
};

/** What the backend cannot build, known before any work. @throws UserError EngineUnsupported */
export const refuseEngine = ({
  engine_backend: backend,
  compute_capability,
  data_type,
}: ExportValues): void => {
  const refused = explainRefusal(backend, data_type, compute_capability);
  if (refused !== undefined) throw new UserError('EngineUnsupported', `Building the engine: ${refused}.`);
};

/** What the backend has no operators for, known once the model is open. @throws UserError EngineUnsupported, ModelInvalid */
export const refuseGraph = ({ model }: OpenedModel, { engine_backend: backend }: ExportValues): void => {
  convertPluginsFor(backend, model);
};

/**
 * The graphs are in files without a name, in the temporary folder: they hold the decrypted model.
 * @throws UserError EngineUnsupported, EngineBuildFailed, EngineVerificationFailed, OutputExists, DiskFull …
 */
export const buildEngineFile = async (
  opened: OpenedModel,
  { values, scales, world }: EngineBuildContext,
): Promise<void> => {
  const { engine_backend: backend, data_type: dataType } = values;
  await using scratch = makeScratch(world.temporary);
  const model = await scratch.write(
    serializeModel(buildGraphFor(opened.model, { backend, dataType, scales })),
  );
  const reference = await scratch.write(serializeReference(backend, opened));
  const report = await scratch.write('');
  const engineFile = values.engine_file!;
  const build = async (engine: string): Promise<void> => {
    const request = {
      ...requestOf(opened, values, world),
      model,
      report,
      engine: await pathForOthers(engine),
    };
    if (backend === 'OnnxRuntime') await buildByOnnxRuntime(request, reference, world);
    else await buildByDriver(await scratch.write(JSON.stringify(request)), values.python, world);
  };
  await world.outputs.make(engineFile, build, { overwrite: false, isPrivate: true });
  world.logAtEnd(`Engine was saved into ${engineFile}`);
};

const requestOf = ({ model }: OpenedModel, values: ExportValues, { temporary }: ToolWorld): BuildRequest => {
  const { engine_backend: backend, compute_capability: computeCapability } = values;
  const options = {
    backend,
    ...(computeCapability !== undefined && { computeCapability }),
    maxBatchSize: values.max_batch_size,
    maxWorkspaceSizeBytes: values.max_workspace_size,
    options: {},
  };
  return buildRequest(options, model, { work: temporary, built: temporary });
};

const buildByOnnxRuntime = async (
  request: BuildRequest,
  reference: string,
  { log }: ToolWorld,
): Promise<void> => {
  const comparison = { clock: performance, reference, verification: undefined };
  for (const warning of (await buildFromRequest(request, comparison)).warnings) log('WARNING', warning);
};

const driver = join(import.meta.dirname, '..', '..', 'graph', 'builders', 'driver', 'build_engine.py');

/** Its last line on standard output is a JSON object; on a failure that object has the reason and the message. */
const buildByDriver = async (
  requestFile: string,
  python: string,
  { log, signal }: ToolWorld,
): Promise<void> => {
  const child = spawn(python, [driver, requestFile], { stdio: ['ignore', 'pipe', 'inherit'], signal });
  let output = '';
  child.stdout.on('data', (part: Buffer) => {
    output += part.toString();
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(
        new UserError(
          'EngineBuildFailed',
          `Starting ${python}: ${cause.message}. Name a Python by --python.`,
          { cause },
        ),
      ),
    );
    child.on('close', (exit) => resolve(exit ?? 1));
  });
  const last = output.trim().split('\n').at(-1) ?? '';
  log('DEBUG', `build driver: ${last}`);
  if (code !== 0) throw new UserError(reasonOfExitCode(code) ?? 'EngineBuildFailed', driverMessage(last));
};

const driverMessage = (line: string): string => {
  try {
    return String((JSON.parse(line) as { message?: unknown }).message ?? line);
  } catch {
    return `Building the engine: the driver said: ${line}`; // It died before it could say more.
  }
};
