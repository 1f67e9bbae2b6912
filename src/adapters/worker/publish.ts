/** The last container of an engine pod: stores the engine, then its manifest, and says where it lies. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { backends } from '../../ground/contract/backends.ts';
import { artifactFiles, fileIn, workFiles } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import type { EngineBuilt } from '../../ground/contract/result.ts';
import type { BuildReport, BuildRequest, EngineTask } from '../../ground/contract/task.ts';
import { engineInputs, type StageWorld } from './stage.ts';

export type PublishWorld = Pick<StageWorld, 'store' | 'work' | 'signal'>;

/** @throws UserError EngineBuildFailed if the builder left no engine, DiskFull, StorageUnavailable */
export const publish = async (task: EngineTask, world: PublishWorld): Promise<EngineBuilt> => {
  const finished = join(world.work, workFiles.finished);
  if (existsSync(finished))
    return { ...(JSON.parse(await readFile(finished, 'utf8')) as EngineBuilt), reused: true };
  const { engine, report } = await built(world.work);
  const name = backends[task.backend].engineFile;
  const uri = fileIn(task.folder, name);
  const stored = await world.store.put(uri, engine, world.signal);
  const { runtime, latency, agreement } = report;
  const result: EngineBuilt = {
    kind: 'EngineBuilt',
    engine: { file: name, ...stored },
    runtime,
    ...(latency && { latency }),
    ...(agreement && { agreement }),
    reused: false,
  };
  const manifest: Manifest = {
    formatVersion: 1,
    key: task.engineKey,
    inputs: engineInputs(task),
    files: { [name]: stored },
    result,
    notes: [
      `${name} runs on ${runtime.name} ${runtime.version}; batch 1 to ${task.maxBatchSize}, ${task.dataType}`,
    ],
  };
  await world.store.put(
    fileIn(task.folder, artifactFiles.manifest),
    Buffer.from(`${canonicalJson(manifest)}\n`),
    world.signal,
  );
  return result;
};

const built = async (work: string): Promise<{ engine: Uint8Array; report: BuildReport }> => {
  const request = JSON.parse(await readFile(join(work, workFiles.request), 'utf8')) as BuildRequest;
  const engine = await readFile(request.engine).catch(() => undefined); // Told below, with what to do.
  if (engine === undefined || engine.length === 0)
    throw new UserError(
      'EngineBuildFailed',
      'Storing the engine: the builder left none. Look at the log of container build.',
    );
  return { engine, report: JSON.parse(await readFile(request.report, 'utf8')) as BuildReport };
};
