/**
 * The first container of an engine pod: fetches the artifacts of the export, decrypts the model in memory, and writes the
 * builder's inputs to the work folder. No other container of the pod has the key.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEncrypted } from '../../formats/crypto/encrypted-model.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { parseCompleteModel, serializeModel } from '../../formats/onnx/model.ts';
import { readUsableScales } from '../../formats/scales/calibration-cache.ts';
import {
  addMethod,
  readDistributions,
  writeDistributions,
} from '../../formats/scales/tensor-distributions.ts';
import { buildRequest, planModel } from '../../graph/builders/build-request.ts';
import { readIntegerTypes } from '../../graph/builders/processor-integers.ts';
import { driverFile } from '../../graph/builders/run-driver.ts';
import { toWorkingModel } from '../../graph/inference/working-model.ts';
import { buildGraphFor, serializeReference } from '../../graph/precision/precision.ts';
import { toNormalForm } from '../../graph/transforms/normal-form.ts';
import { fileDigest, sha256 } from '../../ground/base/digest.ts';
import { openReadable, readRegular } from '../../ground/base/readable.ts';
import { writeWholeFile } from '../../ground/base/whole-file.ts';
import { timingCacheFile, workFiles } from '../../ground/contract/layout.ts';
import type { EngineBuilt } from '../../ground/contract/result.ts';
import type { BuildRequest, EngineTask, Source } from '../../ground/contract/task.ts';
import type { ArtifactStore } from '../storage/store.ts';
import { findFinishedWork, verifyDigest } from './finished-work.ts';
import { fetchTimingCaches } from './timing-caches.ts';

/** Dependencies of `stage`. */
export type StageContext = {
  readonly store: ArtifactStore;
  /** Path of the mounted key. */
  readonly keyFile: string;
  /** Folder for the builder's inputs. */
  readonly work: string;
  /** Folder that `build` writes to. Here it is only put into the request. */
  readonly built: string;
  readonly signal: AbortSignal;
};

/** The digests that identify an engine: those of its input files, and the engine key. */
export const listEngineInputs = (task: EngineTask): Readonly<Record<string, string>> => ({
  etlt: task.etlt.sha256 ?? '',
  ...(task.calibrationCache && { calibrationCache: task.calibrationCache.sha256 ?? '' }),
  engineKey: task.engineKey,
});

/**
 * Writes the builder's inputs, or the stored result if the engine already exists.
 * @throws UserError WrongKey, DigestMismatch, InputNotFound, CacheInvalid, EngineUnsupported …
 */
export const stage = async (task: EngineTask, context: StageContext): Promise<void> => {
  // The build container runs it even if there is nothing to build.
  if (task.backend !== 'OnnxRuntime') await writeInput(context, workFiles.driver, await readFile(driverFile));
  const inputs = listEngineInputs(task);
  const { folder } = task;
  const identity = { kind: 'EngineBuilt', folder, inputs, signal: context.signal } as const;
  const finished = await findFinishedWork<EngineBuilt>(context.store, identity);
  if (finished) return writeFile(join(context.work, workFiles.finished), JSON.stringify(finished));
  const key = await readKey({ keyFile: context.keyFile, env: {} });
  await context.store.requireRoom(listFiles(task), context.signal);
  const payload = await fetchPayload(task.etlt, key, context);
  const model = await toWorkingModel(toNormalForm(parseCompleteModel(payload)).model);
  const cache = task.calibrationCache && (await fetchVerified(task.calibrationCache, context));
  const scales = cache && readUsableScales(new TextDecoder().decode(cache));
  const planned = planModel(task, model);
  const graph = buildGraphFor(model, { ...planned.plan, scales, integers: readIntegerTypes() });
  await writeInput(context, workFiles.model, serializeModel(graph));
  await writeInput(
    context,
    workFiles.reference,
    serializeReference(planned.plan.pluginNodes, { model, payload }),
  );
  if (task.network) await writeInput(context, workFiles.network, await fetchVerified(task.network, context));
  if (task.distributions && scales)
    await writeInput(
      context,
      workFiles.distributions,
      await fetchDistributions(task.distributions, scales, context),
    );
  if (task.verification)
    await writeInput(context, workFiles.verification, await fetchVerified(task.verification, context));
  const request = buildRequest(task, { ...planned, model, graph, scales }, context);
  await writeInput(
    context,
    workFiles.request,
    Buffer.from(JSON.stringify({ ...request, ...(await prepareTimings(task, context)) })),
  );
};

/** The artifacts of the export that are fetched. */
const listFiles = (task: EngineTask): readonly string[] =>
  [task.etlt, task.calibrationCache, task.network, task.distributions, task.verification].flatMap(
    (source) => source?.uri ?? [],
  );

/** Where a builder finds the timings of earlier builds, and where it writes its own. */
const prepareTimings = async (
  { timings }: EngineTask,
  context: StageContext,
): Promise<Pick<BuildRequest, 'timingCaches' | 'timingCache'>> =>
  timings === undefined
    ? {}
    : {
        timingCaches: await fetchTimingCaches(timings, context),
        timingCache: join(context.built, timingCacheFile),
      };

/** Fetches and decrypts the model, reading the ciphertext in chunks. */
const fetchPayload = async (
  source: Source,
  key: string,
  { store, signal }: StageContext,
): Promise<Uint8Array> => {
  const path = await store.fetch(source.uri, signal);
  verifyDigest(source, await fileDigest(path));
  using file = openReadable(path);
  return (await openEncrypted(file, key)).content.whole();
};

const fetchVerified = async (source: Source, { store, signal }: StageContext): Promise<Uint8Array> => {
  const bytes = readRegular(await store.fetch(source.uri, signal));
  verifyDigest(source, sha256(bytes));
  return bytes;
};

/** The distributions with the scales of the cache among the methods. */
const fetchDistributions = async (
  source: Source,
  scales: ReadonlyMap<string, number>,
  context: StageContext,
): Promise<Uint8Array> => {
  const found = readDistributions(new TextDecoder().decode(await fetchVerified(source, context)));
  return Buffer.from(writeDistributions(addMethod(found, scales)));
};

const writeInput = ({ work }: StageContext, name: string, bytes: Uint8Array): Promise<void> =>
  writeWholeFile(join(work, name), bytes, { overwrite: true, isPrivate: true });
