/**
 * The first container of an engine pod: fetches what the export made, decrypts it in memory, and leaves the builder's
 * inputs in the work folder. The key goes no further than this container.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../base/digest.ts';
import { writeWholeFile } from '../base/whole-file.ts';
import { type Backend, backends } from '../contract/backends.ts';
import { workFiles } from '../contract/layout.ts';
import type { BuildRequest, EngineTask, Source } from '../contract/task.ts';
import { floatLayers } from '../engines/float-layers.ts';
import { modelFor, runnableOn } from '../engines/precision.ts';
import { parseCalibrationCache } from '../formats/calibration-cache.ts';
import { decryptModel } from '../formats/encrypted-model.ts';
import type { ModelProto } from '../formats/generated/onnx_pb.ts';
import { graphOf, inputsOf, shapeOf } from '../formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../formats/onnx/model.ts';
import type { ArtifactStore } from '../storage/store.ts';
import { finishedWork, requirePin } from './finished-work.ts';
import { readKey } from './key.ts';

export type StageWorld = {
  readonly store: ArtifactStore;
  readonly keyFile: string;
  readonly work: string;
  readonly signal: AbortSignal;
};

/** Digests that an engine is known by: what goes into it. */
export const engineInputs = (task: EngineTask): Readonly<Record<string, string>> => ({
  etlt: task.etlt.sha256 ?? '',
  ...(task.calibrationCache && { calibrationCache: task.calibrationCache.sha256 ?? '' }),
  engineKey: task.engineKey,
});

/** @throws UserError WrongKey, DigestMismatch, InputNotFound, CacheInvalid, EngineUnsupported … */
export const stage = async (task: EngineTask, world: StageWorld): Promise<void> => {
  const inputs = engineInputs(task);
  const finished = await finishedWork(world.store, { folder: task.folder, inputs, signal: world.signal });
  if (finished) return writeFile(join(world.work, workFiles.finished), JSON.stringify(finished));
  const key = await readKey({ keyFile: world.keyFile, env: {} });
  const { payload } = await decryptModel(await fetched(task.etlt, world), key);
  const model = parseModel(payload);
  const cache = task.calibrationCache && (await fetched(task.calibrationCache, world));
  const scales = cache && parseCalibrationCache(new TextDecoder().decode(cache)).scales;
  await put(world, workFiles.model, serializeModel(modelFor(model, { ...task, scales })));
  await put(world, workFiles.reference, referenceBytes(task.backend, { model, payload }));
  if (task.verification) await put(world, workFiles.verification, await fetched(task.verification, world));
  await put(world, workFiles.request, Buffer.from(JSON.stringify(buildRequest(task, model, world.work))));
};

/** The float model as this backend can run it: the file as it is unless plugin nodes have to go. */
export const referenceBytes = (
  backend: Backend,
  { model, payload }: { readonly model: ModelProto; readonly payload: Uint8Array },
): Uint8Array => {
  const runnable = runnableOn(backend, model);
  return runnable === model ? payload : serializeModel(runnable);
};

const fetched = async (source: Source, { store, signal }: StageWorld): Promise<Uint8Array> => {
  const bytes = await readFile(await store.fetch(source.uri, signal));
  requirePin(source, sha256(bytes));
  return bytes;
};

const put = ({ work }: StageWorld, name: string, bytes: Uint8Array): Promise<void> =>
  writeWholeFile(join(work, name), bytes, { overwrite: true });

/** What builders need to know of an engine, wherever it is built. */
export type EngineOptions = Pick<
  EngineTask,
  'backend' | 'computeCapability' | 'maxBatchSize' | 'maxWorkspaceSizeBytes' | 'keepFloat' | 'options'
>;

export const buildRequest = (task: EngineOptions, model: ModelProto, work: string): BuildRequest => {
  const input = inputsOf(graphOf(model))[0]!;
  const [batch, ...image] = shapeOf(input)!;
  // A graph with a fixed batch takes that batch and no other.
  const largest = typeof batch === 'number' ? batch : task.maxBatchSize;
  const least = typeof batch === 'number' ? batch : 1;
  const shape = (size: number): number[] => [size, ...image.map(Number)];
  return {
    model: join(work, workFiles.model),
    engine: join(
      work,
      backends[task.backend].engineFile === 'model.onnx' ? workFiles.onnxEngine : workFiles.engine,
    ),
    report: join(work, workFiles.report),
    ...(task.computeCapability !== undefined && { computeCapability: task.computeCapability }),
    inputName: input.name,
    minShape: shape(least),
    optShape: shape(Math.max(least, Math.ceil(largest / 2))),
    maxShape: shape(largest),
    workspaceBytes: task.maxWorkspaceSizeBytes,
    ...(task.keepFloat && { floatOutputs: floatLayers(model, task.keepFloat).outputs }),
    options: task.options,
  };
};
