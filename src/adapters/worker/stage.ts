/**
 * The first container of an engine pod: fetches what the export made, decrypts it in memory, and leaves the builder's
 * inputs in the work folder. The key goes no further than this container.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEncrypted } from '../../formats/crypto/encrypted-model.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { parseCompleteModel, serializeModel } from '../../formats/onnx/model.ts';
import { readUsableScales } from '../../formats/scales/calibration-cache.ts';
import { buildRequest, planModel } from '../../graph/builders/build-request.ts';
import { driverFile } from '../../graph/builders/run-driver.ts';
import { toWorkingModel } from '../../graph/inference/working-model.ts';
import { buildGraphFor, serializeReference } from '../../graph/precision/precision.ts';
import { toNormalForm } from '../../graph/transforms/normal-form.ts';
import { fileDigest, sha256 } from '../../ground/base/digest.ts';
import { openReadable, readRegular } from '../../ground/base/readable.ts';
import { writeWholeFile } from '../../ground/base/whole-file.ts';
import { workFiles } from '../../ground/contract/layout.ts';
import type { EngineBuilt } from '../../ground/contract/result.ts';
import type { EngineTask, Source } from '../../ground/contract/task.ts';
import type { ArtifactStore } from '../storage/store.ts';
import { finishedWork, requirePin } from './finished-work.ts';

export type StageWorld = {
  readonly store: ArtifactStore;
  readonly keyFile: string;
  readonly work: string;
  /** What `build` writes; named in the request alone. */
  readonly built: string;
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
  const { folder } = task;
  const wanted = { kind: 'EngineBuilt', folder, inputs, signal: world.signal } as const;
  const finished = await finishedWork<EngineBuilt>(world.store, wanted);
  if (finished) return writeFile(join(world.work, workFiles.finished), JSON.stringify(finished));
  const key = await readKey({ keyFile: world.keyFile, env: {} });
  const payload = await decrypted(task.etlt, key, world);
  const model = await toWorkingModel(toNormalForm(parseCompleteModel(payload)).model);
  const cache = task.calibrationCache && (await fetched(task.calibrationCache, world));
  const scales = cache && readUsableScales(new TextDecoder().decode(cache));
  const planned = planModel(task, model);
  const graph = buildGraphFor(model, { ...planned.plan, scales });
  await put(world, workFiles.model, serializeModel(graph));
  await put(world, workFiles.reference, serializeReference(planned.plan.pluginNodes, { model, payload }));
  if (task.verification) await put(world, workFiles.verification, await fetched(task.verification, world));
  if (planned.plan.tensorRt) await put(world, workFiles.driver, await readFile(driverFile));
  await put(
    world,
    workFiles.request,
    Buffer.from(JSON.stringify(buildRequest(task, { ...planned, model, graph, scales }, world))),
  );
};

/** The ciphertext is not held. */
const decrypted = async (source: Source, key: string, { store, signal }: StageWorld): Promise<Uint8Array> => {
  const path = await store.fetch(source.uri, signal);
  requirePin(source, await fileDigest(path));
  using file = openReadable(path);
  return (await openEncrypted(file, key)).content.whole();
};

const fetched = async (source: Source, { store, signal }: StageWorld): Promise<Uint8Array> => {
  const bytes = readRegular(await store.fetch(source.uri, signal));
  requirePin(source, sha256(bytes));
  return bytes;
};

const put = ({ work }: StageWorld, name: string, bytes: Uint8Array): Promise<void> =>
  writeWholeFile(join(work, name), bytes, { overwrite: true, isPrivate: true });
