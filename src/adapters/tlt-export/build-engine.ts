/** `tlt-export --engine_file`: an engine on this machine, by the same steps as in an engine pod. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OpenedModel } from '../../export/models/open-model.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { buildFromRequest } from '../../graph/builders/build-here.ts';
import { buildRequest } from '../../graph/builders/build-request.ts';
import { modelFor, referenceBytes, runnableOn } from '../../graph/precision/precision.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { reasonOfExitCode } from '../../ground/base/failures.ts';
import { withTemporary } from '../../ground/base/temporaries.ts';
import { writeWholeFile } from '../../ground/base/whole-file.ts';
import { refusal } from '../../ground/contract/backends.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { workFiles } from '../../ground/contract/layout.ts';
import type { BuildRequest } from '../../ground/contract/task.ts';
import type { ToolWorld } from './tool-world.ts';

export type EngineBuildContext = {
  readonly values: ExportValues;
  readonly scales: Scales | undefined;
  readonly world: ToolWorld;
};

/** What the backend cannot build, known before any work. @throws UserError EngineUnsupported */
export const refuseEngine = ({
  engine_backend: backend,
  compute_capability,
  data_type,
}: ExportValues): void => {
  const refused = refusal(backend, data_type, compute_capability);
  if (refused !== undefined) throw new UserError('EngineUnsupported', `Building the engine: ${refused}.`);
};

/** What the backend has no operators for, known once the model is open. @throws UserError EngineUnsupported, ModelInvalid */
export const refuseGraph = ({ model }: OpenedModel, { engine_backend: backend }: ExportValues): void => {
  runnableOn(backend, model);
};

/** @throws UserError EngineUnsupported, EngineBuildFailed, EngineVerificationFailed, OutputExists … */
export const buildEngineFile = async (
  opened: OpenedModel,
  { values, scales, world }: EngineBuildContext,
): Promise<void> => {
  const work = await mkdtemp(join(world.temporary, 'tlt-engine-'));
  await withTemporary(work, () => buildIn(work, opened, { values, scales, world }));
};

const buildIn = async (
  work: string,
  opened: OpenedModel,
  { values, scales, world }: EngineBuildContext,
): Promise<void> => {
  const { engine_backend: backend, compute_capability: computeCapability, data_type: dataType } = values;
  const built = join(work, 'built');
  try {
    await mkdir(built);
    const wanted = { backend, dataType, scales };
    await writeFile(join(work, workFiles.model), serializeModel(modelFor(opened.model, wanted)));
    await writeFile(join(work, workFiles.reference), referenceBytes(backend, opened));
    const options = {
      backend,
      ...(computeCapability !== undefined && { computeCapability }),
      maxBatchSize: values.max_batch_size,
      maxWorkspaceSizeBytes: values.max_workspace_size,
      options: {},
    };
    const request = buildRequest(options, opened.model, { work, built });
    if (backend === 'OnnxRuntime')
      for (const warning of (await buildFromRequest(request, performance)).warnings)
        world.log('WARNING', warning);
    else await buildByDriver(values.python, request, world);
    await writeWholeFile(values.engine_file!, await readFile(request.engine), { overwrite: false });
    world.log('INFO', `Engine was saved into ${values.engine_file}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

const driver = join(import.meta.dirname, '..', '..', 'graph', 'builders', 'driver', 'build_engine.py');

/** Its last line on standard output is a JSON object; on a failure that object has the reason and the message. */
const buildByDriver = async (
  python: string,
  request: BuildRequest,
  { log, signal }: ToolWorld,
): Promise<void> => {
  const path = join(dirname(request.model), workFiles.request);
  await writeFile(path, JSON.stringify(request));
  const child = spawn(python, [driver, path], { stdio: ['ignore', 'pipe', 'inherit'], signal });
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
